//! What the engine is asked. A value of these types can be answered whatever it holds; how large it may sensibly be is
//! for [`read`](super::read()) and for the callers to say.

use std::num::NonZeroU32;

use chrono::{DateTime, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;

/// A question to the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Which starts can be offered?
    Slots(SlotsInput),
    /// Who takes it?
    Assign(AssignInput),
}

/// A stretch of time, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first instant.
    pub start: DateTime<Utc>,
    /// The first instant that does not belong to it.
    pub end: DateTime<Utc>,
}

/// Which starts can be offered?
#[derive(Clone, Debug, PartialEq)]
pub struct SlotsInput {
    /// The time of the question.
    pub now: DateTime<Utc>,
    /// Starts are looked for from its start, before its end.
    pub range: Interval,
    /// The session to place.
    pub session: Session,
    /// Who must be free.
    pub mode: Mode,
    /// The staff who might take it.
    pub hosts: Vec<Host>,
    /// When the candidate cannot.
    pub candidate_busy: Vec<Interval>,
}

/// The session to place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its length.
    pub length_min: NonZeroU32,
    /// The grid of its starts.
    pub step: Step,
    /// Free time that each host needs before it.
    pub buffer_before_min: u32,
    /// Free time that each host needs after it.
    pub buffer_after_min: u32,
    /// The shortest time from now to its start.
    pub min_notice_min: u32,
    /// The zone on whose wall clock the grid lies; without it the lead's.
    pub grid_zone: Option<Tz>,
}

/// Minutes between two starts of the grid: a divisor of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(u16);

impl Step {
    /// None unless 1440 is a multiple of it.
    pub fn new(minutes: u16) -> Option<Self> {
        (minutes > 0 && 1440_u16.is_multiple_of(minutes)).then_some(Self(minutes))
    }

    /// In minutes.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

/// Who must be free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Any one lead.
    AnyLead,
    /// A lead and another person as observer.
    LeadAndObserver,
}

/// What somebody may be in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// May lead.
    pub lead: bool,
    /// May observe.
    pub observer: bool,
}

/// A member of the staff with rules, bookings and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Unique among the hosts.
    pub id: String,
    /// The zone of the rules, of the limits and (without a grid zone) of the grid.
    pub zone: Tz,
    /// What the host may be.
    pub roles: Roles,
    /// Windows of each week.
    pub weekly: Vec<WeeklyRule>,
    /// Dates with windows of their own.
    pub overrides: Vec<DateOverride>,
    /// Absences.
    pub time_off: Vec<Interval>,
    /// Sessions that the host has, or had.
    pub bookings: Vec<Booking>,
    /// Most sessions that start on one local date.
    pub max_per_day: Option<u32>,
    /// Most sessions that start in one ISO week of local dates.
    pub max_per_week: Option<u32>,
}

/// When somebody can, by their own wall clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// The zone of the rules.
    pub zone: Tz,
    /// Windows of each week.
    pub weekly: Vec<WeeklyRule>,
    /// Dates with windows of their own.
    pub overrides: Vec<DateOverride>,
}

/// A window on some days of each week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeeklyRule {
    /// On which days it starts.
    pub days: Vec<Weekday>,
    /// The window.
    pub window: LocalWindow,
}

/// The windows that start on one date, instead of the weekly ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateOverride {
    /// The local date.
    pub date: NaiveDate,
    /// None: closed.
    pub intervals: Vec<LocalWindow>,
}

/// A window on the wall clock; unless the end is later than the start, it ends on the next date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalWindow {
    /// When it opens.
    pub start: WallTime,
    /// When it closes.
    pub end: WallTime,
}

/// Minutes on the wall clock, 00:00 to 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime(u16);

impl WallTime {
    /// None past 24:00.
    pub fn new(minutes: u16) -> Option<Self> {
        (minutes <= 1440).then_some(Self(minutes))
    }

    /// Reads `HH:MM`.
    pub fn parse(text: &str) -> Option<Self> {
        let &[h1, h2, b':', m1, m2] = text.as_bytes() else { return None };
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
        let (hours, minutes) = (digit(h1)? * 10 + digit(h2)?, digit(m1)? * 10 + digit(m2)?);
        if minutes < 60 { Self::new(hours * 60 + minutes) } else { None }
    }

    /// Since 00:00.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

/// A session of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Without buffers.
    pub during: Interval,
    /// Its own buffer before.
    pub buffer_before_min: u32,
    /// Its own buffer after.
    pub buffer_after_min: u32,
    /// Where it stands.
    pub state: BookingState,
    /// When a hold lapses; none: never.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Booking {
    /// Does it take the host's time, and a place in the limits?
    pub fn blocks(&self, now: DateTime<Utc>) -> bool {
        match self.state {
            BookingState::Confirmed | BookingState::Completed | BookingState::NoShow => true,
            BookingState::Held => self.expires_at.is_none_or(|expires| expires > now),
            BookingState::Other => false,
        }
    }
}

/// Where a booking stands, as far as the engine cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookingState {
    /// Agreed.
    Confirmed,
    /// Held until `expires_at`.
    Held,
    /// Took place.
    Completed,
    /// Somebody did not come.
    NoShow,
    /// Anything else (cancelled, expired, …): takes no time.
    Other,
}

/// Who takes it?
#[derive(Clone, Debug, PartialEq)]
pub struct AssignInput {
    /// All hosts of the track, those who are not free too.
    pub pool: Vec<Member>,
    /// Former assignments; those of people outside the pool count for nobody.
    pub history: Vec<Assignment>,
    /// What is to be assigned, one after the other.
    pub requests: Vec<Request>,
    /// Does each pick become an assignment for the next request?
    pub record: bool,
    /// How far back assignments count as load.
    pub lookback_days: u32,
}

/// A host of the track.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Unique in the pool.
    pub id: String,
    /// The share of the work, relative to the sum of all weights.
    pub weight: u32,
    /// Higher goes first among equals.
    pub priority: i32,
    /// When the host came.
    pub joined_at: Option<DateTime<Utc>>,
    /// Absences, both ends included.
    pub absences: Vec<Interval>,
}

/// A former assignment.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// To whom.
    pub host: String,
    /// When it was assigned.
    pub assigned_at: DateTime<Utc>,
    /// Does it count as load? Not if it was cancelled early or expired.
    pub counts: bool,
}

/// Something to assign.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// When.
    pub at: DateTime<Utc>,
    /// Who could take it; none: everybody in the pool.
    pub available: Option<Vec<String>>,
}
