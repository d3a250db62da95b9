//! The same program on both libraries prints the same lines.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::lab::{Program, assert_same, can_run, compile_file, ours, run, scratch};

#[test]
fn every_function_answers_as_leveldbs_does() {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch("tour");
    let tour = Program::new("tour", &folder);
    let both = tour.both(&folder.join("db"), &[]);
    assert!(both[0].lines().count() > 2000, "the tour is short:\n{}", both[0]);
    assert_same("tour", &both);
}

#[test]
fn the_tour_calls_every_function() {
    if !can_run(&["nm"]) {
        return;
    }
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c");
    let text = ["tour.c", "show.h"].map(|name| fs::read_to_string(programs.join(name)));
    let text = text.map(|text| text.expect("a program")).concat();
    let uncalled: Vec<_> = crate::symbols::exported()
        .into_iter()
        .filter(|name| !text.contains(&format!("{name}(")))
        .collect();
    assert!(uncalled.is_empty(), "{uncalled:?}");
}

fn calls_answer_the_same(seed: u64, count: u64, own: &[&str]) {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch(&format!("random{seed}"));
    let random = Program::new("random", &folder);
    let (seed, count) = (seed.to_string(), count.to_string());
    let both = random.both(&folder.join("db"), &[&[seed.as_str(), &count], own].concat());
    assert_same(&format!("random DIRECTORY {seed} {count}"), &both);
    // Two libraries that answer nothing but errors would be the same, too.
    let answered = both[0].lines().filter(|line| line.contains(" = ")).count();
    assert!(answered > 1000, "only {answered} entries were met");
}

#[test]
fn random_calls_answer_the_same() {
    calls_answer_the_same(1, 5000, &[]);
}

#[test]
fn random_calls_answer_the_same_under_a_comparator() {
    calls_answer_the_same(2, 5000, &["own"]);
}

/// `LSM_SEED=7 cargo test -p lsm-leveldb chosen` for a seed of one's own.
#[test]
fn random_calls_of_a_chosen_seed_answer_the_same() {
    let seed = env::var("LSM_SEED").ok().and_then(|seed| seed.parse().ok());
    calls_answer_the_same(seed.unwrap_or(3), 10_000, &[]);
}

/// LevelDB's own test of this interface, `db/c_test.c` of its sources, unchanged.
#[test]
fn leveldbs_own_test_passes() {
    let Some(source) = env::var_os("LSM_LEVELDB_C_TEST") else {
        eprintln!("not run: LSM_LEVELDB_C_TEST does not name LevelDB's db/c_test.c");
        return;
    };
    let folder = scratch("own");
    let (program, library) = (folder.join("c_test"), ours());
    let library = library.to_str().expect("a path in UTF-8");
    // Its callbacks leave parameters unused.
    let behind = [library, "-Wno-unused-parameter", "-Wno-sign-compare"];
    compile_file(Path::new(&source), &program, &behind);
    let directory = ours().parent().map(Path::to_path_buf).expect("a folder");
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", directory).env("TEST_TMPDIR", folder.join("db"));
    run(&mut command);
}
