//! Prefixes end where the next one begins.

use super::*;

#[test]
fn a_prefix_ends_before_the_next_key_that_lacks_it() {
    assert_eq!(successor(b"ab"), Some(b"ac".to_vec()));
    assert_eq!(successor(b"a\xff\xff"), Some(b"b".to_vec()));
    assert_eq!(successor(b"\xff"), None);
    assert_eq!(successor(b""), None);
    assert_eq!(successor(b"a\xfe"), Some(b"a\xff".to_vec()));
}
