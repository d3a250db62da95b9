//! Gives `liblsm.so` its soname, and tells it how it was built.
//!
//! Before 1.0 each minor version may change the C interface, so the soname carries it:
//! `liblsm.so.0.1`; from 1.0 on the major version stands alone. Where cargo-c builds the library it
//! sets the soname itself, and two would contradict each other.

#![allow(clippy::disallowed_methods, reason = "a build script is told everything by variables")]

use std::env::{self, VarError};

fn main() -> Result<(), VarError> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=LSM_PROFILE={}", env::var("PROFILE")?);
    let is_linux = env::var("CARGO_CFG_TARGET_OS")? == "linux";
    let is_cargo_c = env::var_os("CARGO_CFG_CARGO_C").is_some();
    if is_linux && !is_cargo_c {
        let major = env::var("CARGO_PKG_VERSION_MAJOR")?;
        let minor = env::var("CARGO_PKG_VERSION_MINOR")?;
        let abi = if major == "0" { format!("0.{minor}") } else { major };
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liblsm.so.{abi}");
        // Handlers of signals and forks must stay where they are, whatever a program unloads.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    Ok(())
}
