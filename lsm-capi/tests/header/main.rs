//! `include/lsm.h` is what the sources say, and compiles everywhere.
//!
//! `REWRITE=1 cargo test -p lsm-capi` writes the header anew.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test of files and compilers"
)]

mod generate;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn include() -> PathBuf {
    package().join("../include")
}

/// True if `tool` runs here; `make test` asks for it beforehand, so this is for bare `cargo test`.
fn has(tool: &str) -> bool {
    let is_there = Command::new(tool).arg("--version").output().is_ok();
    if !is_there {
        eprintln!("not run: there is no {tool} here");
    }
    is_there
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{told}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Compiles a file that includes the header twice.
fn compiles(compiler: &str, standard: &str, name: &str) {
    if !has(compiler) {
        return;
    }
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&source, "#include <lsm.h>\n#include <lsm.h>\nint lsm_included;\n").expect("a file");
    run(Command::new(compiler)
        .arg(standard)
        .args(STRICT)
        .arg("-fsyntax-only")
        .arg("-I")
        .arg(include())
        .arg(source));
}

#[test]
fn the_header_is_what_the_sources_say() {
    let path = include().join("lsm.h");
    let wanted = generate::header(&package());
    if env::var_os("REWRITE").is_some() {
        fs::write(&path, &wanted).expect("the header is written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let first = found.lines().zip(wanted.lines()).position(|(found, wanted)| found != wanted);
    assert!(
        found == wanted,
        "include/lsm.h:{}: not what lsm-capi/src says: REWRITE=1 cargo test -p lsm-capi",
        first.unwrap_or_else(|| found.lines().count().min(wanted.lines().count())) + 1,
    );
}

#[test]
fn the_header_is_c99() {
    compiles("cc", "-std=c99", "header99.c");
}

#[test]
fn the_header_is_c11() {
    compiles("cc", "-std=c11", "header11.c");
}

#[test]
fn the_header_is_c17() {
    compiles("cc", "-std=c17", "header17.c");
}

#[test]
fn the_header_is_cpp20() {
    compiles("c++", "-std=c++20", "header20.cc");
}

#[test]
fn the_header_is_cpp11() {
    compiles("c++", "-std=c++11", "header11.cc");
}

#[test]
fn the_header_is_cpp17() {
    compiles("c++", "-std=c++17", "header17.cc");
}
