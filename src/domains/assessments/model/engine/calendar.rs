//! One host's time: united windows, and what forbids a start.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use super::input::{Booking, Host, Interval, LocalWindow, SlotsInput};
use super::span::{Span, ceil, subtract, unite};
use super::zone::{DAY, Offsets};

const MINUTE: i64 = 60;
/// 1970-01-01 in chrono's count of days.
const EPOCH_FROM_CE: i32 = 719_163;

/// The numbers of a question, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The starts that are asked for and not too soon.
    pub starts: Span,
    /// The starts that are asked for.
    pub range: Span,
    /// The first start with enough notice.
    pub earliest: i64,
    pub length: i64,
    pub before: i64,
    pub after: i64,
    pub step: i64,
}

impl Frame {
    pub fn new(input: &SlotsInput) -> Self {
        let session = &input.session;
        let range = Span { start: ceil(input.range.start), end: ceil(input.range.end) };
        let earliest = ceil(input.now) + i64::from(session.min_notice_min) * MINUTE;
        Self {
            starts: Span { start: range.start.max(earliest), end: range.end },
            range,
            earliest,
            length: i64::from(session.length_min.get()) * MINUTE,
            before: i64::from(session.buffer_before_min) * MINUTE,
            after: i64::from(session.buffer_after_min) * MINUTE,
            step: i64::from(session.step.minutes()) * MINUTE,
        }
    }

    /// Where the wall clocks matter: the sessions that can be offered, and the weeks of their starts.
    pub fn horizon(&self) -> Span {
        Span {
            start: self.range.start - 9 * DAY,
            end: self.range.end.max(self.range.start) + self.length + 9 * DAY,
        }
    }
}

/// What forbids a start.
#[derive(Clone, Copy, Debug)]
pub(super) enum Taken<'a> {
    Booking(&'a Booking),
    TimeOff(Interval),
    CandidateBusy(Interval),
    DayFull { limit: u32 },
    WeekFull { limit: u32 },
}

/// One host's time, in starts.
#[derive(Debug)]
pub(super) struct Calendar<'a> {
    pub windows: Vec<Span>,
    /// Starts that are forbidden, each with its reason.
    pub taken: Vec<(Span, Taken<'a>)>,
}

impl<'a> Calendar<'a> {
    pub fn new(input: &'a SlotsInput, frame: &Frame, host: &'a Host, offsets: &Offsets) -> Self {
        let mut taken = Vec::with_capacity(host.bookings.len() + host.time_off.len());
        for &busy in &input.candidate_busy {
            taken.push((Span::from(busy).starts_in_conflict(0, frame.length), Taken::CandidateBusy(busy)));
        }
        for &off in &host.time_off {
            let forbidden = Span::from(off).starts_in_conflict(frame.before, frame.length + frame.after);
            taken.push((forbidden, Taken::TimeOff(off)));
        }
        let blocking = || host.bookings.iter().filter(|booking| booking.blocks(input.now));
        for booking in blocking() {
            let forbidden = blocked(booking).starts_in_conflict(frame.before, frame.length + frame.after);
            taken.push((forbidden, Taken::Booking(booking)));
        }
        let horizon = frame.horizon();
        let dates: Vec<i64> = blocking()
            .map(|booking| booking.during.start.timestamp())
            .filter(|start| horizon.contains(*start))
            .map(|start| offsets.date(start))
            .collect();
        if let Some(limit) = host.max_per_day {
            let full = full(offsets, &dates, limit, 1, 0);
            taken.extend(full.into_iter().map(|span| (span, Taken::DayFull { limit })));
        }
        if let Some(limit) = host.max_per_week {
            // 1970-01-01 was a Thursday.
            let full = full(offsets, &dates, limit, 7, 3);
            taken.extend(full.into_iter().map(|span| (span, Taken::WeekFull { limit })));
        }
        taken.retain(|(span, _)| !span.meet(frame.range).is_empty());
        Self { windows: windows(host, frame, offsets), taken }
    }

    /// The starts that the host can take.
    pub fn starts(&self, frame: &Frame) -> Vec<Span> {
        let possible =
            self.windows.iter().map(|window| window.starts_within(frame.length).meet(frame.starts));
        let possible: Vec<Span> = possible.filter(|span| !span.is_empty()).collect();
        subtract(&possible, &unite(self.taken.iter().map(|(span, _)| *span).collect()))
    }

    /// Does a session that starts then lie within one window?
    pub fn is_open(&self, frame: &Frame, start: i64) -> bool {
        let after = self.windows.partition_point(|window| window.start <= start);
        let window = after.checked_sub(1).and_then(|at| self.windows.get(at));
        window.is_some_and(|window| window.starts_within(frame.length).contains(start))
    }
}

/// What a booking blocks, with its own buffers.
pub(super) fn blocked(booking: &Booking) -> Span {
    let during = Span::from(booking.during);
    Span {
        start: during.start - i64::from(booking.buffer_before_min) * MINUTE,
        end: during.end + i64::from(booking.buffer_after_min) * MINUTE,
    }
}

/// The stretches of local dates, in groups of `length` days shifted by `shift`, that hold `limit` bookings or more.
fn full(offsets: &Offsets, dates: &[i64], limit: u32, length: i64, shift: i64) -> Vec<Span> {
    if limit == 0 {
        return vec![Span::ALWAYS];
    }
    let mut counts: BTreeMap<i64, u32> = BTreeMap::new();
    for date in dates {
        *counts.entry((date + shift).div_euclid(length)).or_default() += 1;
    }
    let full = counts.into_iter().filter(|(_, count)| *count >= limit);
    full.flat_map(|(group, _)| {
        let first = group * length - shift;
        offsets.stretches(Span { start: first * DAY, end: (first + length) * DAY })
    })
    .collect()
}

/// The united windows that a start of the range can lie in.
fn windows(host: &Host, frame: &Frame, offsets: &Offsets) -> Vec<Span> {
    let mut weekly: [Vec<LocalWindow>; 7] = Default::default();
    for rule in &host.weekly {
        for day in &rule.days {
            if let Some(windows) = weekly.get_mut(day.num_days_from_monday() as usize) {
                windows.push(rule.window);
            }
        }
    }
    let mut overrides: BTreeMap<i64, Vec<LocalWindow>> = BTreeMap::new();
    for special in &host.overrides {
        overrides.entry(days_since_epoch(special.date)).or_default().extend(&special.intervals);
    }
    let mut windows = Vec::new();
    if frame.range.is_empty() {
        return windows;
    }
    // A window may have begun on the date before, and an offset may shift dates by one more.
    let first = offsets.date(frame.range.start) - 2;
    let last = offsets.date(frame.range.end + frame.length) + 1;
    for date in first..=last {
        let of_week = || weekly.get((date + 3).rem_euclid(7) as usize);
        let Some(of_date) = overrides.get(&date).or_else(of_week) else { continue };
        if of_date.is_empty() || !offsets.has_date(date) {
            continue;
        }
        for window in of_date {
            let (opens, closes) = (i64::from(window.start.minutes()), i64::from(window.end.minutes()));
            let end_date = if closes <= opens { date + 1 } else { date };
            windows.push(Span {
                start: offsets.instant(date * DAY + opens * MINUTE),
                end: offsets.instant(end_date * DAY + closes * MINUTE),
            });
        }
    }
    unite(windows)
}

fn days_since_epoch(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce() - EPOCH_FROM_CE)
}
