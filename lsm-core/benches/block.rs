//! What a block, a filter and a codec cost, beside a block with restart points and shared prefixes
//! as it is customary, in its plainest form.
//!
//! Everything is hot: 64 blocks of 4 KiB lie in the nearest caches, so what is measured is work and
//! not memory. Both formats take turns in each round; the figure is the best of the rounds, which
//! what else runs on the machine disturbs least.
//! `--quick` makes fewer rounds. Times are in nanoseconds.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a program for people, that may fail"
)]

use std::hint::black_box;
use std::time::Instant;

use lsm_core::base::checksum::hash64;
use lsm_core::base::codec::{Decoder, put_varint};
use lsm_core::base::compress::{Codec, compress, decompress};
use lsm_core::filter::{FilterBuilder, may_contain};
use lsm_core::key::full::head_of;
use lsm_core::table::block::buffer::KeyBuffer;
use lsm_core::table::block::builder::BlockBuilder;
use lsm_core::table::block::point::look_up;
use lsm_core::table::block::view::{BlockView, Layout};

const BLOCKS: usize = 64;
const BLOCK: usize = 4096;
const LOOKUPS: usize = 1 << 14;
const INTERVAL: usize = 16;

type Entry = (Vec<u8>, u64, Vec<u8>);

/// What the entries of a measurement look like.
#[derive(Clone, Copy)]
struct Load {
    name: &'static str,
    value_len: usize,
    is_ragged: bool,
    has_seqnos: bool,
}

const LOADS: [Load; 3] = [
    Load { name: "16 + 100, settled", value_len: 100, is_ragged: false, has_seqnos: false },
    Load { name: "16 + 100, fresh", value_len: 100, is_ragged: false, has_seqnos: true },
    Load { name: "8..40 + 0..32, fresh", value_len: 32, is_ragged: true, has_seqnos: true },
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if is_quick { 5 } else { 41 };
    for load in LOADS {
        measure(load, rounds);
    }
    filters(rounds);
}

fn entries(load: Load) -> Vec<Entry> {
    let mut random = Random(1);
    let mut keys: Vec<Vec<u8>> = (0..BLOCKS * 100)
        .map(|_| {
            let mut key = vec![0, 0, 0, 1];
            let text = format!("{:016}{:024x}", random.below(1 << 40), random.next());
            let len = if load.is_ragged { 8 + random.below(33) } else { 16 };
            key.extend_from_slice(&text.as_bytes()[16 - len.min(16)..][..len]);
            key
        })
        .collect();
    keys.sort();
    keys.dedup();
    let entry = |key| {
        let len = if load.is_ragged { random.below(load.value_len + 1) } else { load.value_len };
        // Half of a value is noise, half of it repeats: LZ4 halves it.
        let value = (0..len).map(|n| if n < len / 2 { random.next() as u8 } else { b'v' });
        let value = value.collect();
        let seqno = if load.has_seqnos { 1_000_000 + random.below(60_000) as u64 } else { 0 };
        (key, seqno << 8 | 1, value)
    };
    keys.into_iter().map(entry).collect()
}

/// The same entries in both formats.
struct Pair {
    entries: Vec<Entry>,
    image: Vec<u8>,
    layout: Layout,
    classic: Classic,
}

fn pairs(load: Load) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let (mut builder, mut held) = (BlockBuilder::new(), Vec::new());
    for entry in entries(load) {
        assert!(builder.add(&entry.0, entry.1, &entry.2));
        held.push(entry);
        if builder.estimate() >= BLOCK && pairs.len() < BLOCKS {
            let mut image = Vec::new();
            builder.finish(&mut image).unwrap();
            let layout = Layout::parse(&image).unwrap();
            let entries = std::mem::take(&mut held);
            let classic = Classic::build(&entries);
            pairs.push(Pair { entries, image, layout, classic });
        }
    }
    pairs
}

fn measure(load: Load, rounds: usize) {
    let pairs = pairs(load);
    let count: usize = pairs.iter().map(|pair| pair.entries.len()).sum();
    let bytes: usize = pairs.iter().map(|pair| pair.image.len()).sum();
    let classic: usize = pairs.iter().map(|pair| pair.classic.bytes.len()).sum();
    println!(
        "\n{}: {} blocks, {} entries each, {} bytes ({} with restarts)",
        load.name,
        pairs.len(),
        count / pairs.len(),
        bytes / pairs.len(),
        classic / pairs.len(),
    );
    let mut random = Random(2);
    let targets: Vec<(usize, usize)> = (0..LOOKUPS)
        .map(|_| {
            let block = random.below(pairs.len());
            (block, random.below(pairs[block].entries.len()))
        })
        .collect();
    searches(&pairs, &targets, rounds);
    walks(&pairs, count, rounds);
    makings(&pairs, count, rounds);
    codecs(&pairs, rounds);
}

