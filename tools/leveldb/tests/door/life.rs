//! Databases beside other processes, after the death of one, and in LevelDB's own format.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::lab::{Library, Program, assert_same, can_run, empty, files, run, scratch};

#[test]
fn what_another_process_holds_is_refused_in_leveldbs_words() {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch("held");
    let life = Program::new("life", &folder);
    let path = folder.join("db");
    let db = path.to_str().expect("a path in UTF-8");
    let both = [Library::Theirs, Library::Ours].map(|library| {
        empty(&path);
        let mut hold = life.on(library, &[db, "hold"]);
        let mut holder =
            hold.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let mut said = String::new();
        let output = holder.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut said).expect("a line");
        assert_eq!(said, "open: ok\n");
        let told = life.on(library, &[db, "show"]).output().expect("an end").stdout;
        drop(holder.stdin.take());
        assert!(holder.wait().expect("its end").success());
        String::from_utf8(told).expect("text")
    });
    let wanted = format!("open: IO error: lock {db}/LOCK: Resource temporarily unavailable\n");
    assert_eq!(both[1], wanted);
    assert_same("show", &both);
}

#[test]
fn what_was_written_survives_the_death_of_the_process() {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch("death");
    let life = Program::new("life", &folder);
    let path = folder.join("db");
    let db = path.to_str().expect("a path in UTF-8");
    let both = [Library::Theirs, Library::Ours].map(|library| {
        empty(&path);
        run(&mut life.on(library, &[db, "die"]));
        run(&mut life.on(library, &[db, "show"]))
    });
    assert_eq!(both[1].lines().count(), 3002, "{}", both[1]);
    assert_same("show", &both);
}

#[test]
fn leveldbs_own_databases_are_refused_and_untouched() {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch("theirs");
    let life = Program::new("life", &folder);
    let path = folder.join("db");
    let db = path.to_str().expect("a path in UTF-8");
    run(&mut life.on(Library::Theirs, &[db, "die"]));
    let before = files(&path);
    assert!(before.iter().any(|(path, _)| path.ends_with("CURRENT")));
    // Without the file that names the manifest it is theirs all the same.
    for missing in ["", "CURRENT"] {
        if !missing.is_empty() {
            fs::remove_file(path.join(missing)).expect("the file goes");
        }
        let before = files(&path);
        let printed = run(&mut life.on(Library::Ours, &[db, "each"]));
        let lines: Vec<_> = printed.lines().collect();
        assert_eq!(lines.len(), 3, "{printed}");
        for (line, call) in lines.iter().zip(["open", "repair", "destroy"]) {
            let wanted = format!("{call}: Invalid argument: {db}: this database is in LevelDB's");
            assert!(line.starts_with(&wanted), "{line}");
            assert!(line.contains("to convert it"), "{line}");
        }
        assert_eq!(files(&path), before);
    }
}

#[test]
fn other_files_are_never_deleted() {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch("others");
    let life = Program::new("life", &folder);
    let path = folder.join("db");
    let db = path.to_str().expect("a path in UTF-8");
    empty(&path);
    // The second has a name somewhat like that of a log of LevelDB's.
    for name in ["letter.txt", "2024.log"] {
        fs::write(path.join(name), "dear").expect("a file");
        let printed = run(&mut life.on(Library::Ours, &[db, "each"]));
        let refused = "open: Invalid argument: this directory holds other files";
        assert!(printed.starts_with(refused), "{printed}");
        assert!(printed.ends_with("destroy: ok\n"), "{printed}");
        assert_eq!(files(&path), [(path.join(name), b"dear".to_vec())]);
        fs::remove_file(path.join(name)).expect("the file goes");
    }

    run(&mut life.on(Library::Ours, &[db, "die"]));
    fs::write(path.join("letter.txt"), "dear").expect("a file");
    let printed = run(&mut life.on(Library::Ours, &[db, "each"]));
    assert_eq!(printed, "open: ok\nrepair: ok\ndestroy: ok\n");
    assert_eq!(files(&path), [(path.join("letter.txt"), b"dear".to_vec())]);
}

#[test]
fn a_database_without_its_heads_is_corrupt_and_untouched() {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch("heads");
    let life = Program::new("life", &folder);
    let path = folder.join("db");
    let db = path.to_str().expect("a path in UTF-8");
    run(&mut life.on(Library::Ours, &[db, "die"]));
    for head in ["a.head", "b.head"] {
        if path.join(head).is_file() {
            fs::write(path.join(head), [7; 4096]).expect("damage");
        }
    }
    let before = files(&path);
    let told = life.on(Library::Ours, &[db, "show"]).output().expect("an end").stdout;
    let told = String::from_utf8(told).expect("text");
    assert!(told.starts_with("open: Corruption: "), "{told}");
    assert_eq!(files(&path), before);
}

#[test]
fn a_damaged_table_is_told_by_iterators_and_repairs() {
    if !can_run(&[]) {
        return;
    }
    let folder = scratch("damage");
    let life = Program::new("life", &folder);
    let path = folder.join("db");
    let db = path.to_str().expect("a path in UTF-8");
    run(&mut life.on(Library::Ours, &[db, "fill"]));
    let whole = run(&mut life.on(Library::Ours, &[db, "show"]));
    assert_eq!(whole.lines().count(), 3002, "{whole}");
    let is_table = |path: &Path| path.extension().is_some_and(|end| end == "sst");
    let tables: Vec<_> = files(&path).into_iter().filter(|(path, _)| is_table(path)).collect();
    assert!(!tables.is_empty(), "nothing was flushed");
    for (table, mut bytes) in tables {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(table, bytes).expect("damage");
    }
    let shown = run(&mut life.on(Library::Ours, &[db, "show"]));
    assert!(shown.contains("\niterator: Corruption: "), "{shown}");
    assert!(shown.lines().count() < whole.lines().count(), "{shown}");
    assert!(shown.lines().take(100).eq(whole.lines().take(100)), "{shown}");
    let told = run(&mut life.on(Library::Ours, &[db, "each"]));
    assert!(told.starts_with("open: ok\nrepair: Corruption: "), "{told}");
}
