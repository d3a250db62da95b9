//! Directories that are ours, those that are not, and what is remembered.

use std::fs;

use super::{Place, State};
use crate::generator::Shape;
use crate::truth::Truth;

fn truth_of(numbers: &[u64]) -> Truth {
    let truth = Truth::new(Shape { key_bytes: 12, value_bytes: 70 });
    numbers.iter().for_each(|number| truth.add(*number));
    truth.widen(20);
    truth
}

#[test]
fn a_temporary_place_goes() {
    let place = Place::temporary().unwrap();
    let base = place.base().to_path_buf();
    fs::create_dir(place.store_dir()).unwrap();
    fs::write(place.store_dir().join("file"), "x").unwrap();
    drop(place);
    assert!(!base.exists());
}

#[test]
fn a_directory_of_somebody_else_is_refused_and_stays() {
    let outer = Place::temporary().unwrap();
    let base = outer.base().join("home");
    fs::create_dir_all(base.join("store")).unwrap();
    fs::write(base.join("store/letter"), "dear").unwrap();
    assert!(Place::at(&base).unwrap_err().to_string().contains("store"));
    // With the sign it is ours, unless something else lies beside.
    fs::write(base.join("lsm-bench.state"), "").unwrap();
    assert!(Place::at(&base).is_ok());
    fs::write(base.join("other"), "").unwrap();
    assert!(Place::at(&base).unwrap_err().to_string().contains("other"));
    assert_eq!(fs::read(base.join("store/letter")).unwrap(), b"dear");
}

#[test]
fn what_is_there_is_remembered() {
    let outer = Place::temporary().unwrap();
    let base = outer.base().join("db");
    let place = Place::at(&base).unwrap();
    assert_eq!(place.read_state().unwrap(), None);
    place.write_state("some", &truth_of(&[0, 1, 2, 5, 7, 8])).unwrap();
    drop(place);
    let place = Place::at(&base).unwrap();
    let state = place.read_state().unwrap().unwrap();
    assert_eq!((state.engine.as_str(), state.key_bytes, state.value_bytes), ("some", 12, 70));
    assert_eq!(state.runs, [(0, 2), (5, 5), (7, 8)]);
    let truth = truth_of(&[]);
    state.restore(&truth);
    assert_eq!((truth.count(), truth.extent(), truth.has(5), truth.has(6)), (6, 20, true, false));
    place.forget_state().unwrap();
    assert_eq!(place.read_state().unwrap(), None);
}

#[test]
fn half_a_state_is_none() {
    let text = State::of("some", &truth_of(&[1, 3, 5])).to_text();
    assert!(State::parse(&text).is_some());
    for len in 0..text.len() {
        assert_eq!(State::parse(&text[..len]), None, "{len}");
    }
}