fn searches(pairs: &[Pair], targets: &[(usize, usize)], rounds: usize) {
    let tags: Vec<u8> = targets
        .iter()
        .map(|&(block, at)| (hash64(&pairs[block].entries[at].0) >> 56) as u8)
        .collect();
    let classic = || {
        for &(block, at) in targets {
            let key = &pairs[block].entries[at].0;
            black_box(pairs[block].classic.find(black_box(key)));
        }
    };
    let found = |is_kept: bool| {
        for (&(block, at), &tag) in targets.iter().zip(&tags) {
            let pair = &pairs[block];
            let key = &pair.entries[at].0;
            let parsed;
            let layout = if is_kept {
                &pair.layout
            } else {
                parsed = Layout::of_parsed(&pair.image).unwrap();
                &parsed
            };
            let view = BlockView::new(&pair.image, layout);
            let at = view.find(black_box(key), tag, u64::MAX).unwrap();
            black_box((view.trailer(at), view.value(at)));
        }
    };
    let in_passing = || {
        for (&(block, at), &tag) in targets.iter().zip(&tags) {
            let pair = &pairs[block];
            let key = &pair.entries[at].0;
            black_box(look_up(&pair.image, black_box(key), tag, u64::MAX).unwrap());
        }
    };
    let absent = || {
        for (&(block, at), &tag) in targets.iter().zip(&tags) {
            let pair = &pairs[block];
            let view = BlockView::new(&pair.image, &pair.layout);
            black_box(view.find(black_box(&pair.entries[at].0[1..]), tag ^ 0x55, u64::MAX));
        }
    };
    let bound = || {
        for &(block, at) in targets {
            let pair = &pairs[block];
            let view = BlockView::new(&pair.image, &pair.layout);
            black_box(view.lower_bound(black_box(&pair.entries[at].0), u64::MAX));
        }
    };
    let parse = || {
        for &(block, _) in targets {
            black_box(Layout::parse(black_box(&pairs[block].image)));
        }
    };
    let times = alternate(
        rounds,
        targets.len(),
        &mut [
            &mut || classic(),
            &mut || found(true),
            &mut || found(false),
            &mut || absent(),
            &mut || bound(),
            &mut || parse(),
            &mut || in_passing(),
        ],
    );
    say_searches(&times);
}

fn say_searches(times: &[f64]) {
    row("find, restarts", times[0], None);
    row("find, layout kept", times[1], Some(times[0]));
    row("find, header read anew", times[2], Some(times[0]));
    row("look_up", times[6], Some(times[0]));
    row("find, absent", times[3], None);
    row("lower_bound", times[4], Some(times[0]));
    row("parse, a block", times[5], None);
}

fn walks(pairs: &[Pair], count: usize, rounds: usize) {
    let classic = || {
        for pair in pairs {
            let mut key = Vec::with_capacity(256);
            pair.classic.walk(0, &mut key, |key, trailer, value| {
                black_box((key, head_of(key), trailer, value));
                true
            });
        }
    };
    let (mut ahead, mut back, mut keys) = (KeyBuffer::new(), KeyBuffer::new(), KeyBuffer::new());
    let mut forward = || {
        for pair in pairs {
            let view = BlockView::new(&pair.image, &pair.layout);
            ahead.enter(&view);
            for at in 0..view.len() {
                ahead.load(&view, at);
                black_box((ahead.bytes(), view.head(at), view.trailer(at), view.value(at)));
            }
        }
    };
    let mut step_only = || {
        for pair in pairs {
            let view = BlockView::new(&pair.image, &pair.layout);
            keys.enter(&view);
            for at in 0..view.len() {
                keys.load(&view, at);
                black_box((keys.bytes(), view.head(at)));
            }
        }
    };
    let mut backward = || {
        for pair in pairs {
            let view = BlockView::new(&pair.image, &pair.layout);
            back.enter(&view);
            for at in (0..view.len()).rev() {
                back.load(&view, at);
                black_box((back.bytes(), view.head(at), view.trailer(at), view.value(at)));
            }
        }
    };
    let times = alternate(
        rounds,
        count,
        &mut [&mut || classic(), &mut forward, &mut backward, &mut step_only],
    );
    row("iterate, restarts", times[0], None);
    row("iterate", times[1], Some(times[0]));
    row("iterate backwards", times[2], Some(times[0]));
    row("iterate, key and head", times[3], Some(times[0]));
}

