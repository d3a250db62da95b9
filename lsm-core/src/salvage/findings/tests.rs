//! Losses, as ranges of keyspaces.

use std::collections::BTreeMap;

use crate::base::error::{Error, ErrorKind};
use crate::key::full::FullKey;
use crate::key::keyspace::KeyspaceId;
use crate::salvage::findings::{Findings, KeySpan, Loss, behind, is_of_the_file};

fn full(keyspace: u32, key: &str) -> Vec<u8> {
    FullKey::new(KeyspaceId::new(keyspace), key.as_bytes()).bytes().to_vec()
}

fn names() -> BTreeMap<KeyspaceId, String> {
    [(0, "default"), (3, "three"), (7, "seven")]
        .into_iter()
        .map(|(id, name)| (KeyspaceId::new(id), name.to_owned()))
        .collect()
}

fn told(span: KeySpan) -> Vec<(String, Vec<u8>, Option<Vec<u8>>)> {
    let mut findings = Findings::default();
    findings.lose("file", Loss { span, ..Loss::default() });
    let ranges = findings.ranges(&names()).into_iter();
    ranges.map(|range| (range.keyspace, range.from, range.to)).collect()
}

#[test]
fn a_loss_is_told_for_each_keyspace_that_it_touches() {
    let span = KeySpan { from: full(0, "m"), to: Some(full(3, "b")) };
    let wanted = [
        ("default".to_owned(), b"m".to_vec(), None),
        ("three".to_owned(), Vec::new(), Some(b"b".to_vec())),
    ];
    assert_eq!(told(span), wanted);
    assert_eq!(told(KeySpan::all()).len(), 3);
    let span = KeySpan { from: full(4, ""), to: Some(full(7, "")) };
    assert!(told(span).is_empty());
}

#[test]
fn spans_have_in_common_what_both_hold() {
    let span = |from: &str, to: Option<&str>| KeySpan {
        from: from.as_bytes().to_vec(),
        to: to.map(|to| to.as_bytes().to_vec()),
    };
    assert_eq!(span("a", Some("m")).and(&span("g", None)), Some(span("g", Some("m"))));
    assert_eq!(span("a", Some("g")).and(&span("g", None)), None);
    assert_eq!(span("a", None).and(&KeySpan::all()), Some(span("a", None)));
    assert_eq!(behind(b"a"), b"a\0");
}

#[test]
fn many_losses_of_a_file_are_told_as_one_in_the_end() {
    let mut findings = Findings::default();
    for number in 0..5000u32 {
        let from = full(0, &format!("{number:06}"));
        let span = KeySpan { to: Some(behind(&from)), from };
        findings.lose("file", Loss { span, bytes: Some(1), ..Loss::default() });
    }
    let ranges = findings.ranges(&names());
    assert_eq!(ranges.len(), 4096);
    let last = ranges.last().unwrap();
    assert!(last.holds("004999") && last.holds("004095"));
    assert_eq!(ranges.iter().map(|range| range.bytes.unwrap()).sum::<u64>(), 5000);
}

#[test]
fn what_is_not_the_file_s_fault_is_an_error() {
    let mut findings = Findings::default();
    let error = Error::new(ErrorKind::OutOfMemory, "none");
    assert!(!is_of_the_file(&error) && findings.damage("file", &error).is_err());
    let error = Error::corruption("x".as_ref(), 7, "bad");
    findings.damage("file", &error).unwrap();
    assert_eq!(findings.files["file"].damage[0].offset, Some(7));
    assert!(findings.is_complete());
}
