//! Both ways, what does not pay, and input that no encoder made.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::base::compress::{Codec, compress, decompress};

/// What this build can do.
fn built() -> impl Iterator<Item = Codec> {
    [Codec::None, Codec::Lz4, Codec::Zstd].into_iter().filter(|codec| codec.is_built())
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = 7u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..len).map(|_| byte()).collect()
}

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|n| b"some text, and some more of it "[n % 31] ^ (n / 300) as u8).collect()
}

#[test]
fn what_is_compressed_comes_back_behind_what_was_there() {
    for len in [0, 1, 8, 12, 13, 100, 4096, 65_535, 65_536, 300_000] {
        for input in [vec![0; len], text(len), noise(len)] {
            for codec in built() {
                let (mut stored, mut back) = (vec![1, 2], vec![3]);
                let used = compress(codec, 3, &input, &mut stored);
                assert_eq!(stored[..2], [1, 2]);
                assert!(used == codec || used == Codec::None);
                assert!(used != Codec::None || stored[2..] == input);
                assert!(decompress(used, &stored[2..], len, &mut back).is_some());
                assert_eq!((back[0], &back[1..]), (3, &input[..]), "{len} bytes, {codec:?}");
            }
        }
    }
}

#[test]
fn what_saves_less_than_an_eighth_is_stored_as_it_is() {
    let mut has_both = [false; 2];
    for zeros in 0..1000 {
        let mut input = noise(1000 - zeros);
        input.resize(1000, 0);
        let mut stored = Vec::new();
        let used = compress(Codec::Lz4, 3, &input, &mut stored);
        match used {
            Codec::None => assert_eq!(stored, input),
            _ => assert!(stored.len() <= 875, "{} bytes", stored.len()),
        }
        has_both[used as usize] = true;
    }
    assert_eq!(has_both, [true; 2]);
}

#[test]
fn another_length_is_refused_and_leaves_nothing() {
    for codec in built() {
        let mut stored = Vec::new();
        assert_eq!(compress(codec, 3, &text(1000), &mut stored), codec);
        for len in (0..1200).filter(|len| *len != 1000).chain([1 << 20]) {
            let mut back = vec![9];
            assert_eq!(decompress(codec, &stored, len, &mut back), None, "{codec:?} as {len}");
            assert_eq!(back, [9]);
        }
        for cut in 0..stored.len() {
            let mut back = Vec::new();
            assert_eq!(decompress(codec, &stored[..cut], 1000, &mut back), None);
            assert!(back.is_empty());
        }
    }
    assert_eq!(decompress(Codec::Lz4, &[], usize::MAX, &mut vec![1]), None);
}

#[test]
fn damaged_input_gets_an_answer_and_never_more_bytes() {
    for codec in built().filter(|codec| *codec != Codec::None) {
        let input = text(700);
        let mut stored = Vec::new();
        assert_eq!(compress(codec, 3, &input, &mut stored), codec);
        for at in 0..stored.len() {
            for change in 1..=255 {
                let mut damaged = stored.clone();
                damaged[at] ^= change;
                let mut back = Vec::new();
                let is_some = decompress(codec, &damaged, 700, &mut back).is_some();
                assert_eq!(back.len(), if is_some { 700 } else { 0 });
            }
        }
        let noise = noise(20_100);
        for start in 0..20_000 {
            let random = &noise[start..start + start % 60];
            let mut back = Vec::new();
            let is_some = decompress(codec, random, 100, &mut back).is_some();
            assert_eq!(back.len(), if is_some { 100 } else { 0 });
        }
    }
}

#[test]
fn without_zstd_nothing_is_packed_by_it() {
    let (input, mut stored) = (text(4096), Vec::new());
    let used = compress(Codec::Zstd, 3, &input, &mut stored);
    assert_eq!(used == Codec::Zstd, Codec::Zstd.is_built());
    if !Codec::Zstd.is_built() {
        assert_eq!((used, &stored), (Codec::None, &input));
        assert_eq!(decompress(Codec::Zstd, &stored, 4096, &mut Vec::new()), None);
    }
}

#[test]
#[cfg(feature = "zstd")]
fn a_higher_level_of_zstd_packs_more() {
    let input: Vec<u8> = (0..60_000u32).flat_map(|at| (at * at % 977).to_le_bytes()).collect();
    let packed = |level| {
        let mut stored = Vec::new();
        assert_eq!(compress(Codec::Zstd, level, &input, &mut stored), Codec::Zstd);
        stored.len()
    };
    assert!(packed(19) < packed(1), "{} and {} bytes", packed(19), packed(1));
}

#[test]
fn codecs_are_known_by_their_bytes() {
    assert_eq!(Codec::from_byte(0), Some(Codec::None));
    assert_eq!(Codec::from_byte(1), Some(Codec::Lz4));
    assert_eq!(Codec::from_byte(2), Some(Codec::Zstd));
    assert!((3..=255).all(|byte| Codec::from_byte(byte).is_none()));
}
