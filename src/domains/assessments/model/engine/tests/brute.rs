//! The rules S1 to S16 read word by word: every minute of every host, with chrono's own calendar and zones. It shares
//! nothing with the engine but the types of the question.

use std::collections::BTreeSet;

use chrono::{
    DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;

use super::super::input::{Booking, BookingState, Host, LocalWindow, Mode, SlotsInput};
use super::Plain;

const MARGIN_DAYS: i64 = 4;

/// Each whole minute that matters, from some days before the range to some days after it.
struct Minutes {
    first: DateTime<Utc>,
    count: usize,
}

impl Minutes {
    fn of(input: &SlotsInput) -> Self {
        let first = input.range.start - TimeDelta::days(MARGIN_DAYS);
        let last = input.range.end
            + TimeDelta::days(MARGIN_DAYS)
            + TimeDelta::minutes(input.session.length_min.get().into());
        Self { first, count: usize::try_from((last - first).num_minutes()).unwrap() }
    }

    fn at(&self, minute: usize) -> DateTime<Utc> {
        self.first + TimeDelta::minutes(minute.try_into().unwrap())
    }

    /// Marks the minutes of [from, to).
    fn mark(&self, marks: &mut [bool], from: DateTime<Utc>, to: DateTime<Utc>) {
        for (minute, mark) in marks.iter_mut().enumerate() {
            let at = self.at(minute);
            *mark |= from <= at && at < to;
        }
    }

    fn index(&self, at: DateTime<Utc>) -> usize {
        usize::try_from((at - self.first).num_minutes()).unwrap()
    }
}

/// S3.
fn resolve(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(only) => only.to_utc(),
        LocalResult::Ambiguous(first, second) => first.min(second).to_utc(),
        LocalResult::None => {
            // Back, minute by minute, to the last time that exists: the offset before the gap.
            let mut existing = local;
            let mut gone = 0;
            loop {
                existing -= TimeDelta::minutes(1);
                gone += 1;
                if let Some(last) = zone.from_local_datetime(&existing).latest() {
                    return last.to_utc() + TimeDelta::minutes(gone);
                }
            }
        }
    }
}

fn wall(date: NaiveDate, minutes: u16) -> NaiveDateTime {
    date.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(minutes.into())
}

/// S1 to S5: is the host there, minute by minute?
fn open(minutes: &Minutes, host: &Host) -> Vec<bool> {
    let mut open = vec![false; minutes.count];
    // S4: the dates that the host's calendar really shows.
    let shown: BTreeSet<NaiveDate> =
        (0..minutes.count).map(|minute| minutes.at(minute).with_timezone(&host.zone).date_naive()).collect();
    for &date in &shown {
        let mut windows: Vec<LocalWindow> = Vec::new();
        if host.overrides.iter().any(|special| special.date == date) {
            for special in host.overrides.iter().filter(|special| special.date == date) {
                windows.extend(special.intervals.iter().copied());
            }
        } else {
            for rule in host.weekly.iter().filter(|rule| rule.days.contains(&date.weekday())) {
                windows.push(rule.window);
            }
        }
        for window in windows {
            let ends_on =
                if window.end.minutes() <= window.start.minutes() { date + Days::new(1) } else { date };
            let from = resolve(host.zone, wall(date, window.start.minutes()));
            let to = resolve(host.zone, wall(ends_on, window.end.minutes()));
            minutes.mark(&mut open, from, to);
        }
    }
    open
}

/// S10.
fn blocks(booking: &Booking, now: DateTime<Utc>) -> bool {
    match booking.state {
        BookingState::Confirmed | BookingState::Completed | BookingState::NoShow => true,
        BookingState::Held => match booking.expires_at {
            Some(expires) => expires > now,
            None => true,
        },
        BookingState::Other => false,
    }
}

