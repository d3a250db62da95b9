//! Each operator, and that combining first changes nothing.

use std::sync::Arc;

use crate::base::error::ErrorKind;
use crate::env::sim::rng::Rng;
use crate::merge::builtin::{NAMES, built_in};
use crate::merge::merger::Merger;

fn merger(name: &str) -> Arc<Merger> {
    Arc::new(Merger::new(name, built_in(name)))
}

fn merged(name: &str, base: Option<&[u8]>, operands: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    merger(name).merge(b"k", base, operands, &mut out).unwrap();
    out
}

fn set(members: &[&str]) -> Vec<u8> {
    let member = |it: &&str| [&(it.len() as u32).to_le_bytes()[..], it.as_bytes()].concat();
    members.iter().flat_map(member).collect()
}

#[test]
fn sums_stay_at_the_ends_of_their_range() {
    let add = |base: Option<i64>, operands: &[i64]| {
        let base = base.map(i64::to_le_bytes);
        let operands: Vec<[u8; 8]> = operands.iter().map(|it| it.to_le_bytes()).collect();
        let operands: Vec<&[u8]> = operands.iter().map(|it| &it[..]).collect();
        let sum = merged("add_i64", base.as_ref().map(|it| &it[..]), &operands);
        i64::from_le_bytes(sum.try_into().unwrap())
    };
    assert_eq!(add(None, &[5]), 5);
    assert_eq!(add(Some(40), &[3, -1]), 42);
    assert_eq!(add(Some(i64::MAX - 1), &[7]), i64::MAX);
    assert_eq!(add(Some(i64::MIN), &[-7, 3]), i64::MIN + 3);
    assert_eq!(add(Some(i64::MAX), &[7, -7]), i64::MAX - 7, "what was cut off is gone");
}

/// Whatever is combined first, nothing changes: in particular not where sums meet an end.
#[test]
fn sums_that_are_combined_are_the_same() {
    let merger = merger("add_i64");
    let ends = [0, 1, -1, 5, -9, i64::MAX, i64::MIN, i64::MAX - 3, i64::MIN + 4, 1 << 62, -1 << 62];
    let mut rng = Rng::new(7);
    let mut pick = || ends[rng.below(ends.len() as u64) as usize];
    for _ in 0..20_000 {
        let base = pick().to_le_bytes();
        let operands: Vec<Vec<u8>> = (0..6).map(|_| pick().to_le_bytes().to_vec()).collect();
        let all: Vec<&[u8]> = operands.iter().map(Vec::as_slice).collect();
        let expected = merged("add_i64", Some(&base), &all);
        let mut combined = operands.clone();
        while combined.len() > 1 {
            let at = (pick() & 0xff) as usize % (combined.len() - 1);
            let mut out = Vec::new();
            assert!(merger.partial(b"k", &combined[at], &combined[at + 1], &mut out));
            combined.splice(at..at + 2, [out]);
            let some: Vec<&[u8]> = combined.iter().map(Vec::as_slice).collect();
            assert_eq!(merged("add_i64", Some(&base), &some), expected, "{operands:?}");
        }
    }
}

#[test]
fn plain_sums_are_combined_to_plain_operands() {
    let mut out = Vec::new();
    let (a, b) = (3i64.to_le_bytes(), 4i64.to_le_bytes());
    assert!(merger("add_i64").partial(b"k", &a, &b, &mut out));
    assert_eq!(out, 7i64.to_le_bytes());
}

#[test]
fn floats_are_added_in_order() {
    let bytes = |number: f64| number.to_le_bytes();
    let (a, b) = (bytes(1e300), bytes(-1e300));
    let sum = merged("add_f64", Some(&bytes(0.5)), &[&a, &b]);
    assert_eq!(sum, bytes(0.0), "in this order the half is lost");
    assert!(!merger("add_f64").partial(b"k", &a, &b, &mut Vec::new()));
}

