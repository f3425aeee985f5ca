//! Sorted intervals of whole seconds.

use chrono::{DateTime, Utc};

use super::input::Interval;

/// Half-open, in seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub start: i64,
    pub end: i64,
}

impl Span {
    /// Far beyond any date, and far enough from the ends of `i64` to add to.
    pub const ALWAYS: Self = Self { start: i64::MIN / 4, end: i64::MAX / 4 };

    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    pub fn contains(self, second: i64) -> bool {
        self.start <= second && second < self.end
    }

    pub fn meet(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }

    /// The starts of a session of `length` that lies within.
    pub fn starts_within(self, length: i64) -> Self {
        Self { start: self.start, end: self.end - length + 1 }
    }

    /// The starts t of which [t − before, t + length_and_after) would touch a second of this.
    pub fn starts_in_conflict(self, before: i64, length_and_after: i64) -> Self {
        if self.is_empty() {
            return self;
        }
        Self { start: self.start - length_and_after + 1, end: self.end + before }
    }
}

/// Fractions of a second are rounded outwards.
impl From<Interval> for Span {
    fn from(interval: Interval) -> Self {
        Self { start: interval.start.timestamp(), end: ceil(interval.end) }
    }
}

/// The first whole second that is not before the instant.
pub(super) fn ceil(instant: DateTime<Utc>) -> i64 {
    instant.timestamp() + i64::from(instant.timestamp_subsec_nanos() > 0)
}

/// Overlapping and touching spans become one; empty ones vanish.
pub(super) fn unite(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| !span.is_empty());
    spans.sort_unstable();
    spans.dedup_by(|next, kept| {
        let joined = next.start <= kept.end;
        if joined {
            kept.end = kept.end.max(next.end);
        }
        joined
    });
    spans
}

/// What of `whole` is in no span of `taken`; both are united.
pub(super) fn subtract(whole: &[Span], taken: &[Span]) -> Vec<Span> {
    let mut left = Vec::with_capacity(whole.len());
    let mut holes = taken.iter().copied().peekable();
    for span in whole {
        let mut start = span.start;
        while let Some(hole) = holes.next_if(|hole| hole.end <= span.end) {
            if start < hole.start {
                left.push(Span { start, end: hole.start });
            }
            start = start.max(hole.end);
        }
        // The next hole, if any, reaches beyond this span and may go on into the next one.
        let end = holes.peek().map_or(span.end, |hole| span.end.min(hole.start));
        if start < end {
            left.push(Span { start, end });
        }
    }
    left
}
