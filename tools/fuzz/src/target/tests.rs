//! The bound on memory is one.

use super::{Memory, Target};

#[test]
fn what_takes_too_much_memory_is_found() {
    let greedy = |input: &[u8]| drop(std::hint::black_box(vec![1u8; 100 + 300 * input.len()]));
    let memory = Memory { always: 200, each: 200 };
    let about = "takes too much";
    let target = Target { name: "greedy", about, run: greedy, seeds: |_| Vec::new(), memory };
    target.judge(&[]);
    assert!(std::panic::catch_unwind(|| target.judge(&[0; 100])).is_err());
}
