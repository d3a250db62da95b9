//! One target under libFuzzer: the one that `LSM_FUZZ_TARGET` names.

#![cfg_attr(lsm_sim, no_main)]
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a program for the command line"
)]

#[cfg(lsm_sim)]
static TARGET: std::sync::OnceLock<lsm_fuzz::target::Target> = std::sync::OnceLock::new();

#[cfg(lsm_sim)]
fn target() -> &'static lsm_fuzz::target::Target {
    TARGET.get_or_init(|| {
        let name = std::env::var("LSM_FUZZ_TARGET").expect("LSM_FUZZ_TARGET names a target");
        let _made = lsm_fuzz::specimen::Specimen::get();
        lsm_fuzz::targets::list::named(&name).expect("LSM_FUZZ_TARGET names a target")
    })
}

#[cfg(lsm_sim)]
libfuzzer_sys::fuzz_target!(init: {
    target();
}, |input: &[u8]| {
    target().judge(input);
});

#[cfg(not(lsm_sim))]
fn main() {
    eprintln!("lsm-fuzzer needs the simulated world: call it by make fuzz");
}
