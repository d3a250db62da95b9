//! `include/lsm.hpp`: the programs of `tests/cpp`, compiled in every way that it promises.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::{
    STRICT, empty, files, has, include, library, root, run, run_watched, stem, with_library,
};

const BARE: [&str; 2] = ["-fno-exceptions", "-fno-rtti"];
const SANITIZED: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

fn sources() -> PathBuf {
    root().join("lsm-capi/tests/cpp")
}

fn compiler(flags: &[&str]) -> Command {
    let mut command = Command::new("c++");
    command.args(STRICT).args(["-Wshadow", "-Wconversion", "-g", "-pthread"]).args(flags);
    command.arg("-I").arg(include());
    command
}

/// Builds each program, and hands it with an empty folder to `check`.
fn each_program(way: &str, flags: &[&str], check: impl Fn(&Path, &Path)) {
    if !cfg!(target_os = "linux") || !has("c++", "--version") {
        return;
    }
    for source in files(&sources(), "cc") {
        let folder = empty(&format!("cpp-{way}/{}", stem(&source)));
        let program = folder.join("program");
        run(compiler(flags).arg(&source).arg(library().join("liblsm.so")).arg("-o").arg(&program));
        let data = folder.join("data");
        fs::create_dir(&data).expect("a folder");
        check(&program, &data);
    }
}

fn runs(program: &Path, data: &Path) {
    run(with_library(program).arg(data));
}

#[test]
fn they_run_as_cpp17() {
    each_program("17", &["-std=c++17"], runs);
}

/// Slow: valgrind looks at every access of the whole engine.
#[test]
#[ignore = "a minute: part of make prove"]
fn prove_that_valgrind_finds_nothing_in_cpp() {
    if has("valgrind", "--version") {
        each_program("watched", &["-std=c++17"], |program, data| {
            run_watched(program, data);
        });
    }
}

#[test]
fn they_run_as_cpp20_without_exceptions() {
    each_program("bare", &["-std=c++20", BARE[0], BARE[1]], runs);
}

#[test]
fn they_run_sanitized() {
    each_program("sanitized", &["-std=c++17", SANITIZED[0], SANITIZED[1]], runs);
}

#[test]
fn they_compile_the_other_ways_too() {
    if !has("c++", "--version") {
        return;
    }
    for source in files(&sources(), "cc") {
        for flags in [&["-std=c++20"][..], &["-std=c++17", BARE[0], BARE[1]]] {
            run(compiler(flags).arg("-fsyntax-only").arg(&source));
        }
    }
}

/// Each unit includes the header in another order, and one is compiled without exceptions.
#[test]
fn a_program_may_have_several_units() {
    if !cfg!(target_os = "linux") || !has("c++", "--version") {
        return;
    }
    let folder = empty("cpp-units");
    let mut link = Command::new("c++");
    for source in files(&sources().join("units"), "cc") {
        let is_bare = stem(&source) == "third";
        let object = folder.join(stem(&source)).with_extension("o");
        let flags: &[&str] = if is_bare { &BARE } else { &[] };
        run(compiler(&["-std=c++17", "-c"]).args(flags).arg(&source).arg("-o").arg(&object));
        link.arg(object);
    }
    let program = folder.join("program");
    run(link.arg(library().join("liblsm.so")).arg("-o").arg(&program));
    runs(&program, &folder.join("data"));
}

/// What would dangle, or pass over an error, and the word that the compiler refuses it with.
const DANGEROUS: [(&str, &str); 11] = [
    ("auto text = db.sync().error().message();", "deleted"),
    ("std::string_view view = **db.get(\"key\");", "deleted"),
    ("auto view = (**db.get(\"key\")).view();", "deleted"),
    ("auto data = (**db.get(\"key\")).data();", "deleted"),
    ("auto entry = (*db.iterator()).next();", "deleted"),
    ("auto options = lsm::ReadOptions::at(*db.snapshot());", "deleted"),
    ("if (db.exists(\"key\")) { return; }", "could not convert"),
    ("bool is_there = db.exists(\"key\");", "cannot convert"),
    ("lsm::Db copy = db;", "deleted"),
    ("db.put(\"key\", \"value\");", "nodiscard"),
    ("db.all();", "nodiscard"),
];

fn judge(name: &str, line: &str) -> (bool, String) {
    let source = empty("cpp-judged").with_file_name(name).with_extension("cc");
    let head = "#include <lsm.hpp>\nvoid f(lsm::Db &db);\n";
    fs::write(&source, format!("{head}void f(lsm::Db &db) {{ {line} }}\n")).expect("a file");
    let mut command = compiler(&["-std=c++17", "-fsyntax-only", "-Wno-unused-variable"]);
    let output = command.env("LC_ALL", "C").arg(&source).output().expect("a compiler");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_is_dangerous_does_not_compile() {
    if !has("c++", "--version") {
        return;
    }
    let (is_fine, told) =
        judge("fine", "auto done = db.sync(); auto text = done.error().message();");
    assert!(is_fine, "{told}");
    for (index, (line, word)) in DANGEROUS.iter().enumerate() {
        let (is_fine, told) = judge(&format!("dangerous-{index}"), line);
        assert!(!is_fine && told.contains(word), "{line}\n{told}");
    }
}

/// What C++ has in another form, or does not need.
const NOT_IN_CPP: [&str; 13] = [
    "lsm_build_info",
    "lsm_compact",
    "lsm_error_status",
    "lsm_flush",
    "lsm_iter_next_many",
    "lsm_salvage",
    "lsm_status_is_retryable",
    "lsm_str",
    "lsm_values_free",
    "lsm_verify",
    "lsm_version",
    "lsm_version_number",
    "lsm_wait_durable",
];

/// The functions that a header names, before their bracket.
fn functions(header: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(include().join(header)).expect("a header");
    let code: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let code = code.join("\n");
    let words = code.split(|letter| !is_part(letter)).map(str::to_owned);
    words.filter(|word| word.starts_with("lsm_")).collect()
}

#[test]
fn every_function_is_there_or_said_to_be_missing() {
    let text = fs::read_to_string(include().join("lsm.h")).expect("lsm.h");
    let cpp = functions("lsm.hpp");
    let is_declared = |name: &String| {
        let called = format!("{name}(");
        text.lines().any(|line| {
            !line.trim_start().starts_with("//") && line.contains("lsm_") && line.contains(&called)
        })
    };
    let declared: BTreeSet<String> = functions("lsm.h").into_iter().filter(is_declared).collect();
    assert!(declared.len() > 80, "{} functions were found in lsm.h", declared.len());
    let missing: Vec<&String> = declared.difference(&cpp).collect();
    assert_eq!(missing, NOT_IN_CPP, "lsm.hpp lacks, or has what it is said to lack");
}
