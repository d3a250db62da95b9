//! Random chains, against writes that are done one by one.

use std::sync::Arc;

use crate::env::sim::rng::Rng;
use crate::merge::builtin::built_in;
use crate::merge::chain::Chain;
use crate::merge::merger::Merger;
use crate::merge::operand::{KEEPS, NEVER, Stamp};

fn append() -> Arc<Merger> {
    Arc::new(Merger::new("append", built_in("append")))
}

/// What happens to a key, each as it is done, and what is there then.
#[derive(Clone, Debug)]
struct Write {
    operand: String,
    stamp: Stamp,
}

/// The value and its end, or 0: each operand is applied when it is written.
fn eager(base: Option<(&str, u64)>, writes: &[Write]) -> (String, u64) {
    let mut state = base.map(|(value, end)| (value.to_owned(), end));
    for Write { operand, stamp } in writes {
        if state.as_ref().is_some_and(|(_, end)| *end != 0 && *end <= stamp.millis) {
            state = None;
        }
        let (value, before) = state.unwrap_or_default();
        let end = match stamp.end {
            KEEPS => before,
            NEVER => 0,
            end => end,
        };
        state = Some((value + operand, end));
    }
    state.unwrap_or_default()
}

fn chain_of(base: Option<(&str, u64)>, writes: &[Write]) -> Chain {
    let mut chain = Chain::default();
    for (at, Write { operand, stamp }) in writes.iter().enumerate().rev() {
        let stored = [&stamp.bytes()[..], operand.as_bytes()].concat();
        chain.push(at as u64, &stored).unwrap();
    }
    set_base(&mut chain, base);
    chain
}

fn set_base(chain: &mut Chain, base: Option<(&str, u64)>) {
    match base {
        Some((value, end)) => chain.set_base(value.as_bytes(), end).unwrap(),
        None => chain.set_absent(),
    }
}

fn folded(chain: &Chain) -> (String, u64) {
    let mut out = Vec::new();
    let end = chain.fold(&append(), b"k", &mut out).unwrap();
    assert_eq!(end, chain.end());
    (String::from_utf8(out).unwrap(), end)
}

fn some_writes(rng: &mut Rng) -> Vec<Write> {
    let mut millis = 1;
    (0..1 + rng.below(7))
        .map(|at| {
            // Stamps may be out of order: they are taken before the order of writes is made.
            millis = (millis + rng.below(6)).saturating_sub(rng.below(3)).max(1);
            let end = match rng.below(4) {
                0 => NEVER,
                1 => millis + rng.below(9),
                _ => KEEPS,
            };
            Write { operand: at.to_string(), stamp: Stamp { millis, end } }
        })
        .collect()
}

#[test]
fn a_chain_comes_to_what_its_writes_came_to() {
    for seed in 0..20_000 {
        let mut rng = Rng::new(seed);
        let writes = some_writes(&mut rng);
        let base = [None, Some(("b", 0)), Some(("b", 1 + rng.below(20)))][rng.below(3) as usize];
        assert_eq!(folded(&chain_of(base, &writes)), eager(base, &writes), "{base:?} {writes:?}");
    }
}

/// Operands that were combined do to every base what they did before.
#[test]
fn combined_operands_come_to_the_same() {
    let mut fewer = 0;
    for seed in 0..20_000 {
        let mut rng = Rng::new(seed);
        let writes = some_writes(&mut rng);
        let may_expire = rng.below(2) == 0;
        let mut chain = Chain::default();
        for (at, Write { operand, stamp }) in writes.iter().enumerate().rev() {
            let stored = [&stamp.bytes()[..], operand.as_bytes()].concat();
            chain.push(at as u64, &stored).unwrap();
        }
        chain.combine(&append(), b"k", may_expire);
        fewer += writes.len() - chain.len();
        let parts: Vec<(u64, Vec<u8>)> = chain.stored().collect();
        let ends = if may_expire { 0..24 } else { 0..1 };
        for base in ends.map(|end| Some(("b", end))).chain([None]) {
            let mut again = Chain::default();
            parts.iter().for_each(|(trailer, stored)| again.push(*trailer, stored).unwrap());
            set_base(&mut again, base);
            assert_eq!(folded(&again), eager(base, &writes), "{base:?} {writes:?}");
        }
    }
    assert!(fewer > 20_000, "{fewer}");
}

#[test]
fn a_stored_operand_that_is_too_short_is_damage() {
    let error = Chain::default().push(1, &[0; 15]).unwrap_err();
    assert_eq!(error.kind(), crate::base::error::ErrorKind::Corruption);
}
