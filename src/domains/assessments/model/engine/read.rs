//! JSON to a checked [`Input`]: every fault at once, each with its pointer.

use std::collections::HashSet;
use std::num::NonZeroU32;

use assay_kernel::error::FieldErrors;
use assay_kernel::{Code, Error, Result};
use chrono::Weekday;
use serde_json::Value;

use super::fields::{
    At, Fields, MAX_ITEMS, MAX_MINUTES, date, flag, id, instant, integer, list, refuse, text, word, zone,
};
use super::input::{
    AssignInput, Assignment, Availability, Booking, BookingState, DateOverride, Host, Input, Interval,
    LocalWindow, Member, Mode, Request, Roles, Session, SlotsInput, Step, WeeklyRule,
};

/// Longest range of a question.
const MAX_RANGE_DAYS: i64 = 400;
/// The range lies in these years: the zones are known for them.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2099;
const MAX_HOSTS: usize = 2_000;
/// Most grid starts, windows or shares that a question may make the engine look at, over all hosts.
const MAX_WORK: u64 = 10_000_000;
/// Longest notice: a year.
const MAX_NOTICE_MINUTES: i64 = 527_040;
const MAX_LOOKBACK_DAYS: i64 = 36_500;
const MAX_WEIGHT: i64 = 1_000_000;

/// Reads a question: one with `pool` asks for picks, any other for slots.
///
/// # Errors
/// `malformed_request` when it is not a JSON object, `invalid_fields` with everything that is wrong.
pub fn read(bytes: &[u8]) -> Result<Input> {
    let malformed = |detail: String| Error::new(Code::MalformedRequest, detail);
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| malformed(format!("The input is not JSON: {error}.")))?;
    let Value::Object(object) = &value else {
        return Err(malformed("The input must be a JSON object.".to_owned()));
    };
    let mut faults = FieldErrors::new();
    let input = if object.contains_key("pool") {
        assign_input(&value, At::Root, &mut faults).map(Input::Assign)
    } else {
        slots_input(&value, At::Root, &mut faults).map(Input::Slots)
    };
    faults.finish()?;
    input.ok_or_else(|| Error::internal("a value was refused without a fault"))
}

/// Most weekly rules, and most date overrides, that somebody keeps.
const MAX_RULES: usize = 100;
const MAX_OVERRIDES: usize = 400;

/// Reads `{zone, weekly, overrides}`, as an assessor keeps them.
///
/// # Errors
/// `invalid_fields` with everything that is wrong.
pub fn read_availability(value: &Value) -> Result<Availability> {
    let mut faults = FieldErrors::new();
    let found = availability(value, At::Root, &mut faults);
    faults.finish()?;
    found.ok_or_else(|| Error::internal("a value was refused without a fault"))
}

