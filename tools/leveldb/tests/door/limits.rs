//! Where this library answers otherwise than LevelDB, and says so.

use std::path::Path;
use std::process::Command;

use crate::lab::{Library, Program, can_run, run, scratch};

/// What a program prints on this library, without what differs from machine to machine.
fn printed(name: &str, test: &str) -> String {
    let folder = scratch(test);
    let directory = folder.join("db");
    crate::lab::empty(&directory);
    let path = directory.to_str().expect("a path in UTF-8");
    let mut command: Command = Program::new(name, &folder).on(Library::Ours, &[path]);
    run(command.env("TEST_TMPDIR", Path::new(path).join("env"))).replace(path, "DIR")
}

/// Each line of `wanted` stands in `text`, in this order; `*` stands for the rest of a line.
fn assert_told(text: &str, wanted: &[&str]) {
    let mut lines = text.lines();
    for line in wanted {
        let found = lines.any(|told| match line.strip_suffix('*') {
            Some(begin) => told.starts_with(begin),
            None => told == *line,
        });
        assert!(found, "`{line}` is not where it belongs in:\n{text}");
    }
}

#[test]
fn an_order_that_is_not_that_of_bytes_is_never_silently_wrong() {
    if !can_run(&[]) {
        return;
    }
    let text = printed("order", "order");
    assert_told(
        &text,
        &[
            "put b : ok",
            "put b : ok",
            "put a : Not implemented: the comparator back orders keys otherwise than byte by byte*",
            "put c : Not implemented: the comparator back*",
            "walk -> 1:b = 20:nor has the same key",
            "seek a  -> nowhere",
            "iterator: Not implemented: the comparator back*",
            "seek c  -> nowhere",
            "iterator: Not implemented: the comparator back*",
            "get 1:b -> 20:nor has the same key",
            "get 1:a -> NULL 0",
            "get: Not implemented: the comparator back*",
            "back destroyed",
            "put c : ok",
            "walk -> 1:c = 1:1",
            "put D : Not implemented: the comparator aloud*",
            "get 1:C -> NULL 0",
            "get: Not implemented: the comparator aloud*",
            "get 2:cc -> NULL 0",
            "seek C  -> nowhere",
            "iterator: Not implemented: the comparator aloud*",
            "seek bb  -> 1:c = 1:1",
            "delete B: Not implemented: the comparator aloud*",
            "write x y X: Not implemented: the comparator aloud*",
            "write y D: Not implemented: the comparator aloud*",
            "write x x: ok",
            "aloud destroyed",
            "put e : Invalid argument: aloud: the comparator was destroyed*",
        ],
    );
    // Nothing of what was refused was written.
    assert!(!text.contains("1:y"), "{text}");
    assert!(!text.contains("1:D ="), "{text}");
}

#[test]
fn a_database_whose_order_changed_fails_on_the_second_key() {
    if !can_run(&[]) {
        return;
    }
    let text = printed("order", "changed");
    let (_, after) = text.split_once("the comparator was destroyed").expect("the part before");
    assert_told(
        after,
        &["open: ok", "walk -> 1:b = 1:1", "end -> nowhere", "iterator: Not implemented: *"],
    );
}

#[test]
fn a_policy_of_ones_own_hides_what_it_does_not_let_pass() {
    if !can_run(&[]) {
        return;
    }
    assert_told(
        &printed("order", "sieve"),
        &[
            "get 1:a -> NULL 0",
            "get 1:a -> 1:1",
            "get 1:b -> NULL 0",
            "sieve destroyed",
            "get 1:a -> 1:1",
        ],
    );
}

#[test]
fn misuse_is_borne() {
    if !can_run(&[]) {
        return;
    }
    assert_told(
        &printed("misuse", "misuse"),
        &[
            "open without options: Invalid argument: DIR/missing: does not exist *",
            "put: Invalid argument: NULL: *",
            "destroy nothing: ok",
            "put of a key without end: Invalid argument: *",
            "put of a value without end: Invalid argument: *",
            "get of a key without end: Invalid argument: *",
            "write of them: Invalid argument: *",
            "get 1:a -> NULL 0",
            "iterator: Invalid argument: *",
            "put of the longest key: ok",
            "put of a longer key: Invalid argument: a key has at most 65535 bytes",
            "put without options: ok",
            "moved from nowhere -> nowhere",
            "of a closed database -> 1:k = 1:v",
        ],
    );
}
