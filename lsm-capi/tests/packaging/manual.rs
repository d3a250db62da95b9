//! The manual page: well formed, and the program in it is one.

use std::fs;
use std::path::Path;

use crate::tree::{command, has, moved_prefix, run, scratch};

const PAGE: &str = "share/man/man3/lsm.3";

#[test]
fn the_page_is_well_formed() {
    if !has("mandoc") {
        return;
    }
    let page = moved_prefix("manual page").join(PAGE);
    assert_eq!(run(command("mandoc").args(["-T", "lint", "-W", "warning"]).arg(&page)), "");
    let shown = run(command("mandoc").args(["-T", "ascii"]).arg(&page));
    for part in ["-llsm", "find_package(lsm", "lsm-static", "crash", "Rust"] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

/// A call as the page shows it, in one line: `.Fo` and its `.Fa` lines, or `.Fn` with all in one.
fn calls(page: &str) -> Vec<String> {
    let (_, page) = page.split_once(".Sh SYNOPSIS").expect("a synopsis");
    let (page, _) = page.split_once(".Sh").expect("its end");
    let mut calls = Vec::new();
    for line in page.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            (".Fo" | ".Fn", rest) => {
                let (name, arguments) = rest.split_once(' ').unwrap_or((rest, ""));
                calls.push(format!("{name}({}", arguments.replace("\" \"", ", ").replace('"', "")));
            }
            (".Fa", argument) => {
                let call = calls.last_mut().expect("a call");
                call.push_str(if call.ends_with('(') { "" } else { ", " });
                call.push_str(argument.trim_matches('"'));
            }
            _ => {}
        }
    }
    calls
}

#[test]
fn its_calls_are_those_of_the_header() {
    let prefix = moved_prefix("manual calls");
    let text = |name: &str| fs::read_to_string(prefix.join(name)).expect("a text");
    let words = text("include/lsm.h").split_whitespace().collect::<Vec<_>>().join(" ");
    let calls = calls(&text(PAGE));
    assert!(calls.len() >= 5, "{calls:?}");
    for call in calls {
        assert!(words.contains(&format!("{call});")), "{call}");
    }
}

/// The program under EXAMPLES, as a reader sees it.
fn program(page: &Path) -> String {
    let page = fs::read_to_string(page).expect("the page");
    let (_, examples) = page.split_once(".Sh EXAMPLES").expect("examples");
    let (_, text) = examples.split_once(".Bd -literal -offset indent\n").expect("a program");
    let (text, _) = text.split_once(".Ed\n").expect("its end");
    text.replace("\\e", "\\")
}

#[test]
fn the_program_in_it_runs() {
    if !has("cc") {
        return;
    }
    let prefix = moved_prefix("manual program");
    let source = prefix.join("program.c");
    fs::write(&source, program(&prefix.join(PAGE))).expect("a file");
    run(command("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", "program"])
        .args(["-Iinclude", "program.c", "-Llib", "-llsm"])
        .current_dir(&prefix));
    let mut started = command(prefix.join("program"));
    started.current_dir(scratch("manual running")).env("LD_LIBRARY_PATH", prefix.join("lib"));
    assert_eq!(run(&mut started), "red\n");
}
