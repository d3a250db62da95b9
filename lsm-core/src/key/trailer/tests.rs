//! Trailers pack and order as the format says.

use super::*;

#[test]
fn a_trailer_gives_back_what_it_was_made_of() {
    for number in [0, 1, 77, SeqNo::MAX.get()] {
        let seqno = SeqNo::new(number).unwrap();
        let trailer = trailer_of(seqno, Kind::RangeDelete);
        assert_eq!((seqno_of(trailer), kind_of(trailer)), (seqno, Some(Kind::RangeDelete)));
        assert!(trailer <= ceiling(seqno));
        assert!(trailer < NEWEST);
    }
    assert_eq!(kind_of(0x0fff), None);
}

#[test]
fn newer_entries_of_a_key_come_first() {
    let old = trailer_of(SeqNo::new(3).unwrap(), Kind::Put);
    let new = trailer_of(SeqNo::new(4).unwrap(), Kind::Delete);
    assert_eq!(entry_order((b"a", new), (b"a", old)), Ordering::Less);
    assert_eq!(entry_order((b"a", old), (b"b", new)), Ordering::Less);
    assert_eq!(entry_order((b"a", old), (b"a\0", new)), Ordering::Less);
    assert_eq!(entry_order((b"a", old), (b"a", old)), Ordering::Equal);
}