fn makings(pairs: &[Pair], count: usize, rounds: usize) {
    let mut builder = BlockBuilder::new();
    let mut out = Vec::new();
    let mut tagged = || {
        for pair in pairs {
            out.clear();
            for (key, trailer, value) in &pair.entries {
                assert!(builder.add(key, *trailer, value));
                black_box(builder.estimate());
            }
            builder.finish(&mut out).unwrap();
            black_box(&out);
        }
    };
    let classic = || {
        for pair in pairs {
            black_box(Classic::build(&pair.entries));
        }
    };
    let times = alternate(rounds, count, &mut [&mut || classic(), &mut tagged]);
    row("build, restarts", times[0], None);
    row("build, with hash", times[1], Some(times[0]));
}

fn codecs(pairs: &[Pair], rounds: usize) {
    let mut stored = Vec::new();
    let mut back = Vec::new();
    let packed: Vec<Vec<u8>> = pairs
        .iter()
        .map(|pair| {
            let mut out = Vec::new();
            compress(Codec::Lz4, 0, &pair.image, &mut out);
            out
        })
        .collect();
    let classic: usize = pairs
        .iter()
        .map(|pair| {
            let mut out = Vec::new();
            compress(Codec::Lz4, 0, &pair.classic.bytes, &mut out);
            out.len()
        })
        .sum();
    let mut pack = || {
        for pair in pairs {
            stored.clear();
            black_box(compress(Codec::Lz4, 0, &pair.image, &mut stored));
        }
    };
    let mut unpack = || {
        for (pair, packed) in pairs.iter().zip(&packed) {
            back.clear();
            decompress(Codec::Lz4, packed, pair.image.len(), &mut back);
            black_box(&back);
        }
    };
    let times = alternate(rounds, pairs.len(), &mut [&mut pack, &mut unpack]);
    let len = |total: usize| total / pairs.len();
    let bytes = len(pairs.iter().map(|pair| pair.image.len()).sum()) as f64;
    println!(
        "  lz4: {} bytes ({} with restarts)",
        len(packed.iter().map(Vec::len).sum()),
        len(classic)
    );
    println!("  lz4 a block {:9.1}   {:6.0} MB/s", times[0], bytes * 1e3 / times[0]);
    println!("  unlz4 a block {:7.1}   {:6.0} MB/s", times[1], bytes * 1e3 / times[1]);
}

fn filters(rounds: usize) {
    println!("\nfilters, 10 bits a key");
    for keys in [50_000usize, 800_000] {
        let mut random = Random(3);
        let hashes: Vec<u64> = (0..keys).map(|_| random.next()).collect();
        let mut builder = FilterBuilder::new(10);
        let mut filter = Vec::new();
        let mut build = || {
            filter.clear();
            hashes.iter().for_each(|&hash| builder.add(hash));
            builder.finish(&mut filter);
        };
        let built = alternate(rounds.min(9), keys, &mut [&mut build]);
        let absent: Vec<u64> = (0..LOOKUPS * 4).map(|_| random.next()).collect();
        let mut yes = 0;
        let hit = || {
            for &hash in &hashes[..LOOKUPS] {
                black_box(may_contain(&filter, black_box(hash)));
            }
        };
        let mut miss = || {
            yes = absent[..LOOKUPS].iter().filter(|&&hash| may_contain(&filter, hash)).count();
        };
        let mut chain = 0;
        let mut late = || {
            for &hash in &hashes[..LOOKUPS] {
                // Each question waits for the answer before.
                chain = u64::from(may_contain(&filter, hash ^ chain)) ^ 1;
            }
        };
        let probed = alternate(rounds, LOOKUPS, &mut [&mut || hit(), &mut miss, &mut late]);
        let total = absent.iter().filter(|&&hash| may_contain(&filter, hash)).count();
        println!("  {keys} keys, {} bytes", filter.len());
        row("build, a key", built[0], None);
        row("probe, present", probed[0], None);
        row("probe, absent", probed[1], None);
        row("probe, one by one", probed[2], None);
        println!("  false yes {:.3} %", total as f64 * 100.0 / absent.len() as f64);
    }
    println!("\nfalse yes by bits a key");
    for bits in [1, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32] {
        let mut random = Random(4);
        let mut builder = FilterBuilder::new(bits);
        (0..200_000).for_each(|_| builder.add(random.next()));
        let mut filter = Vec::new();
        builder.finish(&mut filter);
        let asked = 2_000_000;
        let yes = (0..asked).filter(|_| may_contain(&filter, random.next())).count();
        println!("  {bits:2} bits: {:.4} %", yes as f64 * 100.0 / f64::from(asked));
    }
}

