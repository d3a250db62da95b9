//! Words, sorted.

use std::ffi::OsString;

use super::{Asked, ROUNDS};

fn read(words: &[&str]) -> Result<Asked, String> {
    Asked::read(words.iter().map(OsString::from))
}

#[test]
fn own_words_are_taken_out() {
    let words = ["--rounds", "3", "--num=10", "--engines=lsm,lmdb", "--json", "a b", "--sync"];
    let asked = read(&words).unwrap();
    assert_eq!(asked.rounds, 3);
    assert_eq!(asked.engines, ["lsm", "lmdb"]);
    assert_eq!(asked.json.as_deref(), Some("a b".as_ref()));
    assert_eq!(asked.passed, ["--num=10", "--sync"]);
}

#[test]
fn nothing_said_is_five_rounds_of_everything() {
    let wanted = Asked { rounds: ROUNDS, ..Asked::default() };
    assert_eq!(read(&[]).unwrap(), wanted);
}

#[test]
fn what_makes_no_sense_is_refused() {
    assert!(read(&["--rounds=0"]).unwrap_err().contains("not a number"));
    assert!(read(&["--rounds=few"]).unwrap_err().contains("not a number"));
    assert!(read(&["--json"]).unwrap_err().contains("needs a value"));
}
