//! Tests of listeners by themselves.

use std::sync::Arc;

use super::Listeners;
use crate::base::sync::{AtomicU64, Ordering};
use crate::extend::event::Event;

#[test]
fn one_that_panics_is_switched_off_and_the_others_go_on() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("what was thrown throws again");
        }
    }
    let mut listeners = Listeners::new();
    let heard = Arc::new(AtomicU64::new(0));
    for is_bad in [false, true, false] {
        let heard = Arc::clone(&heard);
        listeners.add(Arc::new(move |event: &Event| {
            assert!(matches!(event, Event::Resumed));
            heard.fetch_add(1, Ordering::Relaxed);
            if is_bad {
                std::panic::panic_any(Bomb);
            }
        }));
    }
    listeners.tell(|| Event::Resumed);
    listeners.tell(|| Event::Resumed);
    assert_eq!(heard.load(Ordering::Relaxed), 5);
    assert_eq!((listeners.listening(), listeners.panics()), (2, 1));
}

#[test]
fn nothing_is_made_for_nobody() {
    Listeners::new().tell(|| unreachable!("there is nobody to tell"));
}
