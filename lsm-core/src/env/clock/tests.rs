//! Tests of the clock that does not go back.

use std::sync::Arc;
use std::time::Duration;

use super::{Clock, Now, SteadyClock};
use crate::env::sim::clock::SimClock;

#[test]
fn a_steady_clock_follows_the_world_and_never_goes_back() {
    let world = SimClock::new();
    world.set_wall_millis(5_000);
    let steady = SteadyClock::new(Arc::new(world.clone()));
    assert_eq!(steady.wall_millis(), 5_000);
    world.set_wall_millis(1_000);
    assert_eq!(steady.wall_millis(), 5_000, "set back");
    world.advance(Duration::from_secs(3));
    assert_eq!(steady.wall_millis(), 5_000, "not yet there again");
    world.advance(Duration::from_secs(3));
    assert_eq!(steady.wall_millis(), 7_000);
    assert_eq!(steady.monotonic(), Duration::from_secs(6));
}

#[test]
fn a_steady_clock_is_as_late_as_it_was_told() {
    let world = SimClock::new();
    world.set_wall_millis(5_000);
    let steady = SteadyClock::new(Arc::new(world.clone()));
    steady.raise(9_000);
    assert_eq!(steady.wall_millis(), 9_000);
    steady.raise(8_000);
    assert_eq!(Now::By(steady.as_ref()).millis(), 9_000);
    assert_eq!(Now::At(3).millis(), 3);
}
