//! The one clock. Nobody else asks the operating system for the time (`clippy.toml` bans it), so the sandbox can
//! move time forward and every deadline can be tested.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};

/// Where "now" comes from: the system clock plus an offset that only the sandbox may change.
///
/// Clones share the offset. Times are truncated to microseconds, PostgreSQL's resolution, so that a value read
/// back from the database equals the one written.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_micros: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows the system's time.
    pub fn system() -> Self {
        Self::default()
    }

    /// The present instant, UTC, at microsecond resolution.
    #[allow(clippy::disallowed_methods)] // the one place that asks the system
    pub fn now(&self) -> DateTime<Utc> {
        let system = Utc::now().trunc_subsecs(6);
        system
            .checked_add_signed(chrono::Duration::microseconds(self.offset_micros.load(Ordering::Relaxed)))
            .unwrap_or(system)
    }

    /// How far this clock is ahead of the system's.
    pub fn offset(&self) -> chrono::Duration {
        chrono::Duration::microseconds(self.offset_micros.load(Ordering::Relaxed))
    }

    /// Sets how far this clock is ahead of the system's. Only sandbox code and tests call it.
    pub fn set_offset(&self, offset: chrono::Duration) {
        self.offset_micros.store(offset.num_microseconds().unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Moves this clock forward. Only sandbox code and tests call it.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.offset_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_offset() {
        let clock = Clock::system();
        let other = clock.clone();
        let before = other.now();
        clock.advance(Duration::from_secs(86_400));
        assert!(other.now() - before >= chrono::Duration::days(1));
        assert_eq!(other.offset(), chrono::Duration::days(1));
    }
}
