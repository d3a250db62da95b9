//! The library exports what the header declares, and nothing else.

use std::collections::BTreeSet;
use std::process::Command;

use crate::lab::{can_run, ours, run};

/// The functions of this library.
pub(crate) fn exported() -> BTreeSet<String> {
    let listed = run(Command::new("nm").args(["--dynamic", "--defined-only"]).arg(ours()));
    listed.lines().filter_map(|line| Some(line.split_whitespace().nth(2)?.to_owned())).collect()
}

/// The words of the header in front of a parenthesis that begin as its functions do.
fn declared() -> BTreeSet<String> {
    let text = run(Command::new("sh")
        .args(["-c", "echo '#include <leveldb/c.h>' | cc -E -P -xc - | tr -c 'a-z_(' '\\n'"]));
    let words = text.lines().filter_map(|word| word.split_once('(')).map(|(name, _)| name);
    words.filter(|name| name.starts_with("leveldb_")).map(str::to_owned).collect()
}

#[test]
fn the_exports_are_the_headers_functions() {
    if !can_run(&["nm"]) {
        return;
    }
    let declared = declared();
    assert_eq!(declared.len(), 68, "{declared:?}");
    assert_eq!(exported(), declared);
}

#[test]
fn the_library_is_found_under_the_name_of_its_file_and_stays_loaded() {
    if !can_run(&["readelf"]) {
        return;
    }
    let dynamic = run(Command::new("readelf").arg("--dynamic").arg(ours()));
    assert!(dynamic.contains("soname: [liblsm_leveldb.so]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}
