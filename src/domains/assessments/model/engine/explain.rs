//! Why a start was not offered: each host against each start, rule by rule, by the same intervals as the sweep.

use std::collections::BTreeSet;

use assay_kernel::{Error, Result};
use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;

use super::calendar::{Calendar, Taken, blocked};
use super::input::{Host, Mode, SlotsInput};
use super::slots::{Slot, Slots, Staff, slots};
use super::span::Span;

/// Most answers of one explanation.
const MAX_VERDICTS: usize = 200_000;

/// The starts that are offered, and why each host is or is not among them.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation<'a> {
    /// What is offered.
    #[serde(flatten)]
    pub offered: Slots<'a>,
    /// Each host, by id.
    pub hosts: Vec<HostVerdicts<'a>>,
}

/// One host's answers.
#[derive(Clone, Debug, Serialize)]
pub struct HostVerdicts<'a> {
    /// Who.
    pub id: &'a str,
    /// The host's zone.
    pub zone: &'static str,
    /// One answer for each start.
    pub starts: Vec<Verdict>,
}

/// Why one start is or is not offered with one host.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The start.
    pub start: DateTime<Utc>,
    /// The host's wall clock then.
    pub local: Option<DateTime<FixedOffset>>,
    /// As what the host is offered: `lead`, `observer`.
    pub offered_as: Vec<&'static str>,
    /// What stands against it.
    pub why_not: Vec<Reason>,
}

/// Something that stands against a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// `outside_range`, `notice`, `off_grid`, `outside_availability`, `booking`, `time_off`, `candidate_busy`,
    /// `day_limit`, `week_limit`, `no_role`, `no_lead`, `no_observer`.
    pub code: &'static str,
    /// For a person.
    pub detail: String,
    /// When what stands against it begins, with buffers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
}

impl Reason {
    fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), from: None, to: None }
    }

    fn over(code: &'static str, detail: impl Into<String>, span: Span) -> Self {
        let [from, to] = [span.start, span.end].map(|second| DateTime::from_timestamp(second, 0));
        Self { code, detail: detail.into(), from, to }
    }
}

/// Explains one start, or every start of the grid in the range.
///
/// # Errors
/// `invalid_fields` when there would be too many answers.
pub fn explain(input: &SlotsInput, only: Option<DateTime<Utc>>) -> Result<Explanation<'_>> {
    let offered = slots(input);
    let staff = Staff::new(input);
    let whole_grid = || {
        let mut starts = BTreeSet::new();
        for lead in staff.hosts.iter().filter(|host| host.roles.lead) {
            staff.on_grid(lead, staff.frame.range, |start| {
                starts.insert(start);
            });
        }
        starts
    };
    let starts = only.map_or_else(whole_grid, |start| BTreeSet::from([start.timestamp()]));
    if starts.len().saturating_mul(input.hosts.len()) > MAX_VERDICTS {
        let detail = format!("more than {MAX_VERDICTS} answers: shorten the range or name one start");
        return Err(Error::invalid_field("/range", "out_of_range", detail));
    }
    let hosts = staff.hosts.iter().map(|host| HostVerdicts {
        id: &host.id,
        zone: host.zone.name(),
        starts: verdicts(input, &staff, host, &starts, &offered.slots),
    });
    let hosts = hosts.collect();
    Ok(Explanation { offered, hosts })
}