#[test]
fn bytes_are_compared_put_behind_and_united() {
    assert_eq!(merged("min", Some(b"b"), &[b"c", b"ab"]), b"ab");
    assert_eq!(merged("max", Some(b"b"), &[b"c", b"ab"]), b"c");
    assert_eq!(merged("max", None, &[b""]), b"");
    assert_eq!(merged("append", Some(b"a"), &[b"", b"bc", b"d"]), b"abcd");
    assert_eq!(merged("bit_or", Some(&[1, 2]), &[&[4], &[0, 0, 8]]), [5, 2, 8]);
    let (a, b) = (set(&["b", "d"]), set(&["", "b", "c"]));
    assert_eq!(merged("set_union", Some(&a), &[&b]), set(&["", "b", "c", "d"]));
    assert_eq!(merged("set_union", None, &[&a]), a);
}

#[test]
fn what_is_malformed_is_refused() {
    let refused: [(&str, &[u8]); 9] = [
        ("add_i64", b""),
        ("add_i64", b"1234567"),
        ("add_i64", &[0; 32]),
        ("add_f64", b"123456789"),
        ("set_union", b"abc"),
        ("set_union", &[1, 0, 0, 0]),
        ("set_union", &[255; 12]),
        ("set_union", b"\x01\0\0\0b\x01\0\0\0a"),
        ("set_union", b"\x01\0\0\0a\x01\0\0\0a"),
    ];
    for (name, bytes) in refused {
        for answer in [merger(name).check(bytes), merger(name).check_value(bytes)] {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name} {bytes:?}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    for name in ["min", "max", "append", "bit_or"] {
        merger(name).check(b"\xff anything").unwrap();
    }
}

#[test]
fn every_name_has_its_operator() {
    for name in NAMES.into_iter().filter(|name| *name != "json_merge_patch") {
        assert_eq!(built_in(name).unwrap().name(), name);
    }
    assert_eq!(built_in("json_merge_patch").is_some(), cfg!(feature = "json"));
    assert!(built_in("own").is_none());
}

#[cfg(feature = "json")]
#[test]
fn documents_are_patched_as_the_standard_has_it() {
    let patched = |document: &str, patch: &str| {
        let out = merged("json_merge_patch", Some(document.as_bytes()), &[patch.as_bytes()]);
        String::from_utf8(out).unwrap()
    };
    let cases = [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, "null", "null"),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
        (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ("{}", r#"{"n":12345678901234567890123.5}"#, r#"{"n":12345678901234567890123.5}"#),
    ];
    for (document, patch, expected) in cases {
        assert_eq!(patched(document, patch), expected, "{document} {patch}");
    }
    for malformed in ["", "{", "nul", "{\"a\":1}}"] {
        assert!(merger("json_merge_patch").check(malformed.as_bytes()).is_err(), "{malformed}");
    }
    let deep = "[".repeat(1 << 20);
    assert!(merger("json_merge_patch").check(deep.as_bytes()).is_err());
}

#[cfg(feature = "json")]
#[test]
fn patches_that_are_combined_do_the_same() {
    let patches = [
        "1",
        "null",
        "{}",
        r#"{"a":1}"#,
        r#"{"a":null}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"a":{"b":null,"c":2}}"#,
        r#"{"b":{"a":{}}}"#,
        r#"{"b":[1]}"#,
    ];
    let mut joined = 0;
    for first in patches {
        for second in patches {
            let mut out = Vec::new();
            let (older, newer) = (first.as_bytes(), second.as_bytes());
            if !merger("json_merge_patch").partial(b"k", older, newer, &mut out) {
                continue;
            }
            joined += 1;
            for base in patches {
                let base = Some(base.as_bytes());
                let apart = merged("json_merge_patch", base, &[older, newer]);
                let at_once = merged("json_merge_patch", base, &[&out]);
                assert_eq!(apart, at_once, "{base:?} {first} {second}");
            }
        }
    }
    assert!(joined > 40, "{joined}");
}
