//! Long waits: whoever waits is told how far it is, and may stop.

use std::time::Duration;

use crate::base::error::Result;
use crate::engine::state::Engine;
use crate::options::progress::CallOptions;

/// Who waits is told at least this often.
const EVERY: Duration = Duration::from_millis(20);
/// And whenever so many entries more are done.
const ENTRIES: u64 = 4096;

impl Engine {
    /// Waits until it is over, telling whoever wants to know how far it is; fails if he stops it,
    /// or his time is over. What he is told never goes back.
    pub fn wait_told(
        &self,
        options: &mut CallOptions<'_>,
        is_over: &mut dyn FnMut() -> bool,
        progress: &dyn Fn() -> (u64, u64),
    ) -> Result<()> {
        let now = || self.env.clock.monotonic();
        if !options.is_told() {
            let is_over = self.env.scheduler.wait(&self.progress, options.until(), is_over);
            return if is_over { Ok(()) } else { options.check_time(now) };
        }
        let (mut told, mut of) = (0, 0);
        loop {
            let (done, total) = progress();
            (told, of) = (done.max(told), total.max(of));
            options.report(told, of)?;
            let soon = now().saturating_add(EVERY);
            let soon = options.until().map_or(soon, |until| until.min(soon));
            let mut is_ended = false;
            let mut is_time = || {
                is_ended = is_over();
                is_ended || progress().0 >= told.saturating_add(ENTRIES)
            };
            self.env.scheduler.wait(&self.progress, Some(soon), &mut is_time);
            if is_ended {
                let (done, total) = progress();
                return options.report(done.max(told), total.max(of));
            }
            options.check_time(now)?;
        }
    }
}
