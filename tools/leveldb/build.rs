//! Gives `liblsm_leveldb.so` its soname: the name of the file, without a version.
//!
//! The interface is LevelDB's and does not move with ours, and a program that was linked against
//! the file as it was built finds it again under that name.

#![allow(clippy::disallowed_methods, reason = "a build script is told everything by variables")]

use std::env::{self, VarError};

fn main() -> Result<(), VarError> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,liblsm_leveldb.so");
    }
    Ok(())
}