fn availability(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Availability> {
    let mut fields = Fields::of(value, at, faults, &["zone", "weekly", "overrides"])?;
    let zone = fields.required("zone", zone);
    let weekly =
        fields.required("weekly", |value, at, faults| list(value, at, faults, MAX_RULES, weekly_rule));
    let overrides = fields
        .optional("overrides", |value, at, faults| list(value, at, faults, MAX_OVERRIDES, date_override));
    Some(Availability { zone: zone?, weekly: weekly?, overrides: overrides?.unwrap_or_default() })
}

fn weekday(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Weekday> {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let days =
        [("mon", Mon), ("tue", Tue), ("wed", Wed), ("thu", Thu), ("fri", Fri), ("sat", Sat), ("sun", Sun)];
    word(value, at, faults, &days)
}

fn interval(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Interval> {
    Fields::of(value, at, faults, &["start", "end"])?.interval("start", "end")
}

fn window(value: &Value, at: At, faults: &mut FieldErrors) -> Option<LocalWindow> {
    Fields::of(value, at, faults, &["start", "end"])?.window()
}

fn weekly_rule(value: &Value, at: At, faults: &mut FieldErrors) -> Option<WeeklyRule> {
    let mut fields = Fields::of(value, at, faults, &["days", "start", "end"])?;
    let days = fields.list("days", weekday);
    let window = fields.window();
    Some(WeeklyRule { days: days?, window: window? })
}

fn date_override(value: &Value, at: At, faults: &mut FieldErrors) -> Option<DateOverride> {
    let mut fields = Fields::of(value, at, faults, &["date", "intervals"])?;
    let (date, intervals) = (fields.required("date", date), fields.list("intervals", window));
    Some(DateOverride { date: date?, intervals: intervals? })
}

const BLOCKING: [(&str, BookingState); 4] = [
    ("confirmed", BookingState::Confirmed),
    ("completed", BookingState::Completed),
    ("no_show", BookingState::NoShow),
    ("held", BookingState::Held),
];

/// Any other state takes no time, so a slip in one that does would book a host twice: it is refused.
fn booking_state(value: &Value, at: At, faults: &mut FieldErrors) -> Option<BookingState> {
    let text = text(value, at, faults)?;
    let plain = |text: &str| text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "");
    match BLOCKING.iter().find(|(word, _)| plain(word) == plain(text)) {
        Some((word, state)) if *word == text => Some(*state),
        Some((word, _)) => refuse(at, faults, "unknown_value", format!("must be written {word}")),
        None if plain(text).is_empty() => refuse(at, faults, "unknown_value", "must name a state"),
        None => Some(BookingState::Other),
    }
}

fn booking(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Booking> {
    const KNOWN: &[&str] = &["start", "end", "buffer_before_min", "buffer_after_min", "state", "expires_at"];
    let mut fields = Fields::of(value, at, faults, KNOWN)?;
    let during = fields.interval("start", "end");
    let (before, after) = (fields.minutes("buffer_before_min"), fields.minutes("buffer_after_min"));
    let state = fields.optional("state", booking_state);
    let expires_at = fields.optional("expires_at", instant);
    Some(Booking {
        during: during?,
        buffer_before_min: before?,
        buffer_after_min: after?,
        state: state?.unwrap_or(BookingState::Confirmed),
        expires_at: expires_at?,
    })
}

fn role(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Roles> {
    const LEAD: Roles = Roles { lead: true, observer: false };
    const OBSERVER: Roles = Roles { lead: false, observer: true };
    word(value, at, faults, &[("lead", LEAD), ("observer", OBSERVER)])
}

fn limit(value: &Value, at: At, faults: &mut FieldErrors) -> Option<u32> {
    integer(value, at, faults, 0, i64::from(u32::MAX)).and_then(|limit| u32::try_from(limit).ok())
}

fn host(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Host> {
    const KNOWN: &[&str] = &[
        "id",
        "zone",
        "roles",
        "weekly",
        "overrides",
        "time_off",
        "bookings",
        "max_per_day",
        "max_per_week",
    ];
    let mut fields = Fields::of(value, at, faults, KNOWN)?;
    let (id, zone) = (fields.required("id", id), fields.required("zone", zone));
    let roles = fields.optional("roles", |value, at, faults| {
        let roles = list(value, at, faults, MAX_ITEMS, role)?;
        Some(Roles { lead: roles.iter().any(|r| r.lead), observer: roles.iter().any(|r| r.observer) })
    });
    let weekly = fields.list("weekly", weekly_rule);
    let overrides = fields.list_or_none("overrides", date_override);
    let time_off = fields.list_or_none("time_off", interval);
    let bookings = fields.list_or_none("bookings", booking);
    let (max_per_day, max_per_week) =
        (fields.optional("max_per_day", limit), fields.optional("max_per_week", limit));
    Some(Host {
        id: id?,
        zone: zone?,
        roles: roles?.unwrap_or(Roles { lead: true, observer: false }),
        weekly: weekly?,
        overrides: overrides?,
        time_off: time_off?,
        bookings: bookings?,
        max_per_day: max_per_day?,
        max_per_week: max_per_week?,
    })
}

fn range(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Interval> {
    use chrono::Datelike;
    let range = Fields::of(value, at, faults, &["from", "to"])?.interval("from", "to")?;
    if (range.end - range.start).num_days() > MAX_RANGE_DAYS {
        return refuse(
            At::Field(&at, "to"),
            faults,
            "out_of_range",
            format!("more than {MAX_RANGE_DAYS} days after `from`"),
        );
    }
    if !YEARS.contains(&range.start.year()) || !YEARS.contains(&range.end.year()) {
        let detail = format!("must lie in the years {} to {}", YEARS.start(), YEARS.end());
        return refuse(at, faults, "out_of_range", detail);
    }
    Some(range)
}

fn session(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Session> {
    const KNOWN: &[&str] =
        &["length_min", "step_min", "buffer_before_min", "buffer_after_min", "min_notice_min", "grid_zone"];
    let mut fields = Fields::of(value, at, faults, KNOWN)?;
    let length = fields.integer("length_min", 1, MAX_MINUTES);
    let step = fields.required("step_min", |value, at, faults| {
        let minutes = integer(value, at, faults, 1, 1440)?;
        let step = u16::try_from(minutes).ok().and_then(Step::new);
        step.or_else(|| refuse(at, faults, "out_of_range", "must divide 1440"))
    });
    let (before, after) = (fields.minutes("buffer_before_min"), fields.minutes("buffer_after_min"));
    let notice = fields.integer("min_notice_min", 0, MAX_NOTICE_MINUTES);
    let grid_zone = fields.optional("grid_zone", zone);
    Some(Session {
        length_min: NonZeroU32::new(u32::try_from(length?).ok()?)?,
        step: step?,
        buffer_before_min: before?,
        buffer_after_min: after?,
        min_notice_min: u32::try_from(notice?).ok()?,
        grid_zone: grid_zone?,
    })
}

/// Notes each id that was there before; `ids` are the ids of `list`'s items.
fn unique<'a>(ids: impl Iterator<Item = &'a str>, list: At, faults: &mut FieldErrors) {
    let mut seen = HashSet::new();
    for (index, id) in ids.enumerate() {
        if !seen.insert(id) {
            refuse::<()>(
                At::Field(&At::Item(&list, index), "id"),
                faults,
                "duplicate",
                format!("{id} is there twice"),
            );
        }
    }
}

fn slots_input(value: &Value, at: At, faults: &mut FieldErrors) -> Option<SlotsInput> {
    const MODES: [(&str, Mode); 2] =
        [("any_lead", Mode::AnyLead), ("lead_and_observer", Mode::LeadAndObserver)];
    let mut fields =
        Fields::of(value, at, faults, &["now", "range", "session", "mode", "hosts", "candidate_busy"])?;
    let (now, range) = (fields.required("now", instant), fields.required("range", range));
    let session = fields.required("session", session);
    let mode = fields.required("mode", |value, at, faults| word(value, at, faults, &MODES));
    let hosts = fields.required("hosts", |value, at, faults| {
        let hosts = list(value, at, faults, MAX_HOSTS, host)?;
        unique(hosts.iter().map(|host| host.id.as_str()), at, faults);
        Some(hosts)
    });
    let candidate_busy = fields.list_or_none("candidate_busy", interval);
    let input = SlotsInput {
        now: now?,
        range: range?,
        session: session?,
        mode: mode?,
        hosts: hosts?,
        candidate_busy: candidate_busy?,
    };
    if work(&input) > MAX_WORK {
        let detail = "too many starts or windows over all hosts: shorten the range, or widen the step";
        return refuse(At::Field(&at, "range"), faults, "out_of_range", detail);
    }
    Some(input)
}

/// The grid starts and windows that the engine may have to look at.
fn work(input: &SlotsInput) -> u64 {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let days = u64::try_from((input.range.end - input.range.start).num_days()).unwrap_or_default() + 10;
    let starts_a_day = u64::from(1440 / input.session.step.minutes());
    let of_host = |host: &Host| {
        let weekly: usize = host.weekly.iter().map(|rule| rule.days.len()).sum();
        starts_a_day + count(weekly) / 7 + count(input.candidate_busy.len()) / days
    };
    days.saturating_mul(input.hosts.iter().map(of_host).sum())
}

fn member(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Member> {
    let mut fields = Fields::of(value, at, faults, &["id", "weight", "priority", "joined_at", "absences"])?;
    let id = fields.required("id", id);
    let weight = fields.optional("weight", |value, at, faults| integer(value, at, faults, 0, MAX_WEIGHT));
    let priority =
        fields.optional("priority", |value, at, faults| integer(value, at, faults, -1_000_000, 1_000_000));
    let joined_at = fields.optional("joined_at", instant);
    let absences = fields.list_or_none("absences", interval);
    Some(Member {
        id: id?,
        weight: u32::try_from(weight?.unwrap_or(100)).ok()?,
        priority: i32::try_from(priority?.unwrap_or(2)).ok()?,
        joined_at: joined_at?,
        absences: absences?,
    })
}

fn assignment(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Assignment> {
    let mut fields = Fields::of(value, at, faults, &["host", "assigned_at", "state"])?;
    let (host, assigned_at) = (fields.required("host", id), fields.required("assigned_at", instant));
    let state = fields.optional("state", id);
    let counts = state?.is_none_or(|state| !matches!(state.as_str(), "cancelled_early" | "expired"));
    Some(Assignment { host: host?, assigned_at: assigned_at?, counts })
}

fn request(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Request> {
    let mut fields = Fields::of(value, at, faults, &["at", "available"])?;
    let requested_at = fields.required("at", instant);
    let available = fields.optional("available", |value, at, faults| list(value, at, faults, MAX_HOSTS, id));
    Some(Request { at: requested_at?, available: available? })
}

fn assign_input(value: &Value, at: At, faults: &mut FieldErrors) -> Option<AssignInput> {
    let mut fields =
        Fields::of(value, at, faults, &["pool", "history", "requests", "record", "lookback_days"])?;
    let pool = fields.required("pool", |value, at, faults| {
        let pool = list(value, at, faults, MAX_HOSTS, member)?;
        unique(pool.iter().map(|member| member.id.as_str()), at, faults);
        Some(pool)
    });
    let history = fields.list_or_none("history", assignment);
    let requests = fields.list("requests", request);
    let record = fields.optional("record", flag);
    let lookback = fields
        .optional("lookback_days", |value, at, faults| integer(value, at, faults, 0, MAX_LOOKBACK_DAYS));
    let input = AssignInput {
        pool: pool?,
        history: history?,
        requests: requests?,
        record: record?.unwrap_or(false),
        lookback_days: u32::try_from(lookback?.unwrap_or(30)).ok()?,
    };
    let known: HashSet<&str> = input.pool.iter().map(|member| member.id.as_str()).collect();
    let requests_at = At::Field(&at, "requests");
    for (index, request) in input.requests.iter().enumerate() {
        for (place, id) in request.available.iter().flatten().enumerate() {
            if !known.contains(id.as_str()) {
                let item = At::Item(&requests_at, index);
                let list = At::Field(&item, "available");
                refuse::<()>(
                    At::Item(&list, place),
                    faults,
                    "unknown_value",
                    format!("{id} is not in the pool"),
                );
            }
        }
    }
    let members_and_absences: usize = input.pool.iter().map(|member| 1 + member.absences.len()).sum();
    if (members_and_absences as u64).saturating_mul(input.requests.len() as u64) > MAX_WORK / 5 {
        return refuse(requests_at, faults, "too_long", "too many requests for a pool of this size");
    }
    Some(input)
}
