//! Against a list of tombstones that is searched from end to end.

use super::*;

struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn no(n: u64) -> SeqNo {
    SeqNo::new(n).unwrap()
}

fn tombstone(start: &[u8], end: &[u8], seqno: u64) -> Tombstone {
    Tombstone { start: start.to_vec(), end: end.to_vec(), seqno: no(seqno) }
}

/// Keys of none to two letters out of four: many meet.
fn key(rng: &mut Rng) -> Vec<u8> {
    (0..rng.below(3)).map(|_| b"\0am\xff"[rng.below(4) as usize]).collect()
}

fn any(rng: &mut Rng, count: u64) -> Vec<Tombstone> {
    (0..count).map(|_| tombstone(&key(rng), &key(rng), rng.below(8))).collect()
}

fn all_keys() -> Vec<Vec<u8>> {
    let letters = b"\0\x01amz\xff";
    let mut keys = vec![Vec::new()];
    for a in letters {
        keys.push(vec![*a]);
        for b in letters {
            keys.push(vec![*a, *b]);
            keys.push(vec![*a, *b, 0]);
        }
    }
    keys
}

/// The numbers over a key, newest first, each once.
fn over(model: &[Tombstone], key: &[u8]) -> Vec<SeqNo> {
    let covers = |t: &&Tombstone| t.start.as_slice() <= key && key < t.end.as_slice();
    let mut found: Vec<SeqNo> = model.iter().filter(covers).map(|t| t.seqno).collect();
    found.retain(|seqno| *seqno > SeqNo::ZERO);
    found.sort_by(|a, b| b.cmp(a));
    found.dedup();
    found
}

fn check(model: &[Tombstone], fragments: &Fragments, seed: u64) {
    for key in all_keys() {
        let over = over(model, &key);
        for ceiling in (0..9).map(no).chain([SeqNo::MAX]) {
            let wanted = over.iter().find(|seqno| **seqno <= ceiling).copied().unwrap_or_default();
            assert_eq!(fragments.covering(&key, ceiling), wanted, "seed {seed} {key:?}");
        }
        let found = fragments.fragment(&key);
        assert_eq!(found.map(|f| f.seqnos()).unwrap_or_default(), over, "seed {seed} {key:?}");
        if let Some(found) = found {
            assert!(found.start <= key.as_slice() && key.as_slice() < found.end, "seed {seed}");
        }
        let next = fragments.fragments().find(|f| f.start > key.as_slice()).map(|f| f.start);
        assert_eq!(fragments.next_after(&key).map(|f| f.start), next, "seed {seed} {key:?}");
    }
    let all: Vec<Fragment<'_>> = fragments.fragments().collect();
    assert!(all.windows(2).all(|pair| pair[0].end <= pair[1].start), "seed {seed}");
    assert_eq!(fragments.is_empty(), all.is_empty());
    let bounds = all.first().map(|f| f.start).zip(all.last().map(|f| f.end));
    assert_eq!(fragments.bounds(), bounds, "seed {seed}");
    let numbers = || fragments.iter().map(|t| t.seqno);
    assert_eq!(fragments.newest(), numbers().max().unwrap_or_default());
    assert_eq!(fragments.oldest(), numbers().min().unwrap_or_default());
    assert!(fragments.len() <= model.len());
}

fn bytes_of(fragments: &Fragments) -> Vec<u8> {
    let mut out = Vec::new();
    fragments.encode(&mut out);
    out
}

#[test]
fn random_tombstones_cover_what_they_cover() {
    for seed in 0..600 {
        let mut rng = Rng(seed);
        let count = rng.below(12);
        let model = any(&mut rng, count);
        let built = Fragments::build(model.clone());
        check(&model, &built, seed);
        let read = Fragments::decode(&bytes_of(&built)).expect("own bytes");
        check(&model, &read, seed);
        assert_eq!(built, read);
        let mut turned = model.clone();
        turned.reverse();
        assert_eq!(built, Fragments::build(turned), "seed {seed}");
        assert_eq!(built, Fragments::build(built.iter().collect()), "seed {seed}");
    }
}

