//! The text form reads back, and what cannot be meant is refused.

use super::*;

#[test]
fn what_is_written_reads_back() {
    let strategies = [
        Strategy::Leveled { ratio: 2 },
        Strategy::Tiered { runs_max: 9 },
        Strategy::Lazy { runs_max: 100 },
        Strategy::Fifo { bytes_max: 5, age_max_millis: 0 },
        Strategy::user("by-day_2.x"),
        Strategy::user(&"n".repeat(64)),
    ];
    for strategy in strategies {
        let options = KeyspaceOptions::new()
            .strategy(strategy)
            .compression(Compression::Zstd { level: 9 })
            .block_bytes(512)
            .filter_bits_per_key(0);
        assert_eq!(KeyspaceOptions::parse(&options.to_string()).unwrap(), options);
    }
    assert_eq!("".parse::<KeyspaceOptions>().unwrap(), KeyspaceOptions::default());
}

#[test]
fn orders_and_promises_read_back() {
    for comparator in [Comparator::Bytewise, Comparator::Reverse, Comparator::user("by-length")] {
        for write_once in [false, true] {
            let options =
                KeyspaceOptions::new().comparator(comparator.clone()).write_once(write_once);
            assert_eq!(KeyspaceOptions::parse(&options.to_string()).unwrap(), options);
        }
    }
    let usual = KeyspaceOptions::new().comparator(Comparator::Bytewise).to_string();
    assert!(!usual.contains("comparator") && !usual.contains("write_once"));
}

#[test]
fn nonsense_is_refused() {
    let bad = [
        "block_bytes",
        "block_bytes=511",
        "comparator=",
        "comparator=user:",
        "comparator=user:two words",
        "comparator=sideways",
        "write_once=perhaps",
        "block_bytes=65537",
        "filter_bits_per_key=33",
        "strategy=leveled:1",
        "strategy=leveled:101",
        "strategy=tiered",
        "strategy=lazy",
        "strategy=lazy:1",
        "strategy=lazy:101",
        "strategy=lazy:8:1",
        "strategy=fifo:0:0",
        "strategy=fifo:1:1:1",
        "strategy=user",
        "strategy=user:",
        "strategy=user:a:b",
        "strategy=user:two words",
        "strategy=user:\u{e9}",
        "compression=brotli",
        "compression=zstd",
        "compression=zstd:0",
        "compression=zstd:23",
        "compression=lz4:1",
        "colour=red",
    ];
    for text in bad {
        let error = KeyspaceOptions::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
    }
}