/// S11: is the host taken, minute by minute?
fn taken(minutes: &Minutes, input: &SlotsInput, host: &Host) -> Vec<bool> {
    let mut taken = vec![false; minutes.count];
    for booking in host.bookings.iter().filter(|booking| blocks(booking, input.now)) {
        let from = booking.during.start - TimeDelta::minutes(booking.buffer_before_min.into());
        let to = booking.during.end + TimeDelta::minutes(booking.buffer_after_min.into());
        minutes.mark(&mut taken, from, to);
    }
    for off in &host.time_off {
        minutes.mark(&mut taken, off.start, off.end);
    }
    taken
}

/// S12.
fn within_limits(input: &SlotsInput, host: &Host, start: DateTime<Utc>) -> bool {
    let date = |at: DateTime<Utc>| at.with_timezone(&host.zone).date_naive();
    let starts = || host.bookings.iter().filter(|b| blocks(b, input.now)).map(|b| b.during.start);
    let same_day = starts().filter(|at| date(*at) == date(start)).count();
    let same_week = starts().filter(|at| date(*at).iso_week() == date(start).iso_week()).count();
    host.max_per_day.is_none_or(|limit| same_day < limit as usize)
        && host.max_per_week.is_none_or(|limit| same_week < limit as usize)
}

struct Person<'a> {
    host: &'a Host,
    open: Vec<bool>,
    taken: Vec<bool>,
}

impl Person<'_> {
    fn is_free(&self, input: &SlotsInput, minutes: &Minutes, start: DateTime<Utc>) -> bool {
        let session = &input.session;
        let first = minutes.index(start);
        let last = first + session.length_min.get() as usize;
        let (before, after) = (session.buffer_before_min as usize, session.buffer_after_min as usize);
        self.open[first..last].iter().all(|open| *open)
            && self.taken[first - before..last + after].iter().all(|taken| !*taken)
            && within_limits(input, self.host, start)
    }

    /// S6.
    fn is_on_grid(&self, input: &SlotsInput, start: DateTime<Utc>) -> bool {
        let local = start.with_timezone(&input.session.grid_zone.unwrap_or(self.host.zone));
        local.second() == 0
            && (local.hour() * 60 + local.minute()).is_multiple_of(input.session.step.minutes().into())
    }
}

/// The offered starts.
pub(super) fn slots(input: &SlotsInput) -> Plain {
    let minutes = Minutes::of(input);
    let mut busy = vec![false; minutes.count];
    for interval in &input.candidate_busy {
        minutes.mark(&mut busy, interval.start, interval.end);
    }
    let hosts = input.hosts.iter();
    let hosts: Vec<Person> = hosts
        .map(|host| Person { host, open: open(&minutes, host), taken: taken(&minutes, input, host) })
        .collect();
    let mut answer = Plain::new();
    for minute in 0..minutes.count {
        let start = minutes.at(minute);
        // S8, S9, S15.
        if start < input.range.start || start >= input.range.end {
            continue;
        }
        if start < input.now + TimeDelta::minutes(input.session.min_notice_min.into()) {
            continue;
        }
        if busy[minute..minute + input.session.length_min.get() as usize].iter().any(|busy| *busy) {
            continue;
        }
        let lead = |h: &&Person| {
            h.host.roles.lead && h.is_on_grid(input, start) && h.is_free(input, &minutes, start)
        };
        let leads: Vec<&str> = hosts.iter().filter(lead).map(|h| h.host.id.as_str()).collect();
        if leads.is_empty() {
            continue;
        }
        let (leads, observers) = match input.mode {
            Mode::AnyLead => (leads, Vec::new()),
            Mode::LeadAndObserver => {
                let observer = |h: &&Person| h.host.roles.observer && h.is_free(input, &minutes, start);
                let observers: Vec<&str> =
                    hosts.iter().filter(observer).map(|h| h.host.id.as_str()).collect();
                let mut pairs = Vec::new();
                for lead in &leads {
                    pairs
                        .extend(observers.iter().filter(|other| *other != lead).map(|other| (*lead, *other)));
                }
                if pairs.is_empty() {
                    continue;
                }
                (pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect())
            }
        };
        // S13, S14, S16.
        let sorted = |ids: Vec<&str>| {
            ids.into_iter().map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
        };
        answer.insert(start.timestamp(), (sorted(leads), sorted(observers)));
    }
    answer
}