#[test]
fn merging_is_building_from_all() {
    for seed in 0..200 {
        let mut rng = Rng(seed ^ 0x5555);
        let parts: Vec<Vec<Tombstone>> = (0..rng.below(5)).map(|_| any(&mut rng, 4)).collect();
        let built: Vec<Fragments> = parts.iter().cloned().map(Fragments::build).collect();
        let merged = Fragments::merge(&built.iter().collect::<Vec<_>>());
        check(&parts.concat(), &merged, seed);
        assert_eq!(merged, Fragments::build(parts.concat()), "seed {seed}");
    }
}

#[test]
fn truncating_keeps_what_lies_inside() {
    for seed in 0..300 {
        let mut rng = Rng(seed ^ 0xaaaa);
        let model = any(&mut rng, 8);
        let (start, end) = (key(&mut rng), key(&mut rng));
        let end = (rng.below(3) > 0).then_some(end);
        let cut = Fragments::build(model.clone()).truncate(&start, end.as_deref());
        let clip = |t: &Tombstone| Tombstone {
            start: t.start.clone().max(start.clone()),
            end: end.clone().map_or(t.end.clone(), |end| end.min(t.end.clone())),
            seqno: t.seqno,
        };
        check(&model.iter().map(clip).collect::<Vec<_>>(), &cut, seed);
    }
}

#[test]
fn filtering_keeps_what_was_asked_for() {
    let mut model = any(&mut Rng(9), 20);
    let kept = Fragments::build(model.clone()).filter(|seqno| seqno.get() > 3);
    model.retain(|t| t.seqno.get() > 3);
    check(&model, &kept, 9);
}

#[test]
fn touching_ones_of_one_number_are_one() {
    let model = vec![tombstone(b"m", b"z", 5), tombstone(b"a", b"m", 5), tombstone(b"a", b"b", 5)];
    let built = Fragments::build(model);
    assert_eq!(built.iter().collect::<Vec<_>>(), [tombstone(b"a", b"z", 5)]);
    let apart = Fragments::build(vec![tombstone(b"a", b"m", 5), tombstone(b"m", b"z", 6)]);
    assert_eq!(apart.fragments().count(), 2);
}

#[test]
fn none_grows_beyond_its_keyspace() {
    let [one, two, three] = [1u32, 2, 3].map(u32::to_be_bytes);
    let model = vec![tombstone(&one, &two, 5), tombstone(&two, &three, 5)];
    let built = Fragments::build(model.clone());
    assert_eq!(built.iter().collect::<Vec<_>>(), model);
    assert!(Fragments::decode(&bytes_of(&built)).is_some_and(|read| read == built));
}

#[test]
fn what_can_delete_nothing_is_not_there() {
    let model = vec![tombstone(b"b", b"a", 5), tombstone(b"a", b"a", 5), tombstone(b"a", b"b", 0)];
    let built = Fragments::build(model);
    assert!(built.is_empty());
    assert_eq!(built, *Fragments::empty());
    assert_eq!(bytes_of(&built), [0, 0]);
    assert_eq!(built.bounds(), None);
    assert!(built.fragment(b"a").is_none() && built.next_after(b"").is_none());
}

#[test]
fn long_keys_and_the_last_number_go_through() {
    let long = [vec![7; 65_535], vec![8; 65_535]];
    let model = vec![tombstone(&long[0], &long[1], SeqNo::MAX.get())];
    let read = Fragments::decode(&bytes_of(&Fragments::build(model))).unwrap();
    assert_eq!(read.covering(&long[0], SeqNo::MAX), SeqNo::MAX);
    assert_eq!(read.covering(&long[0], no(1)), SeqNo::ZERO);
    assert_eq!(read.covering(&long[1], SeqNo::MAX), SeqNo::ZERO);
}