/// Runs them in turn so many times; the best of each, for one of `count` operations.
fn alternate(rounds: usize, count: usize, runs: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut times = vec![Vec::new(); runs.len()];
    for round in 0..=rounds {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            run();
            let time = start.elapsed().as_secs_f64() * 1e9 / count as f64;
            // The first round warms up.
            if round > 0 {
                times.push(time);
            }
        }
    }
    let best = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[0]
    };
    times.into_iter().map(best).collect()
}

fn row(name: &str, time: f64, beside: Option<f64>) {
    match beside {
        Some(other) => println!("  {name:24} {time:8.1}   {:5.2} times as fast", other / time),
        None => println!("  {name:24} {time:8.1}"),
    }
}

/// A block with restart points: each key as what it shares with the one before and the rest of it,
/// the trailer behind the key, a whole key at every sixteenth entry.
struct Classic {
    bytes: Vec<u8>,
    restarts: usize,
}

impl Classic {
    fn build(entries: &[Entry]) -> Self {
        let (mut bytes, mut restarts) = (Vec::new(), Vec::new());
        let mut last: &[u8] = &[];
        for (at, (key, trailer, value)) in entries.iter().enumerate() {
            if at % INTERVAL == 0 {
                restarts.push(bytes.len() as u32);
                last = &[];
            }
            let shared = last.iter().zip(key).take_while(|(a, b)| a == b).count();
            put_varint(&mut bytes, shared as u64);
            put_varint(&mut bytes, (key.len() - shared) as u64);
            put_varint(&mut bytes, value.len() as u64);
            bytes.extend_from_slice(&key[shared..]);
            bytes.extend_from_slice(&trailer.to_le_bytes());
            bytes.extend_from_slice(value);
            last = key;
        }
        for restart in &restarts {
            bytes.extend_from_slice(&restart.to_le_bytes());
        }
        Self { bytes, restarts: restarts.len() }
    }

    fn restart(&self, index: usize) -> usize {
        let at = self.data().len() + index * 4;
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap()) as usize
    }

    fn data(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - self.restarts * 4]
    }

    #[inline(always)]
    fn walk(
        &self,
        start: usize,
        key: &mut Vec<u8>,
        mut each: impl FnMut(&[u8], u64, &[u8]) -> bool,
    ) {
        let mut decoder = Decoder::new(&self.data()[start..]);
        let len = |decoder: &mut Decoder<'_>| {
            // Lengths below 128 take one byte: the way that every such format makes fast.
            match decoder.rest().first() {
                Some(&byte) if byte < 0x80 => decoder.u8().unwrap() as usize,
                _ => decoder.varint().unwrap() as usize,
            }
        };
        while !decoder.is_empty() {
            let (shared, rest, value) = (len(&mut decoder), len(&mut decoder), len(&mut decoder));
            key.truncate(shared);
            key.extend_from_slice(decoder.bytes(rest).unwrap());
            let trailer = decoder.u64().unwrap();
            if !each(key, trailer, decoder.bytes(value).unwrap()) {
                return;
            }
        }
    }

    fn find(&self, wanted: &[u8]) -> Option<(u64, &[u8])> {
        let (mut low, mut high) = (0, self.restarts);
        let mut key = Vec::with_capacity(256);
        while low + 1 < high {
            let middle = (low + high) / 2;
            key.clear();
            let mut is_after = false;
            self.walk(self.restart(middle), &mut key, |key, _, _| {
                is_after = key > wanted;
                false
            });
            if is_after { high = middle } else { low = middle }
        }
        key.clear();
        let mut found = None;
        let base = self.bytes.as_ptr() as usize;
        self.walk(self.restart(low), &mut key, |key, trailer, value| {
            if key >= wanted {
                let at = value.as_ptr() as usize - base;
                found = (key == wanted).then_some((trailer, at, value.len()));
                return false;
            }
            true
        });
        found.map(|(trailer, at, len)| (trailer, &self.bytes[at..at + len]))
    }
}
