//! Random calls of every function of the header, by several threads at once, on handles that are
//! alive, closed, NULL, made up or of another kind: no answer but a status, and no crash.
//!
//! `tests/fuzz/fuzz.c` makes the calls. Here the library is built with AddressSanitizer, so that
//! what the engine does with memory is watched too.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::tools::{STRICT, empty, has, include, library, root, run, with_library};

fn source() -> PathBuf {
    root().join("lsm-capi/tests/fuzz/fuzz.c")
}

fn compile(flags: &[&str], library: &Path, program: &Path) {
    let mut command = Command::new("cc");
    command.args(["-std=c99", "-O1", "-g", "-D_GNU_SOURCE", "-pthread"]).args(STRICT).args(flags);
    command.arg("-I").arg(include()).arg(source()).arg(library);
    run(command.args(["-lutil", "-lrt", "-lm", "-ldl", "-o"]).arg(program));
}

/// How long, and from which number on.
fn settings(usual: &str) -> (String, String) {
    let text = |name, usual: &str| env::var(name).unwrap_or_else(|_| usual.to_owned());
    (text("LSM_SECONDS", usual), text("LSM_SEED", "1"))
}

/// Runs the program; what it printed last tells how to run it again.
fn runs(program: &mut Command, data: &Path, (seconds, seed): (String, String)) {
    let told = run(program.args([&seconds, &seed]).arg(data));
    eprintln!("{}", told.trim_end());
    fs::remove_dir_all(data).or_else(gone).expect("the data goes");
}

fn gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[test]
fn random_calls_get_a_status() {
    if cfg!(target_os = "linux") && has("cc", "--version") {
        let folder = empty("fuzz");
        let program = folder.join("program");
        compile(&["-fsanitize=address,undefined"], &library().join("liblsm.so"), &program);
        runs(&mut with_library(&program), &folder.join("data"), settings("3"));
    }
}

/// Every function of the header is called by the program.
#[test]
fn the_fuzzer_knows_every_function() {
    let header = fs::read_to_string(include().join("lsm.h")).expect("the header");
    let source = fs::read_to_string(source()).expect("the program");
    let functions = header.split("LSM_API").skip(1).filter_map(|part| {
        let (before, _) = part.split_once('(')?;
        before.rsplit([' ', '*', '\n']).next()
    });
    let functions: Vec<&str> = functions.filter(|name| name.starts_with("lsm_")).collect();
    assert!(functions.len() > 60, "{functions:?}");
    for name in functions {
        assert!(source.contains(&format!("{name}(")), "tests/fuzz/fuzz.c does not call {name}");
    }
}

/// The library itself under AddressSanitizer, linked statically.
#[test]
#[ignore = "a minute and a build: part of make prove"]
fn prove_that_random_calls_get_a_status() {
    if !cfg!(target_os = "linux") || !has("cc", "--version") {
        return;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("library-asan");
    let host = "x86_64-unknown-linux-gnu";
    run(Command::new(env!("CARGO"))
        .args(["build", "--lib", "--release", "--target", host, "--manifest-path"])
        .arg(root().join("lsm-capi/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address -Cdebug-assertions=on")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_STRIP", "none"));
    let folder = empty("fuzz-asan");
    let program = folder.join("program");
    let library = target.join(host).join("release/liblsm.a");
    compile(&["-fsanitize=address,undefined"], &library, &program);
    runs(&mut Command::new(&program), &folder.join("data"), settings("60"));
}
