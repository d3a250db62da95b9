//! The programs under tools that notice what goes wrong in memory.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{can_run, compile, empty, ours, run, scratch};

/// Programs and what stands behind their directory.
const PROGRAMS: [(&str, &[&str]); 5] = [
    ("tour", &[]),
    ("order", &[]),
    ("misuse", &[]),
    ("random", &["5", "600", "own"]),
    ("threads", &["own"]),
];

fn linked(name: &str, folder: &Path, flags: &[&str]) -> PathBuf {
    let (program, library) = (folder.join(name), ours());
    let library = library.to_str().expect("a path in UTF-8");
    compile(name, &program, &[&[library], flags].concat());
    program
}

/// Runs a program of `tests/c` in an empty directory, behind `before` on the command line.
fn run_in(folder: &Path, before: &[&str], program: &Path, arguments: &[&str]) {
    let directory = folder.join("db");
    empty(&directory);
    let mut words = before.iter().map(Path::new).chain([program]);
    let mut command = Command::new(words.next().unwrap_or(program));
    command.args(words).arg(&directory).args(arguments);
    command.env("LD_LIBRARY_PATH", ours().parent().unwrap_or(folder));
    command.env("TEST_TMPDIR", directory.join("env"));
    run(&mut command);
}

#[test]
fn threads_see_what_they_wrote() {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch("threads");
    let threads = linked("threads", &folder, &[]);
    run_in(&folder, &[], &threads, &[]);
    run_in(&folder, &[], &threads, &["own"]);
}

#[test]
fn valgrind_finds_nothing_lost_and_nothing_wrong() {
    if !can_run(&["valgrind"]) {
        return;
    }
    let folder = scratch("valgrind");
    // What is only possibly lost is the stack of a worker that was ending as the program ended.
    let valgrind = [
        "valgrind",
        "--quiet",
        "--error-exitcode=9",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect",
        "--show-leak-kinds=definite,indirect",
    ];
    // Threads take turns there, which takes minutes and proves nothing.
    for (name, arguments) in PROGRAMS.iter().filter(|(name, _)| *name != "threads") {
        run_in(&folder, &valgrind, &linked(name, &folder, &[]), arguments);
    }
}

#[test]
fn sanitizers_find_nothing() {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch("sanitizers");
    let flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    for (name, arguments) in PROGRAMS {
        run_in(&folder, &[], &linked(name, &folder, &flags), arguments);
    }
}
