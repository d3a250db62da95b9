//! Large caches, whose frames lie in pages.

use std::sync::Arc;

use crate::base::budget::Budget;
use crate::cache::frame::Frame;
use crate::cache::pool::Cache;
use crate::cache::purpose::Use;
use crate::cache::slab::PAGE;
use crate::cache::slots::Slots;

/// Much larger than a page.
const LARGE: u64 = 80 << 20;

/// A block of 4 to 5 KiB that says whose it is.
fn large_block(index: usize) -> Vec<u8> {
    (index as u64).to_le_bytes().into_iter().cycle().take(4096 + index % 7 * 150).collect()
}

fn load_large(cache: &Cache, slots: &Arc<Slots>, index: usize) -> Frame {
    let load = &mut || Ok(large_block(index));
    let frame = cache.get_or_load(slots, index, Use::Point, load).unwrap();
    assert_eq!(frame.bytes(), large_block(index));
    frame
}

#[test]
fn a_large_cache_gives_whole_pages_back_and_stays_within_its_bytes() {
    let budget = Budget::new(1 << 30);
    let cache = Cache::new(Arc::clone(&budget), LARGE);
    let slots = Slots::new(40_000);
    let mut state = 3_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 33) as usize % below
    };
    let pinned: Vec<Frame> = (0..10).map(|index| load_large(&cache, &slots, index * 999)).collect();
    let mut in_pages = 0;
    for _ in 0..60_000 {
        let frame = load_large(&cache, &slots, draw(40_000));
        in_pages += u32::from(frame.page().is_some());
        assert!(cache.stats().bytes <= LARGE);
    }
    assert!(in_pages > 59_000, "{in_pages} of 60000");
    let full = cache.stats();
    assert!(full.bytes > LARGE / 10 * 9 && full.evictions > 10_000, "{full:?}");
    for shrunk in [76 << 20, 70 << 20, 40 << 20, 8 << 20, 1 << 20] {
        cache.set_capacity(shrunk);
        let (frames, held) = (cache.stats().frames, budget.used());
        // A pinned block keeps its page, and what is unused of it counts.
        let kept = 10 * PAGE as u64;
        assert!(held <= shrunk + kept, "{held} bytes of {shrunk}");
        let least = shrunk.saturating_sub(kept) / 3 * 2;
        assert!(frames * 4096 >= least, "{frames} frames in {shrunk}");
    }
    for (frame, index) in pinned.iter().zip((0..).step_by(999)) {
        assert_eq!(frame.bytes(), large_block(index));
    }
    drop(pinned);
    cache.set_capacity(0);
    assert!(
        budget.used() <= (64 << 10) + Slots::cost_of(40_000) + PAGE as u64,
        "{}",
        budget.used()
    );
}

#[test]
fn blocks_of_other_sizes_find_pages_in_a_full_cache() {
    let budget = Budget::new(1 << 30);
    let cache = Cache::new(Arc::clone(&budget), LARGE);
    let slots = Slots::new(40_000);
    let load = |index: usize, len: usize| {
        let load = &mut || Ok(vec![index as u8; len]);
        let frame = cache.get_or_load(&slots, index, Use::Point, load).unwrap();
        frame.page().is_some()
    };
    assert!((0..20_000).all(|index| load(index, 4100)));
    let in_pages = (20_000..40_000).filter(|index| load(*index, 8000)).count();
    assert!(in_pages > 15_000, "{in_pages}");
    assert!(cache.stats().bytes <= LARGE);
}
