//! What a program may bound: the log.

use lsm_core::Options;

use crate::harness::engine::stage::{Stage, quiet};

/// Writes much, and answers the longest log that there was and how much a crash left to replay.
fn log_of(options: Options) -> (u64, u64) {
    let stage = Stage::new(options.clone());
    let mut longest = 0;
    for at in 0..3000u32 {
        stage.db().put(at.to_be_bytes(), [7; 200]).unwrap();
        if at % 20 == 0 {
            stage.world.scheduler.run_until_idle();
        }
        longest = longest.max(stage.db().stats().log_bytes.unwrap());
    }
    let again = Stage::on(stage.kill(), options);
    assert_eq!(again.db().count(..).unwrap(), 3000);
    (longest, again.db().open_report().batches)
}

#[test]
fn the_log_is_no_longer_than_it_may_be() {
    let (longest, replayed) = log_of(quiet());
    assert!(longest > 700_000 && replayed == 3000, "{longest} bytes, {replayed} batches");
    for shift in [14, 15, 17] {
        let (longest, replayed) = log_of(quiet().log_bytes_max(1 << shift));
        // Each segment has a header and a seam of its own.
        assert!(longest < (1 << shift) + 4096, "{longest} bytes of 1 << {shift}");
        assert!(replayed < (1 << shift) / 200, "{replayed} batches of 1 << {shift} bytes");
    }
}

#[test]
fn a_log_that_is_too_long_when_it_is_opened_is_cut_with_the_next_write() {
    let stage = Stage::new(quiet());
    for at in 0..3000u32 {
        stage.db().put(at.to_be_bytes(), [7; 200]).unwrap();
    }
    let again = Stage::on(stage.kill(), quiet().log_bytes_max(64 << 10));
    assert!(again.db().stats().log_bytes.unwrap() > 600_000);
    again.db().put("one", "more").unwrap();
    again.world.scheduler.run_until_idle();
    let left = again.db().stats().log_bytes.unwrap();
    assert!(left < 4096, "{left} bytes are left");
    assert_eq!(again.db().count(..).unwrap(), 3001);
}
