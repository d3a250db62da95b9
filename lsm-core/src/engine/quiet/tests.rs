//! When it is quiet.

use super::*;

#[test]
fn it_is_quiet_a_while_after_a_flush_and_while_somebody_waits() {
    let at = Duration::from_secs;
    let quiet = Quiet::new(at(100));
    assert!(!quiet.is_now(at(100)) && !quiet.is_now(at(129)));
    assert!(quiet.is_now(at(130)));
    quiet.note_flush(at(200));
    assert!(!quiet.is_now(at(229)));
    assert_eq!(quiet.from(), at(230));
    let (one, other) = (quiet.wait(), quiet.wait());
    drop(one);
    assert!(quiet.is_now(at(200)));
    drop(other);
    assert!(!quiet.is_now(at(200)));
}
