//! Flags in all their spellings, and those that are refused.

use std::ffi::OsString;

use clap::CommandFactory;

use super::Flags;
use crate::words::{End, normal};

fn parse(line: &str) -> Result<Flags, String> {
    let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    let flags = match crate::words::parse::<Flags>(Flags::command(), &words) {
        Ok(flags) => flags.unwrap(),
        Err(End::Misused(message)) => return Err(message),
        Err(End::Failed(failure)) => panic!("{failure}"),
    };
    flags.check().map(|()| flags)
}

fn with(line: &str) -> Result<Flags, String> {
    parse(&format!("--benchmarks=fillseq {line}"))
}

#[test]
fn a_flag_has_many_spellings() {
    for line in ["--value_size=7", "--value-size=7", "--value_size 7", "--value-size 7"] {
        assert_eq!(with(line).unwrap().value_size, 7);
    }
    assert_eq!(normal(&"--use-existing-db=a-b".into()), "--use_existing_db=a-b");
    assert_eq!(normal(&"a-b".into()), "a-b");
    for line in ["--sync", "--sync=1", "--sync true", "--sync=yes --seed 3"] {
        assert!(with(line).unwrap().sync);
    }
    for line in ["--sync=0", "--sync false", "--seed=3"] {
        assert!(!with(line).unwrap().sync);
    }
    assert_eq!(parse("--benchmarks=a,b").unwrap().benchmarks, ["a", "b"]);
}

#[test]
fn the_last_one_counts() {
    assert_eq!(with("--num=5 --num=6").unwrap().num, 6);
    assert_eq!(with("--db=/a --db /b").unwrap().db, Some("/b".into()));
}

#[test]
fn numbers_have_units() {
    let flags = with("--num=2M --reads=3k --cache_size=8MiB --value_size=4K").unwrap();
    assert_eq!((flags.num, flags.reads(), flags.cache_size), (2_000_000, 3_000, 8 << 20));
    assert_eq!((flags.value_size, flags.write_buffer_size), (4096, 64 << 20));
    assert_eq!(with("--num=9").unwrap().reads(), 9);
}

#[test]
fn what_cannot_be_is_refused() {
    for line in [
        "--num=0",
        "--num=x",
        "--num=99999999999999999999M",
        "--value_size=0",
        "--threads=0",
        "--rate=-1",
        "--rate=nan",
        "--duration=-2",
        "--bloom_bits=33",
        "--compression_type=zip",
        "--sync=maybe",
        "--unknown=1",
        "stray",
        "--key_size=3 --num=1001",
        "--num=5000000000",
        "--use_existing_db",
        "--key_size=70000",
        "--value_size=2GiB",
        "--batch_size=0",
        "--value_size=1GiB --batch_size=100",
    ] {
        assert!(with(line).is_err(), "{line}");
    }
    assert!(parse("--num=5").unwrap_err().contains("--benchmarks"));
}

#[test]
fn settings_that_do_not_change_what_is_measured_are_not_written_down() {
    let flags = with("--db=/x --json=/y --stats_interval_seconds=1 --threads=4").unwrap();
    let json = serde_json::to_value(&flags).unwrap();
    assert_eq!(json["threads"], 4);
    for name in ["db", "json", "stats_interval_seconds", "benchmarks", "engine"] {
        assert!(json.get(name).is_none(), "{name}");
    }
}
