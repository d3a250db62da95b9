//! Settings read back from text, and contradictions are refused with a reason.

use super::*;

#[test]
fn the_text_form_sets_what_it_names() {
    let text = "memory_limit=64MiB; memtable_bytes = 1MiB;durability=durable; wal=write;\
                sync_interval_ms=0; background_threads=1; memtable=skiplist; if_missing=fail; \
                log_bytes_max=3MiB; write_bytes_per_second=1MiB; scrub_bytes_per_second=2MiB; \
                open_files_max=9";
    let expected = Options::new()
        .memory_limit(64 << 20)
        .memtable_bytes(1 << 20)
        .durability(Durability::Durable)
        .log_mode(LogMode::Write)
        .sync_interval(None)
        .background_threads(1)
        .memtable(MemtableKind::SkipList)
        .if_missing(IfMissing::Fail)
        .log_bytes_max(3 << 20)
        .write_bytes_per_second(1 << 20)
        .scrub_bytes_per_second(2 << 20)
        .open_files_max(9);
    assert_eq!(Options::parse(text).unwrap(), expected);
    assert_eq!("".parse::<Options>().unwrap(), Options::default());
    for options in [Options::default(), expected, Options::new().read_only(true)] {
        assert_eq!(options.to_string().parse::<Options>().unwrap(), options, "{options}");
    }
}

#[test]
fn contradictions_are_refused() {
    let bad = [
        "memory_limit=1MiB",
        "memtable_bytes=4095",
        "memory_limit=16MiB; memtable_bytes=9MiB",
        "background_threads=0",
        "background_threads=65",
        "read_only=true; if_missing=must_be_missing",
        "read_only=true; durability=durable",
        "log_segment_bytes_max=2GiB",
        "log_bytes_max=16383",
        "write_bytes_per_second=1",
        "scrub_bytes_per_second=4095",
        "open_files_max=-1",
        "memory_limit=99999999999GiB",
        "cache=1",
        "durability",
    ];
    for text in bad {
        let error = Options::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
    }
}

#[test]
fn the_memory_limit_fits_the_machine_unless_it_is_chosen() {
    let fit = |machine| Options::new().fit_to(machine).get_memory_limit();
    assert_eq!(fit(Some(1 << 40)), MEMORY_LIMIT_USUAL);
    assert_eq!(fit(Some(1 << 30)), 128 << 20);
    assert_eq!(fit(Some(64 << 20)), MEMORY_LIMIT_MIN);
    assert_eq!(fit(None), MEMORY_LIMIT_USUAL);
    let chosen = Options::new().memory_limit(1 << 30);
    assert_eq!(chosen.clone().fit_to(Some(1 << 20)), chosen);
}

#[test]
fn memtables_that_wait_fit_into_half_of_the_limit() {
    for shift in 24..33 {
        let options = Options::new().memory_limit(1 << shift);
        options.check().unwrap();
        assert!(options.get_memtable_bytes() * 4 <= options.get_memory_limit() / 2);
    }
}
