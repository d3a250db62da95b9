//! Runs inputs without a fuzzer, says which one failed and how it is run again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lsm_core::env::sim::rng::Rng;

use crate::corpus;
use crate::mutate::mutated;
use crate::target::Target;

/// An input that takes longer has no end.
const TIME_MAX: Duration = Duration::from_secs(60);

/// What runs an input again.
#[must_use]
pub fn line(target: &Target, file: &Path) -> String {
    format!("make fuzz-replay TARGET={} FILE={}", target.name, file.display())
}

/// Runs an input; an error says how to run it again.
pub fn run(target: &Target, input: &[u8], known: Option<&Path>) -> Result<(), String> {
    if catch_unwind(AssertUnwindSafe(|| target.judge(input))).is_ok() {
        return Ok(());
    }
    let path = match known {
        Some(path) => path.to_owned(),
        None => {
            // What was made by chance is kept, so that it can be run again.
            let name = format!("failed-{:016x}", lsm_core::base::checksum::hash64(input));
            let folder = corpus::folder(target);
            let path = folder.join(name);
            let written = std::fs::create_dir_all(folder);
            written.and_then(|()| std::fs::write(&path, input)).map_err(|it| it.to_string())?;
            path
        }
    };
    Err(format!("{} fails. Run it again:\n    {}", target.name, line(target, &path)))
}

/// Says which input has no end, and ends the process, if nothing is done for long.
struct Watch(Arc<AtomicU64>);

impl Watch {
    fn begin(target: Target) -> Self {
        let steps = Arc::new(AtomicU64::new(0));
        let seen = steps.clone();
        std::thread::spawn(move || {
            let (mut last, mut since) = (0, Instant::now());
            loop {
                std::thread::sleep(Duration::from_millis(500));
                let now = seen.load(Ordering::Relaxed);
                if now == u64::MAX {
                    return;
                }
                if now != last {
                    (last, since) = (now, Instant::now());
                } else if since.elapsed() > TIME_MAX {
                    eprintln!("{}: input {now} of its replay takes too long", target.name);
                    std::process::abort();
                }
            }
        });
        Self(steps)
    }

    fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }
}

/// Runs every input of a corpus, and then so many made of them by chance. Answers how many ran.
pub fn whole(target: &Target, seed: u64, mutations: u64) -> Result<u64, String> {
    let watch = Watch::begin(*target);
    let kept = corpus::read(target);
    if kept.is_empty() {
        return Err(format!("{} has no corpus: make fuzz-seeds", target.name));
    }
    for (path, input) in &kept {
        watch.step();
        run(target, input, Some(path))?;
    }
    let inputs: Vec<Vec<u8>> = kept.into_iter().map(|(_, input)| input).collect();
    let mut rng = Rng::new(seed);
    for _ in 0..mutations {
        watch.step();
        run(target, &mutated(&inputs, &mut rng), None)?;
    }
    Ok(inputs.len() as u64 + mutations)
}
