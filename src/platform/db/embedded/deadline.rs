//! Waiting with an end.

use std::thread;
use std::time::{Duration, Instant};

/// A moment after which waiting is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// The moment `patience` from now.
    pub(super) fn after(patience: Duration) -> Self {
        Self(now() + patience)
    }

    /// Whether the moment is over.
    pub(super) fn passed(self) -> bool {
        now() >= self.0
    }

    /// Sleeps for one step of polling.
    pub(super) fn pause(self) {
        thread::sleep(Duration::from_millis(10));
    }

    /// Polls until `done` holds; false if the deadline passed first.
    pub(super) fn wait_until(self, mut done: impl FnMut() -> bool) -> bool {
        loop {
            if done() {
                return true;
            }
            if self.passed() {
                return false;
            }
            self.pause();
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "waits for another process, which knows no simulated clock")]
fn now() -> Instant {
    Instant::now()
}
