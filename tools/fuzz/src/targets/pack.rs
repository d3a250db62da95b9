//! Codecs: bytes made shorter, and back.

use lsm_core::base::compress::{Codec, compress, decompress};
use lsm_core::base::lz4;

use crate::input::Input;
use crate::specimen::Specimen;
use crate::target::{Memory, Target};

/// No output is longer.
const OUT_MAX: usize = 64 << 10;
const MEMORY: Memory = Memory { always: 4 * OUT_MAX, each: 64 };

fn plain(specimen: &Specimen) -> Vec<Vec<u8>> {
    let text = b"a text that repeats itself, a text that repeats itself, again and again and again";
    let file = specimen.ending(".sst").first().map_or(Vec::new(), |file| file[..400].to_vec());
    vec![text.to_vec(), vec![7; 300], file, (0..=255).collect()]
}

/// What is packed, behind its length in two bytes.
fn packed(codec: Codec, specimen: &Specimen) -> Vec<Vec<u8>> {
    let pack = |plain: Vec<u8>| {
        let mut bytes = (plain.len() as u16).to_le_bytes().to_vec();
        compress(codec, 3, &plain, &mut bytes);
        bytes
    };
    plain(specimen).into_iter().map(pack).collect()
}

/// Whatever is packed comes back.
fn there_and_back(codec: Codec, plain: &[u8]) {
    let (mut packed, mut again) = (b"in front".to_vec(), Vec::new());
    let used = compress(codec, 1, plain, &mut packed);
    let packed = packed.strip_prefix(b"in front").unwrap();
    decompress(used, packed, plain.len(), &mut again).unwrap();
    assert!(again == plain, "{codec:?} does not give back what it was given");
}

/// Our own LZ4, beside another one.
pub const LZ4: Target = Target {
    name: "lz4",
    about: "blocks of LZ4, beside another decoder",
    run: |bytes| {
        there_and_back(Codec::Lz4, bytes);
        let mut input = Input::new(bytes);
        let mut ours = vec![0; usize::from(input.u16())];
        let mut theirs = ours.clone();
        if lz4::unpack(input.rest(), &mut ours).is_some() {
            let len = lz4_flex::block::decompress_into(input.rest(), &mut theirs).unwrap();
            assert_eq!(len, ours.len());
            assert!(ours == theirs, "two decoders contradict each other");
        }
    },
    seeds: |specimen| packed(Codec::Lz4, specimen),
    memory: MEMORY,
};

/// zstd.
pub const ZSTD: Target = Target {
    name: "zstd",
    about: "frames of zstd",
    run: |bytes| {
        there_and_back(Codec::Zstd, bytes);
        let mut input = Input::new(bytes);
        let (len, mut out) = (usize::from(input.u16()), Vec::new());
        let done = decompress(Codec::Zstd, input.rest(), len, &mut out);
        assert_eq!(out.len(), done.map_or(0, |()| len));
    },
    seeds: |specimen| packed(Codec::Zstd, specimen),
    memory: MEMORY,
};
