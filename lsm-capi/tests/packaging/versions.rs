//! Which versions `find_package` takes, for a library before 1.0 and for one after it.

use std::path::Path;

use crate::sources::Sources;
use crate::tree::{command, has, repository, run, scratch};

/// The answers of CMake for a library of some version.
fn answers(version: &str, asked: &[&str]) -> Vec<bool> {
    let folder = scratch(&format!("versions {version}"));
    let prefix = folder.join("prefix");
    run(Sources::of(&folder, version).script().env("PREFIX", &prefix));
    let told = ask(&folder, &prefix, asked);
    let answers = told.lines().filter_map(|line| line.strip_prefix("-- asked "));
    answers.map(|line| line.ends_with(": 1")).collect()
}

fn ask(folder: &Path, prefix: &Path, asked: &[&str]) -> String {
    let mut cmake = command("cmake");
    cmake.arg("-S").arg(repository().join("lsm-capi/tests/packaging/asker"));
    cmake.arg("-B").arg(folder.join("a build")).arg(format!("-DASKED={}", asked.join(";")));
    run(cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())))
}

#[test]
fn before_the_first_major_version_a_minor_one_counts() {
    if !has("cmake") {
        return;
    }
    let taken =
        ["0.2", "0.2.0", "0.2.3", "0.2.3 EXACT", "0.1...0.3", "0.2...<0.2.4", "0.2.3...0.2.3"];
    assert_eq!(answers("0.2.3", &taken), taken.map(|_| true));
    let refused = [
        "0",
        "0.1",
        "0.2.4",
        "0.3",
        "1",
        "1.2",
        "0.2.2 EXACT",
        "0.3...1",
        "0.1...<0.2.3",
        "0.1...0.2",
    ];
    assert_eq!(answers("0.2.3", &refused), refused.map(|_| false));
}

#[test]
fn later_a_major_version_counts() {
    if !has("cmake") {
        return;
    }
    let taken = ["1", "1.0", "1.2", "1.2.3", "1.2.3 EXACT", "0.9...2", "1.2...<1.2.4"];
    assert_eq!(answers("1.2.3", &taken), taken.map(|_| true));
    let refused = ["0", "0.9", "0.1", "1.3", "1.2.4", "2", "1.2.2 EXACT", "2...3", "1...<1.2.3"];
    assert_eq!(answers("1.2.3", &refused), refused.map(|_| false));
}
