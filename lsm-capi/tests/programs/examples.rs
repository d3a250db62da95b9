//! The programs of `examples/`, built as their readers would build them, and run: each prints what
//! `examples/expected/` has under its name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::{STRICT, empty, files, has, include, library, root, run, stem, with_library};

const SANITIZED: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

fn examples() -> PathBuf {
    root().join("examples")
}

/// Runs a program on a database of its own.
fn prints_what_is_expected(command: &mut Command, name: &str, folder: &Path) {
    let data = folder.join(format!("{name}.lsm"));
    let printed = run(command.arg(data));
    let expected = examples().join("expected").join(name).with_extension("txt");
    assert_eq!(printed, fs::read_to_string(expected).expect("what is expected"), "{name}");
}

fn run_sanitized(language: &str, compiler: &str, flags: &[&str], end: &str) {
    if !cfg!(target_os = "linux") || !has(compiler, "--version") {
        return;
    }
    let folder = empty(&format!("examples-{language}"));
    for source in files(&examples().join(language), end) {
        let program = folder.join(stem(&source));
        run(Command::new(compiler)
            .args(flags)
            .args(STRICT)
            .args(SANITIZED)
            .args(["-g", "-pthread", "-I"])
            .arg(include())
            .arg(&source)
            .arg(library().join("liblsm.so"))
            .arg("-o")
            .arg(&program));
        prints_what_is_expected(&mut with_library(&program), stem(&source), &folder);
    }
}

#[test]
fn c_examples_run_sanitized() {
    run_sanitized("c", "cc", &["-std=c99"], "c");
}

#[test]
fn cpp_examples_run_sanitized() {
    run_sanitized("cpp", "c++", &["-std=c++17"], "cc");
}

/// A copy to build in: what is built must not lie among the sources.
fn copied(language: &str) -> PathBuf {
    let folder = empty(&format!("examples-made-{language}"));
    for entry in fs::read_dir(examples().join(language)).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let name = path.file_name().expect("a name");
            fs::copy(&path, folder.join(name)).expect("a copy");
        }
    }
    folder
}

fn make_builds_all(language: &str, end: &str) {
    if !cfg!(target_os = "linux") || !has("make", "--version") || !has("c++", "--version") {
        return;
    }
    let folder = copied(language);
    run(Command::new("make")
        .arg("-C")
        .arg(&folder)
        .arg(format!("LSM_CFLAGS=-I{} -Werror", include().display()))
        .arg(format!("LSM_LIBS=-L{} -llsm", library().display())));
    for source in files(&folder, end) {
        let program = folder.join(stem(&source));
        prints_what_is_expected(&mut with_library(program), stem(&source), &folder);
    }
}

#[test]
fn the_makefile_builds_the_c_examples() {
    make_builds_all("c", "c");
}

#[test]
fn the_makefile_builds_the_cpp_examples() {
    make_builds_all("cpp", "cc");
}

#[test]
fn go_calls_the_library() {
    if !cfg!(target_os = "linux") || !has("go", "version") {
        return;
    }
    let folder = copied("go");
    let program = folder.join("tour");
    run(Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(&folder)
        .env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"))
        .env("CGO_ENABLED", "1")
        .env("CGO_CFLAGS", format!("-I{}", include().display()))
        .env("CGO_LDFLAGS", format!("-L{}", library().display())));
    prints_what_is_expected(with_library(&program).env("GODEBUG", "cgocheck=2"), "tour", &folder);
}

#[test]
fn node_calls_the_library() {
    if !cfg!(target_os = "linux") || !has("node", "--version") || !has("npm", "--version") {
        return;
    }
    let folder = copied("node");
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder));
    let mut node = with_library("node");
    node.arg("tour.js").current_dir(&folder).env("LSM_LIBRARY", library().join("liblsm.so"));
    prints_what_is_expected(&mut node, "tour", &folder);
}

#[test]
fn each_is_short_and_in_the_lists() {
    for (language, end) in [("c", "c"), ("cpp", "cc")] {
        let folder = examples().join(language);
        let makefile = fs::read_to_string(folder.join("Makefile")).expect("a Makefile");
        let cmake = fs::read_to_string(folder.join("CMakeLists.txt")).expect("a CMakeLists.txt");
        let readme = fs::read_to_string(examples().join("README.md")).expect("a README");
        for source in files(&folder, end) {
            let name = stem(&source);
            let lines = fs::read_to_string(&source).expect("a source").lines().count();
            assert!(lines < 100, "{} has {lines} lines", source.display());
            assert!(makefile.contains(name) && cmake.contains(name), "{name} is not built");
            let link = format!("({language}/{name}.{end})");
            assert!(readme.contains(&link), "examples/README.md does not know {link}");
        }
    }
}
