//! Merge operands as they are stored, and what the operators that every program has make of them.

use lsm_core::merge::builtin::{NAMES, built_in};
use lsm_core::merge::chain::Chain;
use lsm_core::merge::merger::Merger;
use lsm_core::merge::operand::{STAMP_LEN, Stamp, split};

use crate::input::{Input, in_pieces};
use crate::target::{DECODER, Target};

/// Chains of operands.
pub const OPERANDS: Target = Target {
    name: "operands",
    about: "merge operands in chains, folded before and after they are combined",
    run: operands,
    seeds: |_| {
        let stamps =
            [(10, 0), (20, 0), (30, 40)].map(|(millis, end)| Stamp { millis, end }.bytes());
        let chain = |operator: u8, parts: [&[u8]; 4]| {
            let stored = stamps.iter().zip(&parts[1..]).map(|(it, part)| [it, *part].concat());
            let pieces: Vec<Vec<u8>> = std::iter::once(parts[0].to_vec()).chain(stored).collect();
            [&[operator, 1, 15][..], &in_pieces(pieces.iter().map(Vec::as_slice))].concat()
        };
        let set = b"\x01\0\0\0a\x02\0\0\0bc";
        vec![
            chain(0, [&[1; 8], &[2; 8], &[255; 8], &[127; 8]]),
            chain(1, [&[0; 8], &1f64.to_le_bytes(), &[1; 8], &[2; 8]]),
            chain(4, [b"a", b"b", b"", b"cd"]),
            chain(6, [set, b"\x01\0\0\0b", b"", set]),
            chain(7, [br#"{"a":1,"b":{}}"#, br#"{"a":null}"#, br#"{"b":{"c":2}}"#, b"[1]"]),
        ]
    },
    memory: DECODER,
};

/// An input is the operator, whether there is a base, when that expires, the base, and the stored
/// operands from the newest to the oldest.
fn operands(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let name = NAMES[usize::from(input.u8()) % NAMES.len()];
    let merger = Merger::new(name, built_in(name));
    let (has_base, end, base) = (input.u8() % 2 == 1, input.u8(), input.piece());
    let mut chain = Chain::default();
    for (at, stored) in input.pieces().take(16).enumerate() {
        let pushed = chain.push(1000 - at as u64, stored);
        assert_eq!(pushed.is_ok(), stored.len() >= STAMP_LEN);
        let Ok((stamp, operand)) = split(stored) else { return };
        assert_eq!([&stamp.bytes()[..], operand].concat(), stored);
        if merger.check(operand).is_err() {
            return;
        }
    }
    if has_base {
        if merger.check_value(base).is_err() {
            return;
        }
        chain.set_base(base, u64::from(end)).unwrap();
    } else {
        chain.set_absent();
    }
    let (mut plain, mut combined) = (Vec::new(), Vec::new());
    let first = chain.fold(&merger, b"key", &mut plain).unwrap();
    merger.check_value(&plain).expect("operands make a value that is refused");
    let oldest_first: Vec<(u64, Vec<u8>)> = chain.stored().collect();
    let mut again = Chain::default();
    oldest_first.iter().for_each(|(trailer, stored)| again.push(*trailer, stored).unwrap());
    again.combine(&merger, b"key", true);
    if has_base {
        again.set_base(base, u64::from(end)).unwrap();
    } else {
        again.set_absent();
    }
    let second = again.fold(&merger, b"key", &mut combined).unwrap();
    assert_eq!((first, &plain), (second, &combined), "{name}: combining changes what comes of it");
}
