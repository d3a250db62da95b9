//! The programs in README.md compile as printed, and run.

use std::fs;
use std::process::Command;

use crate::tools::{STRICT, empty, has, include, library, root, run, with_library};

/// The blocks of README.md in this language.
fn blocks(language: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("README.md")).expect("README.md");
    let opening = format!("```{language}\n");
    let parts = text.split(opening.as_str()).skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// Builds and runs each block in an empty folder.
fn each_prints(language: &str, compiler: &str, standard: &str, wanted: &str) {
    if !cfg!(target_os = "linux") || !has(compiler, "--version") {
        return;
    }
    let blocks = blocks(language);
    assert_eq!(blocks.len(), 1, "programs in {language}");
    for block in blocks {
        let folder = empty(&format!("readme-{language}"));
        let source = folder.join("program").with_extension(language);
        fs::write(&source, block).expect("a file");
        let program = folder.join("program");
        run(Command::new(compiler)
            .arg(standard)
            .args(STRICT)
            .arg("-I")
            .arg(include())
            .arg(&source)
            .arg(library().join("liblsm.so"))
            .arg("-o")
            .arg(&program));
        assert_eq!(run(with_library(program).current_dir(&folder)), wanted);
    }
}

#[test]
fn the_program_in_c() {
    each_prints("c", "cc", "-std=c99", "apple = red\n");
}

#[test]
fn the_program_in_cpp() {
    each_prints("cpp", "c++", "-std=c++17", "apple = red\n");
}
