//! A report is JSON, whatever names lie in a directory.

use std::ffi::OsString;

use crate::extend::event::OpenReport;

#[test]
fn a_report_is_json() {
    let report = OpenReport {
        batches: 3,
        unknown: vec![OsString::from("a\"b"), OsString::from("c")],
        notes: vec!["one".to_owned()],
        ..OpenReport::default()
    };
    let wanted = "{\"is_new\":false,\"was_clean\":false,\"batches\":3,\"dropped_bytes\":0,\
                  \"unknown\":[\"a\\\"b\",\"c\"],\"notes\":[\"one\"]}";
    assert_eq!(report.to_json(), wanted);
    assert!(OpenReport::default().to_json().contains("\"unknown\":[],\"notes\":[]"));
}
