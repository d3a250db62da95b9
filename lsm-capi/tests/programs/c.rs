//! `include/lsm.h`: the programs of `tests/c`, one for each of its sections, compiled as every C
//! and C++ that it promises.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::{
    STRICT, empty, files, has, include, library, root, run, run_watched, stem, with_library,
};

/// Compilers, languages and standards.
const WAYS: [(&str, &str, &str); 6] = [
    ("cc", "c", "c99"),
    ("cc", "c", "c11"),
    ("cc", "c", "c17"),
    ("c++", "c++", "c++11"),
    ("c++", "c++", "c++17"),
    ("c++", "c++", "c++20"),
];
const SANITIZED: [&str; 3] = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

fn sources() -> Vec<PathBuf> {
    files(&root().join("lsm-capi/tests/c"), "c")
}

fn compiler((compiler, language, standard): (&str, &str, &str)) -> Command {
    let mut command = Command::new(compiler);
    command.arg(format!("-std={standard}")).args(["-x", language, "-D_GNU_SOURCE"]).args(STRICT);
    command.arg("-I").arg(include());
    command
}

/// Builds each program, and hands it with a folder that is not there yet to `check`.
fn each_program(way: (&str, &str, &str), flags: &[&str], check: impl Fn(&Path, &Path)) {
    if !cfg!(target_os = "linux") || !has(way.0, "--version") {
        return;
    }
    let name = format!("c-{}-{}", way.2, flags.len());
    for source in sources() {
        let folder = empty(&format!("{name}/{}", stem(&source)));
        let (program, data) = (folder.join("program"), folder.join("data"));
        let mut command = compiler(way);
        command.args(flags).arg(&source).args(["-x", "none", "-pthread"]);
        run(command.arg(library().join("liblsm.so")).arg("-o").arg(&program));
        check(&program, &data);
        fs::remove_dir_all(&folder).expect("the folder goes");
    }
}

fn runs(program: &Path, data: &Path) {
    run(with_library(program).arg(data));
}

#[test]
fn every_section_is_what_it_says_in_c() {
    each_program(WAYS[0], &[], runs);
}

#[test]
fn every_section_is_what_it_says_in_cpp() {
    each_program(WAYS[5], &[], runs);
}

#[test]
fn every_section_runs_sanitized() {
    each_program(WAYS[1], &SANITIZED, runs);
}

#[test]
fn every_section_compiles_as_every_standard() {
    for way in WAYS.into_iter().filter(|way| has(way.0, "--version")) {
        for source in sources() {
            run(compiler(way).arg("-fsyntax-only").arg(&source));
        }
    }
}

/// A program of the list for each section that `lib.rs` has.
#[test]
fn every_section_has_a_program() {
    let lib = fs::read_to_string(root().join("lsm-capi/src/lib.rs")).expect("lib.rs");
    let sections = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let titles: Vec<String> = sections.map(title).collect();
    let all: String =
        sources().iter().map(|path| fs::read_to_string(path).expect("a program")).collect();
    for title in titles {
        assert!(all.contains(&format!("\"{title}\"")), "no program of tests/c is for `{title}`");
    }
}

fn title(section: &str) -> String {
    let path = root().join(format!("lsm-capi/src/{section}.rs"));
    let source = fs::read_to_string(path).expect("a section");
    source.split('"').nth(1).expect("the first line names the section").to_owned()
}

/// Slow: valgrind looks at every access of the whole engine.
#[test]
#[ignore = "a minute: part of make prove"]
fn prove_that_valgrind_finds_nothing_in_any_section() {
    if has("valgrind", "--version") {
        each_program(WAYS[2], &["-g", "-O1"], |program, data| {
            // A forked child ends with all that was its parent's.
            let is_fork = data.parent().is_some_and(|folder| folder.ends_with("fork"));
            if is_fork {
                runs(program, data);
            } else {
                run_watched(program, data);
            }
        });
    }
}
