//! Gives `liblsm_leveldb.so` its soname: the name of the file, without a version.
//!
//! The interface is LevelDB's and does not move with ours, and a program that was linked against
//! the file as it was built finds it again under that name.
//!
//! The library is never unloaded: a program may open it by hand and close it again, and by then the
//! engine has handlers in the process and threads that are about to end.

#![allow(clippy::disallowed_methods, reason = "a build script is told everything by variables")]

use std::env::{self, VarError};

fn main() -> Result<(), VarError> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liblsm_leveldb.so");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    Ok(())
}