#[test]
fn nested_ones_take_little_room() {
    // As `delete everything older than` does, all over the night.
    let key = |n: u64| n.to_be_bytes().to_vec();
    let mut model: Vec<Tombstone> = (1..=20_000).map(|n| tombstone(&[], &key(n), n)).collect();
    // And at random, where every one overlaps a third of the others.
    let mut rng = Rng(3);
    for n in 1..=20_000 {
        let (a, b) = (rng.below(1 << 30), rng.below(1 << 30));
        model.push(tombstone(&key(a.min(b)), &key(a.max(b)), 20_000 + n));
    }
    let built = Fragments::build(model.clone());
    assert!(built.bytes() < model.len() * 400, "{} bytes", built.bytes());
    assert!(bytes_of(&built).len() < model.len() * 30);
    assert_eq!(built.covering(&key(500), no(20_000)), no(20_000));
    assert_eq!(built.covering(&key(500), no(700)), no(700));
    assert_eq!(built.covering(&key(500), no(500)), SeqNo::ZERO);
    assert!(Fragments::decode(&bytes_of(&built)).is_some_and(|read| read == built));
}

#[test]
fn bytes_that_nobody_wrote_are_refused() {
    let hand = |numbers: &[u64], bounds: &[&[u8]], rest: &[u64]| {
        let mut out = Vec::new();
        numbers.iter().for_each(|n| put_varint(&mut out, *n));
        bounds.iter().for_each(|bound| put_prefixed(&mut out, bound));
        rest.iter().for_each(|n| put_varint(&mut out, *n));
        Fragments::decode(&out)
    };
    assert!(hand(&[2, 1], &[b"a", b"b"], &[0, 1, 5]).is_some());
    let cases: [(&str, Option<Fragments>); 10] = [
        ("boundaries out of order", hand(&[2, 1], &[b"b", b"a"], &[0, 1, 5])),
        ("a boundary twice", hand(&[3, 1], &[b"a", b"a", b"b"], &[0, 2, 5])),
        ("a boundary of nothing", hand(&[3, 1], &[b"a", b"b", b"c"], &[0, 1, 5])),
        ("a span past the boundaries", hand(&[2, 1], &[b"a", b"b"], &[0, 2, 5])),
        ("an empty span", hand(&[2, 1], &[b"a", b"b"], &[0, 0, 5])),
        ("number zero", hand(&[2, 1], &[b"a", b"b"], &[0, 1, 0])),
        ("a number too large", hand(&[2, 1], &[b"a", b"b"], &[0, 1, 1 << 56])),
        ("a step that overflows", hand(&[2, 1], &[b"a", b"b"], &[u64::MAX, u64::MAX, 5])),
        ("bytes behind", hand(&[2, 1], &[b"a", b"b"], &[0, 1, 5, 0])),
        ("older before newer", hand(&[2, 2], &[b"a", b"b"], &[0, 1, 5, 0, 1, 6])),
    ];
    for (name, read) in cases {
        assert!(read.is_none(), "{name}");
    }
    for count in [u64::MAX, u64::MAX / 3, 1 << 40] {
        assert!(hand(&[count, 1], &[b"a"], &[]).is_none());
        assert!(hand(&[1, count], &[b"a"], &[]).is_none());
    }
    assert!(Fragments::decode(&[]).is_none());
}

#[test]
fn every_flipped_and_missing_byte_is_survived() {
    let built = Fragments::build(any(&mut Rng(77), 12));
    let bytes = bytes_of(&built);
    for at in 0..bytes.len() {
        assert!(Fragments::decode(&bytes[..at]).is_none(), "cut at {at}");
        for flip in 1..=255u8 {
            let mut bad = bytes.clone();
            bad[at] ^= flip;
            if let Some(read) = Fragments::decode(&bad) {
                assert_eq!(bytes_of(&read), bad, "another sound form of byte {at}");
            }
        }
    }
}
