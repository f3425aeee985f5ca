//! Wall clocks: the offsets of a zone over a stretch of time, and the two directions between them and UTC.
//!
//! chrono-tz knows the offset of an instant; what a gap means (RFC 5545 3.3.5) it leaves to the caller. A table of the
//! few offsets that a question touches answers both directions, the grid and whole dates with plain arithmetic.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::span::Span;

/// Seconds of a date.
pub(super) const DAY: i64 = 86_400;

/// A stretch of UTC with one offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Regime {
    pub utc: Span,
    /// Seconds east of UTC.
    pub offset: i64,
}

impl Regime {
    /// Its stretch on the wall clock.
    fn local(self) -> Span {
        Span { start: self.utc.start + self.offset, end: self.utc.end + self.offset }
    }
}

/// The offsets of a zone, one after the other and without holes. Outside the stretch it was made for, the first and
/// the last go on for ever.
#[derive(Debug)]
pub(super) struct Offsets(Vec<Regime>);

impl Offsets {
    /// The offsets between two instants.
    pub fn new(zone: Tz, over: Span) -> Self {
        let mut regimes = Vec::new();
        let (mut start, mut offset) = (Span::ALWAYS.start, offset_at(zone, over.start));
        let mut seen = over.start;
        // Changes of an offset lie days apart (the closest since 1900: 95 hours), so a look per day finds each.
        while seen < over.end {
            let next = seen + DAY;
            let after = offset_at(zone, next);
            if after != offset {
                let change = first_with(zone, after, seen, next);
                regimes.push(Regime { utc: Span { start, end: change }, offset });
                (start, offset) = (change, after);
            }
            seen = next;
        }
        regimes.push(Regime { utc: Span { start, end: Span::ALWAYS.end }, offset });
        Self(regimes)
    }

    /// The wall clock at an instant, as seconds since 1970-01-01T00:00:00 of that clock.
    pub fn local(&self, instant: i64) -> i64 {
        let passed = self.0.partition_point(|regime| regime.utc.end <= instant);
        instant + self.0.get(passed).map_or(0, |regime| regime.offset)
    }

    /// The local date of an instant, in days since 1970-01-01.
    pub fn date(&self, instant: i64) -> i64 {
        self.local(instant).div_euclid(DAY)
    }

    /// The instant of a wall-clock time: the first of two; where there is none, by the offset before the gap.
    pub fn instant(&self, local: i64) -> i64 {
        let passed = self.0.partition_point(|regime| regime.local().end <= local);
        let in_gap = self.0.get(passed).is_none_or(|regime| local < regime.local().start);
        let regime = if in_gap { self.0.get(passed.saturating_sub(1)) } else { self.0.get(passed) };
        local - regime.map_or(0, |regime| regime.offset)
    }

    /// The stretches of UTC whose wall clock reads between two times.
    pub fn stretches(&self, local: Span) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().filter_map(move |regime| {
            let utc =
                Span { start: local.start - regime.offset, end: local.end - regime.offset }.meet(regime.utc);
            (!utc.is_empty()).then_some(utc)
        })
    }

    /// Does the wall clock ever show this date?
    pub fn has_date(&self, date: i64) -> bool {
        self.stretches(Span { start: date * DAY, end: (date + 1) * DAY }).next().is_some()
    }

    /// The first instant of each regime and its offset, within a span.
    pub fn within(&self, span: Span) -> impl Iterator<Item = Regime> + '_ {
        let passed = self.0.partition_point(|regime| regime.utc.end <= span.start);
        self.0
            .iter()
            .skip(passed)
            .take_while(move |regime| regime.utc.start < span.end)
            .map(move |regime| Regime { utc: regime.utc.meet(span), offset: regime.offset })
    }
}

fn offset_at(zone: Tz, instant: i64) -> i64 {
    let instant = DateTime::from_timestamp(instant, 0).unwrap_or_default();
    i64::from(zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc())
}

/// The first second of (low, high] with an offset that holds from there to `high`.
fn first_with(zone: Tz, offset: i64, mut low: i64, mut high: i64) -> i64 {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if offset_at(zone, middle) == offset { high = middle } else { low = middle }
    }
    high
}
