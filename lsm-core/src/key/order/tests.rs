//! Orders, held against sorting in memory.

use super::*;

/// All keys of up to four bytes over a few that matter.
fn keys() -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    let mut longest = all.clone();
    for _ in 0..4 {
        let longer =
            |key: &Vec<u8>| [0, 1, 0x7f, 0xfe, 0xff].map(|byte| [key.as_slice(), &[byte]].concat());
        longest = longest.iter().flat_map(longer).collect();
        all.extend(longest.iter().cloned());
    }
    all
}

fn sorted(sort_key: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Order {
    let mut orders = Orders::default();
    let sort_key = move |key: &[u8], out: &mut Vec<u8>| {
        out.extend(sort_key(key));
        Ok(())
    };
    orders.add("own", Box::new(sort_key));
    orders.get("own")
}

fn in_order(order: &Order, mut keys: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    keys.sort_by_key(|key| order.stored(key).unwrap().into_owned());
    keys
}

#[test]
fn every_key_is_shown_as_it_was_stored() {
    for order in [Order::Bytewise, Order::Reverse, sorted(<[u8]>::to_vec)] {
        for key in keys() {
            let stored = order.stored(&key).unwrap();
            assert_eq!(order.shown(&stored), key, "{order:?}");
        }
    }
}

#[test]
fn keys_descend_in_the_reverse_order() {
    let mut wanted = keys();
    wanted.sort();
    wanted.reverse();
    assert_eq!(in_order(&Order::Reverse, keys()), wanted);
}

#[test]
fn keys_are_ordered_by_their_sort_keys_and_then_by_themselves() {
    let last_byte_first = |key: &[u8]| key.iter().rev().copied().collect::<Vec<u8>>();
    let length = |key: &[u8]| vec![key.len() as u8];
    let mut wanted = keys();
    wanted.sort_by_key(|key| (last_byte_first(key), key.clone()));
    assert_eq!(in_order(&sorted(last_byte_first), keys()), wanted);
    wanted.sort_by_key(|key| (length(key), key.clone()));
    assert_eq!(in_order(&sorted(length), keys()), wanted);
}

#[test]
fn a_stored_prefix_is_that_of_all_keys_with_the_prefix_and_of_no_others() {
    for order in [Order::Bytewise, Order::Reverse] {
        for prefix in keys().into_iter().filter(|key| key.len() < 3) {
            let stored_prefix = order.stored_prefix(&prefix).unwrap();
            for key in keys() {
                let stored = order.stored(&key).unwrap();
                let (is, should) = (stored.starts_with(&stored_prefix), key.starts_with(&prefix));
                assert_eq!(is, should, "{order:?} {prefix:x?} {key:x?}");
            }
        }
    }
}

#[test]
fn any_bytes_can_be_shown() {
    for order in [Order::Reverse, sorted(<[u8]>::to_vec), Order::Missing("x".to_owned())] {
        for bytes in keys() {
            assert!(order.shown(&bytes).len() <= bytes.len());
        }
    }
}

#[test]
fn a_function_that_fails_panics_or_is_missing_is_an_error() {
    let mut orders = Orders::default();
    let fails = |_: &[u8], _: &mut Vec<u8>| Err(Error::new(ErrorKind::Busy, "not now"));
    orders.add("fails", Box::new(fails));
    orders.add("panics", Box::new(|_, _| panic!("as it is meant to")));
    let kind = |name: &str| orders.get(name).stored(b"key").unwrap_err().kind();
    assert_eq!(kind("fails"), ErrorKind::Busy);
    assert_eq!(kind("panics"), ErrorKind::Aborted);
    assert_eq!(kind("missing"), ErrorKind::InvalidArgument);
    assert_eq!(orders.get("missing").stored_prefix(b"a").unwrap_err().kind(), kind("missing"));
    assert!(orders.check().is_ok());
    orders.add("fails", Box::new(|_, _| Ok(())));
    assert_eq!(orders.check().unwrap_err().kind(), ErrorKind::InvalidArgument);
}
