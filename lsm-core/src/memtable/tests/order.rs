//! The order of entries, seen from everywhere.

use super::helpers::{Dice, Model, Owned, Reader, Walker, Writer, all};
use crate::base::error::ErrorKind;

/// Everything that can be asked, held against the model.
fn examine(what: &str, reader: &Reader, model: &Model) {
    let entries = model.all();
    let mut walk = reader.walk();
    assert_eq!(walk.now(), None, "{what}");

    walk.seek_first();
    for entry in &entries {
        assert_eq!(walk.now().as_ref(), Some(entry), "{what}, forwards");
        walk.next();
    }
    assert_eq!(walk.now(), None, "{what}, at the end");
    walk.next();
    walk.prev();
    assert_eq!(walk.now(), None, "{what}, no way back from the end");

    walk.seek_last();
    for entry in entries.iter().rev() {
        assert_eq!(walk.now().as_ref(), Some(entry), "{what}, backwards");
        walk.prev();
    }
    assert_eq!(walk.now(), None, "{what}, at the start");

    for (key, trailer, _) in &entries {
        let longer = [key.as_slice(), b"\0"].concat();
        let shorter = key.split_last().map_or(&key[..], |(_, rest)| rest);
        for key in [key.as_slice(), &longer, shorter] {
            for trailer in [*trailer, trailer + 1, trailer.saturating_sub(1), 0, u64::MAX] {
                examine_at(what, &mut walk, model, key, trailer);
                let found = reader.get(key, trailer);
                assert_eq!(found, model.get(key, trailer), "{what}, get {key:?} {trailer}");
            }
        }
    }
    for key in [&b""[..], b"\0", b"a", b"zzzzzzzzz", &[0xff; 40]] {
        examine_at(what, &mut walk, model, key, 77);
    }
}

/// Seeks, and steps to both sides.
fn examine_at(what: &str, walk: &mut Walker, model: &Model, key: &[u8], trailer: u64) {
    let (from, before) = (model.from(key, trailer), model.before(key, trailer));
    walk.seek(key, trailer);
    assert_eq!(walk.now(), from, "{what}, seek {key:?} {trailer}");
    if from.is_some() {
        walk.prev();
        assert_eq!(walk.now(), before, "{what}, before {key:?} {trailer}");
    }
    walk.seek_before(key, trailer);
    assert_eq!(walk.now(), before, "{what}, seek before {key:?} {trailer}");
    if before.is_some() {
        walk.next();
        assert_eq!(walk.now(), from, "{what}, from {key:?} {trailer}");
    }
}

/// The same insertions into every kind, examined now and then.
fn live_through(what: &str, entries: &[(Vec<u8>, u64)]) {
    for (kind, (reader, mut writer)) in all().into_iter().enumerate() {
        let what = format!("{what}, kind {kind}");
        let mut model = Model::default();
        examine(&what, &reader, &model);
        for (count, (key, trailer)) in entries.iter().enumerate() {
            put(&what, &mut writer, &mut model, (key, *trailer));
            if count < 12 || count == entries.len() / 2 {
                examine(&format!("{what} with {}", count + 1), &reader, &model);
            }
        }
        examine(&what, &reader, &model);
    }
}

fn put(what: &str, writer: &mut Writer, model: &mut Model, (key, trailer): (&[u8], u64)) {
    let value = format!("{trailer}:{}", key.len());
    let answer = writer.insert(key, trailer, value.as_bytes());
    if model.holds(key, trailer) {
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::InvalidArgument, "{what}");
    } else {
        answer.unwrap();
        model.insert(key, trailer, value.as_bytes());
    }
}

/// Ways in which keys look alike.
fn key_of(style: usize, dice: &mut Dice) -> Vec<u8> {
    let letters = |dice: &mut Dice, len: usize, of: &[u8]| -> Vec<u8> {
        (0..len).map(|_| of[dice.roll(of.len())]).collect()
    };
    match style {
        0 => {
            let len = dice.roll(5);
            letters(dice, len, b"\0a\xff")
        }
        1 => format!("\0\0\0\x01user{:06}", dice.roll(3000)).into_bytes(),
        2 => format!("\0\0\0\x01{:016}", dice.roll(1 << 40)).into_bytes(),
        3 => {
            let len = dice.roll(30);
            [vec![b'p'; 40], letters(dice, len, b"\0\x01")].concat()
        }
        4 => letters(dice, 16, &(0..=255).collect::<Vec<u8>>()),
        5 => vec![b'a'; dice.roll(60)],
        6 => vec![0; dice.roll(60)],
        7 => {
            let keyspace = dice.roll(3) as u32;
            [&keyspace.to_be_bytes()[..], format!("k{}", dice.roll(300)).as_bytes()].concat()
        }
        _ => {
            let style = dice.roll(8);
            key_of(style, dice)
        }
    }
}

#[test]
fn keys_of_every_look_come_out_in_order() {
    for style in 0..9 {
        for seed in 1..4 {
            let mut dice = Dice::new(seed);
            let entries: Vec<_> = (0..400)
                .map(|_| (key_of(style, &mut dice), dice.roll(50) as u64 * 256 + 1))
                .collect();
            live_through(&format!("style {style}, seed {seed}"), &entries);
        }
    }
}

#[test]
fn runs_upwards_downwards_and_in_between_come_out_in_order() {
    let name = |number: usize| format!("key{number:012}").into_bytes();
    let up: Vec<_> = (0..700).map(|number| (name(number), 1 + number as u64)).collect();
    let down: Vec<_> = up.iter().rev().cloned().collect();
    live_through("upwards", &up);
    live_through("downwards", &down);
    let mut between = vec![(name(0), 1), (name(9999), 2)];
    between.extend((1..700).map(|number| (name(number), 3)));
    live_through("between", &between);
    let woven: Vec<_> = (0..350).flat_map(|at| [up[at].clone(), down[at].clone()]).collect();
    live_through("woven", &woven);
}