fn verdicts(
    input: &SlotsInput,
    staff: &Staff<'_>,
    host: &Host,
    starts: &BTreeSet<i64>,
    offered: &[Slot<'_>],
) -> Vec<Verdict> {
    let frame = &staff.frame;
    let Some(clock) = staff.clock(host) else { return Vec::new() };
    let calendar = Calendar::new(input, frame, host, clock);
    let verdict = |&second: &i64| {
        let start = DateTime::from_timestamp(second, 0).unwrap_or_default();
        let slot =
            offered.binary_search_by_key(&start, |slot| slot.start).ok().and_then(|at| offered.get(at));
        let mut offered_as = Vec::new();
        if slot.is_some_and(|slot| slot.leads.contains(&host.id.as_str())) {
            offered_as.push("lead");
        }
        if slot.and_then(|slot| slot.observers.as_ref()).is_some_and(|all| all.contains(&host.id.as_str())) {
            offered_as.push("observer");
        }
        let mut why_not = against(input, staff, host, &calendar, second);
        if why_not.is_empty() && offered_as.is_empty() {
            why_not = no_partner(input, staff, host, second);
        }
        let east = i32::try_from(clock.local(second) - second).ok().and_then(FixedOffset::east_opt);
        Verdict { start, local: east.map(|east| start.with_timezone(&east)), offered_as, why_not }
    };
    starts.iter().map(verdict).collect()
}

/// What stands against a start on the host's own side.
fn against(
    input: &SlotsInput,
    staff: &Staff<'_>,
    host: &Host,
    calendar: &Calendar<'_>,
    start: i64,
) -> Vec<Reason> {
    let frame = &staff.frame;
    if !frame.range.contains(start) {
        return vec![Reason::over(
            "outside_range",
            "The start lies outside the range that was asked for.",
            frame.range,
        )];
    }
    let mut reasons = Vec::new();
    if start < frame.earliest {
        let earliest = DateTime::from_timestamp(frame.earliest, 0);
        let detail =
            "The start is sooner than the notice allows; `to` is the first instant with enough notice.";
        reasons.push(Reason { to: earliest, ..Reason::new("notice", detail) });
    }
    if !calendar.is_open(frame, start) {
        let detail = "The session does not lie within one stretch of availability.";
        reasons.push(Reason::new("outside_availability", detail));
    }
    let taken = calendar.taken.iter().filter(|(span, _)| span.contains(start));
    reasons.extend(taken.map(|(_, taken)| describe(*taken)));
    let may_observe = input.mode == Mode::LeadAndObserver && host.roles.observer;
    if !host.roles.lead && !may_observe {
        reasons.push(Reason::new("no_role", "The host has no role that this session needs."));
    } else if !may_observe && !is_on_grid(staff, host, start) {
        reasons.push(Reason::new(
            "off_grid",
            "The start is not on the grid of the host's zone or of the grid zone.",
        ));
    }
    reasons
}

fn is_on_grid(staff: &Staff<'_>, lead: &Host, start: i64) -> bool {
    let mut found = false;
    staff.on_grid(lead, Span { start, end: start + 1 }, |_| found = true);
    found
}

fn describe(taken: Taken<'_>) -> Reason {
    match taken {
        Taken::Booking(booking) => {
            let (during, before, after) =
                (booking.during, booking.buffer_before_min, booking.buffer_after_min);
            let detail = format!(
                "A booking from {} to {} with {before} minutes before and {after} after leaves too little time.",
                stamp(during.start),
                stamp(during.end),
            );
            Reason::over("booking", detail, blocked(booking))
        }
        Taken::TimeOff(off) => {
            Reason::over("time_off", "The host is away during the session or its buffers.", off.into())
        }
        Taken::CandidateBusy(busy) => {
            Reason::over("candidate_busy", "The candidate is busy during the session.", busy.into())
        }
        Taken::DayFull { limit } => {
            let detail = format!("The host has the most sessions of a local date, {limit}, on that date.");
            Reason::new("day_limit", detail)
        }
        Taken::WeekFull { limit } => {
            let detail = format!("The host has the most sessions of a week, {limit}, in that ISO week.");
            Reason::new("week_limit", detail)
        }
    }
}

/// The host is free, and yet nobody else makes the pair.
fn no_partner(input: &SlotsInput, staff: &Staff<'_>, host: &Host, start: i64) -> Vec<Reason> {
    if input.mode == Mode::AnyLead {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    if host.roles.lead {
        reasons.push(match is_on_grid(staff, host, start) {
            true => Reason::new("no_observer", "Nobody else is free to observe."),
            false => Reason::new("off_grid", "As lead: the start is not on the host's grid."),
        });
    }
    if host.roles.observer {
        reasons.push(Reason::new("no_lead", "Nobody else on whose grid the start lies is free to lead."));
    }
    reasons
}

fn stamp(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
