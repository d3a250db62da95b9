//! The examples in C and C++, built against an installation by their Makefile and by CMake.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tree::{command, has, moved_prefix, repository, run};

const LANGUAGES: [&str; 2] = ["c", "cpp"];

/// The names of all programs in a language, by their sources.
fn programs(language: &str) -> Vec<String> {
    let folder = fs::read_dir(repository().join("examples").join(language)).expect("a folder");
    let sources = folder.map(|entry| entry.expect("an entry").path());
    let sources = sources.filter(|it| it.extension().is_some_and(|end| end == "c" || end == "cc"));
    let name = |source: PathBuf| source.file_stem()?.to_str().map(String::from);
    let names: Vec<String> = sources.filter_map(name).collect();
    assert!(names.len() > 8, "{names:?}");
    names
}

/// A copy to build in: what is built must not lie among the sources.
fn copied(language: &str, to: &Path) -> PathBuf {
    let folder = to.join(language);
    fs::create_dir_all(&folder).expect("a folder");
    for entry in fs::read_dir(repository().join("examples").join(language)).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            fs::copy(&path, folder.join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
    folder
}

/// All programs are in `folder`, and print what they should.
fn all_run(language: &str, folder: &Path, libraries: Option<&Path>) {
    for name in programs(language) {
        let mut program = command(folder.join(&name));
        program.arg(folder.join(format!("{name}.lsm")));
        if let Some(libraries) = libraries {
            program.env("LD_LIBRARY_PATH", libraries);
        }
        let expected = repository().join("examples/expected").join(format!("{name}.txt"));
        let expected = fs::read_to_string(expected).expect("what is expected");
        assert_eq!(run(&mut program), expected, "{}/{name}", folder.display());
    }
}

fn make(folder: &Path) -> Command {
    let mut make = command("make");
    make.arg("-C").arg(folder);
    make
}

#[test]
fn examples_by_their_makefile() {
    if !(has("make") && has("cc") && has("c++") && has("pkg-config")) {
        return;
    }
    let prefix = moved_prefix("examples make");
    for language in LANGUAGES {
        let folder = copied(language, &prefix.join("by prefix"));
        run(make(&folder).arg(format!("LSM_PREFIX={}", prefix.display())));
        all_run(language, &folder, None);
        let folder = copied(language, &prefix.join("by pkg-config"));
        run(make(&folder).env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
        all_run(language, &folder, Some(&prefix.join("lib")));
    }
}

#[test]
fn examples_by_cmake() {
    if !(has("cmake") && has("make") && has("cc") && has("c++")) {
        return;
    }
    let prefix = moved_prefix("examples cmake");
    for language in LANGUAGES {
        let folder = copied(language, &prefix);
        let build = prefix.join("a build").join(language);
        run(command("cmake")
            .arg("-S")
            .arg(&folder)
            .arg("-B")
            .arg(&build)
            .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
        run(command("cmake").arg("--build").arg(&build));
        all_run(language, &build, None);
    }
}