#[test]
fn a_thousand_versions_of_one_key_come_newest_first() {
    let versions = |key: &'static [u8]| (1..1000_u64).map(|number| (key.to_vec(), number << 8 | 1));
    let rising: Vec<_> = versions(b"hot").collect();
    live_through("rising", &rising);
    live_through("falling", &rising.iter().rev().cloned().collect::<Vec<_>>());
    let mut among = vec![(b"hos".to_vec(), 7), (b"hot\0".to_vec(), 7), (b"hou".to_vec(), 7)];
    among.extend(rising.clone());
    among.extend(versions(b"").take(200));
    live_through("among others", &among);
    let mut dice = Dice::new(5);
    for at in (1..among.len()).rev() {
        among.swap(at, dice.roll(at + 1));
    }
    live_through("shuffled", &among);
}

#[test]
fn keys_that_have_ever_less_in_common_come_out_in_order() {
    let long = vec![b'm'; 300];
    let mut entries = Vec::new();
    for len in (0..300).rev() {
        for last in [b'a', b'm', b'z'] {
            entries.push(([&long[..len], &[last][..]].concat(), 1 + len as u64));
        }
    }
    live_through("less in common", &entries);
    entries.reverse();
    live_through("more in common", &entries);
}

#[test]
fn keys_and_values_of_every_size_come_back() {
    let sizes = [0, 1, 7, 8, 9, 4070, 4096, 65_535 + 4];
    for (kind, (reader, mut writer)) in all().into_iter().enumerate() {
        let mut model = Model::default();
        let mut number = 0;
        for round in 0..2_u8 {
            for key_len in sizes {
                for value_len in sizes.iter().copied().chain([1 << 20]) {
                    number += 1;
                    let key = vec![round; key_len];
                    let value = vec![number as u8; value_len];
                    writer.insert(&key, number, &value).unwrap();
                    model.insert(&key, number, &value);
                }
            }
        }
        let mut walk = reader.walk();
        walk.seek_first();
        for entry in model.all() {
            assert!(
                walk.now() == Some(entry.clone()),
                "kind {kind}, {} {}",
                entry.0.len(),
                entry.1
            );
            let found = reader.get(&entry.0, entry.1).unwrap();
            assert!(found == (entry.1, entry.2), "kind {kind}");
            walk.next();
        }
        assert_eq!(walk.now(), None);
    }
}

#[test]
fn cursors_stay_in_order_while_everything_around_them_splits() {
    for style in [0, 1, 2, 3, 7, 8] {
        for (kind, (reader, mut writer)) in all().into_iter().enumerate() {
            let what = format!("style {style}, kind {kind}");
            let mut dice = Dice::new(style as u64 + 11);
            let mut model = Model::default();
            for round in 0..300_u64 {
                let key = key_of(style, &mut dice);
                put(&what, &mut writer, &mut model, (&key, round << 8));
            }
            let early = model.all();
            let mut walks: Vec<_> = early
                .iter()
                .step_by(7)
                .map(|(key, trailer, _)| {
                    let mut walk = reader.walk();
                    walk.seek(key, *trailer);
                    walk
                })
                .collect();
            for round in 300..900_u64 {
                let key = key_of(style, &mut dice);
                put(&what, &mut writer, &mut model, (&key, round << 8));
            }
            for (at, walk) in walks.iter_mut().enumerate() {
                let is_forwards = at % 2 == 0;
                let wanted: Vec<&Owned> = if is_forwards {
                    early.iter().skip(at * 7).collect()
                } else {
                    early.iter().take(at * 7 + 1).rev().collect()
                };
                follow(&what, walk, &wanted, &model, is_forwards);
            }
        }
    }
}

/// Walks to the end: everything wanted is met, nothing that is not there, all of it in order.
fn follow(what: &str, walk: &mut Walker, wanted: &[&Owned], model: &Model, is_forwards: bool) {
    let mut wanted = wanted.iter().peekable();
    let mut last: Option<Owned> = None;
    while let Some(now) = walk.now() {
        assert!(model.holds(&now.0, now.1), "{what}");
        if let Some(last) = &last {
            let is_after = (&last.0, !last.1) < (&now.0, !now.1);
            assert_eq!(is_after, is_forwards, "{what}: {last:?} then {now:?}");
        }
        wanted.next_if(|entry| ***entry == now);
        last = Some(now);
        if is_forwards { walk.next() } else { walk.prev() }
    }
    assert_eq!(wanted.next(), None, "{what}: left out");
}

#[test]
fn a_cursor_walks_to_and_fro_as_the_model_does() {
    for seed in 1..4 {
        for (kind, (reader, mut writer)) in all().into_iter().enumerate() {
            let mut dice = Dice::new(seed);
            let mut model = Model::default();
            let mut walk = reader.walk();
            for round in 0..4000_u64 {
                let key = key_of(8, &mut dice);
                put("to and fro", &mut writer, &mut model, (&key, round << 8));
                let key = key_of(8, &mut dice);
                walk.seek(&key, round << 7);
                let mut here = model.from(&key, round << 7);
                for _ in 0..dice.roll(12) {
                    assert_eq!(walk.now(), here, "seed {seed}, kind {kind}, round {round}");
                    let Some(entry) = here else { break };
                    if dice.roll(2) == 0 {
                        walk.next();
                        here = model.after(&entry);
                    } else {
                        walk.prev();
                        here = model.before(&entry.0, entry.1);
                    }
                }
            }
        }
    }
}
