//! The question to the slot engine: who of a track's people can when, for whom. Read path, holds, bookings and
//! explanations all ask it here.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_platform::db::Conn;
use assay_platform::policy::AssessmentPolicy;
use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use uuid::Uuid;

use super::Assessments;
use crate::model::BookingState;
use crate::model::engine::{
    self, AssignInput, Assignment, Booking, Host, Interval, Member, Mode, Request, Roles, Session, Slot,
    SlotsInput, Step,
};
use crate::store;
use crate::store::assessors::{PoolRow, TimeOffRow};
use crate::store::bookings::TakenRow;
use crate::store::conflicts::Conflict;

/// Sessions so far from the range still count for the limits of its weeks.
const AROUND: Duration = Duration::days(9);

/// What is wanted of a track's people.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The track.
    pub track: &'a str,
    /// The numbers that govern it.
    pub policy: &'a AssessmentPolicy,
    /// For whom; none for an overview.
    pub candidate: Option<AccountId>,
    /// Which starts.
    pub range: Interval,
    /// The booking that would be given up for it.
    pub given_up: Option<Uuid>,
}

/// A question with its people.
#[derive(Debug)]
pub struct Question {
    /// What the engine is asked.
    pub input: SlotsInput,
    /// Everybody of the track, by id, those who are left out of the question too.
    pub people: Vec<PoolRow>,
    /// What ties any of them to the candidate.
    pub conflicts: Vec<Conflict>,
    time_off: Vec<TimeOffRow>,
}

/// The id of a host as the engine knows it.
pub fn host_id(id: Uuid) -> String {
    id.to_string()
}

fn account(id: &str) -> Result<Uuid> {
    id.parse().map_err(Error::internal)
}

impl Question {
    /// Is the person left out: blocked, or tied to the candidate?
    pub fn leaves_out(&self, person: &PoolRow) -> bool {
        person.blocked || self.conflicts.iter().any(|conflict| conflict.assessor_id == person.id)
    }

    /// The starts that can be offered.
    pub fn starts(&self) -> Vec<DateTime<Utc>> {
        engine::slots(&self.input).slots.iter().map(|slot| slot.start).collect()
    }

    /// Who could take the first start that can be offered.
    pub fn first(&self) -> Option<Slot<'_>> {
        engine::slots(&self.input).slots.into_iter().next()
    }

    /// The people of the track with their share and absences, for the rule of assignment.
    pub fn members(&self) -> Vec<Member> {
        let member = |row: &PoolRow| Member {
            id: host_id(row.id),
            weight: u32::try_from(row.weight).unwrap_or(0),
            priority: row.priority,
            joined_at: Some(row.joined_at),
            absences: intervals(&self.time_off, row.id),
        };
        self.people.iter().map(member).collect()
    }
}

fn intervals(time_off: &[TimeOffRow], of: Uuid) -> Vec<Interval> {
    let mine = time_off.iter().filter(|row| row.assessor_id == of);
    mine.map(|row| Interval { start: row.starts_at, end: row.ends_at }).collect()
}

/// A host with the rules that they keep. `limits` are the policy's: one's own apply where they are lower.
pub fn host(
    row: &PoolRow,
    policy: &AssessmentPolicy,
    time_off: Vec<Interval>,
    bookings: Vec<Booking>,
) -> Result<Host> {
    let rules = json!({ "zone": row.zone, "weekly": row.weekly, "overrides": row.overrides });
    let rules = engine::read_availability(&rules).map_err(Error::internal)?;
    let limit = |own: Option<i32>, most: i32| u32::try_from(own.map_or(most, |own| own.min(most))).ok();
    Ok(Host {
        id: host_id(row.id),
        zone: rules.zone,
        roles: Roles { lead: row.lead, observer: row.observer },
        weekly: rules.weekly,
        overrides: rules.overrides,
        time_off,
        bookings,
        max_per_day: limit(row.max_per_day, policy.max_per_day),
        max_per_week: limit(row.max_per_week, policy.max_per_week),
    })
}

fn booking(row: &TakenRow) -> Result<Booking> {
    let state = match row.state.parse()? {
        BookingState::Held => engine::BookingState::Held,
        BookingState::Confirmed => engine::BookingState::Confirmed,
        BookingState::Completed => engine::BookingState::Completed,
        BookingState::NoShow => engine::BookingState::NoShow,
        _ => engine::BookingState::Other,
    };
    Ok(Booking {
        during: Interval { start: row.starts_at, end: row.ends_at },
        buffer_before_min: u32::try_from(row.before_min).unwrap_or(0),
        buffer_after_min: u32::try_from(row.after_min).unwrap_or(0),
        state,
        expires_at: row.expires_at,
    })
}

/// The session that a policy asks for.
pub fn session(policy: &AssessmentPolicy) -> Result<Session> {
    let step = u16::try_from(policy.step_minutes).ok().and_then(Step::new);
    let notice = policy.notice_hours.saturating_mul(60);
    Ok(Session {
        length_min: NonZeroU32::new(policy.session_minutes)
            .ok_or_else(|| Error::internal("a policy's session has no length"))?,
        step: step.ok_or_else(|| Error::internal("a policy's step does not divide the day"))?,
        buffer_before_min: policy.buffer_before_minutes,
        buffer_after_min: policy.buffer_after_minutes,
        min_notice_min: u32::try_from(notice).map_err(Error::internal)?,
        grid_zone: None,
    })
}

/// One start.
pub fn at(start: DateTime<Utc>) -> Interval {
    Interval { start, end: start + Duration::seconds(1) }
}

/// Where sessions matter to a range.
fn around(wanted: &Wanted<'_>) -> (DateTime<Utc>, DateTime<Utc>) {
    (wanted.range.start - AROUND, wanted.range.end + AROUND)
}

/// Reads the sessions of a question's people anew: in one statement, since locks may be held.
pub async fn read_sessions(conn: &mut Conn, wanted: &Wanted<'_>, question: &mut Question) -> Result<()> {
    let ids: Vec<Uuid> = question.people.iter().map(|row| row.id).collect();
    let mut taken: HashMap<Uuid, Vec<Booking>> = HashMap::new();
    for row in store::bookings::taken(conn, &ids, around(wanted), wanted.given_up).await? {
        taken.entry(row.assessor_id).or_default().push(booking(&row)?);
    }
    let mut hosts = Vec::with_capacity(question.people.len());
    for row in question.people.iter().filter(|row| !question.leaves_out(row)) {
        let bookings = taken.remove(&row.id).unwrap_or_default();
        hosts.push(host(row, wanted.policy, intervals(&question.time_off, row.id), bookings)?);
    }
    question.input.hosts = hosts;
    Ok(())
}

impl Assessments {
    /// Reads all that decides which starts can be offered.
    pub async fn question(&self, conn: &mut Conn, wanted: &Wanted<'_>) -> Result<Question> {
        let people = store::assessors::pool(conn, wanted.track).await?;
        let ids: Vec<Uuid> = people.iter().map(|row| row.id).collect();
        let conflicts = match wanted.candidate {
            Some(candidate) => self.conflicts(conn, candidate, &ids).await?,
            None => Vec::new(),
        };
        let since =
            wanted.range.start.min(self.ctx.clock.now()) - Duration::days(wanted.policy.lookback_days);
        let time_off = store::assessors::time_off(conn, &ids, since).await?;
        let input = SlotsInput {
            now: self.ctx.clock.now(),
            range: wanted.range,
            session: session(wanted.policy)?,
            mode: Mode::LeadAndObserver,
            hosts: Vec::new(),
            candidate_busy: Vec::new(),
        };
        let mut question = Question { input, people, conflicts, time_off };
        if let Some(candidate) = wanted.candidate {
            let busy = store::bookings::busy(conn, candidate, around(wanted), wanted.given_up).await?;
            question.input.candidate_busy =
                busy.into_iter().map(|(start, end)| Interval { start, end }).collect();
        }
        read_sessions(conn, wanted, &mut question).await?;
        Ok(question)
    }

    /// What the rule of assignment is asked: the pool with what it was given.
    pub async fn assignment(
        &self,
        conn: &mut Conn,
        question: &Question,
        policy: &AssessmentPolicy,
    ) -> Result<AssignInput> {
        let now = self.ctx.clock.now();
        let ids: Vec<Uuid> = question.people.iter().map(|row| row.id).collect();
        let since = now - Duration::days(policy.lookback_days);
        let mut history = Vec::new();
        for (host, assigned_at, state) in store::bookings::assigned(conn, &ids, since).await? {
            let counts = state.parse::<BookingState>()?.is_load();
            history.push(Assignment { host: host_id(host), assigned_at, counts });
        }
        Ok(AssignInput {
            pool: question.members(),
            history,
            requests: Vec::new(),
            record: false,
            lookback_days: u32::try_from(policy.lookback_days).unwrap_or(0),
        })
    }
}

/// Who takes it of those who can: by the rule of assignment.
pub fn pick(input: &mut AssignInput, now: DateTime<Utc>, available: Vec<String>) -> Result<Option<Uuid>> {
    input.requests = vec![Request { at: now, available: Some(available) }];
    let picks = engine::assign(input).picks;
    picks.into_iter().flatten().next().map(account).transpose()
}

/// A lead, and an observer who is somebody else, of those who can take a slot.
pub fn pick_panel(
    input: &mut AssignInput,
    now: DateTime<Utc>,
    slot: &Slot<'_>,
) -> Result<Option<(Uuid, Uuid)>> {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let Some(lead) = pick(input, now, ids(&slot.leads))? else { return Ok(None) };
    let lead_id = host_id(lead);
    input.history.push(Assignment { host: lead_id.clone(), assigned_at: now, counts: true });
    let mut observers = ids(slot.observers.as_deref().unwrap_or_default());
    observers.retain(|id| *id != lead_id);
    Ok(pick(input, now, observers)?.map(|observer| (lead, observer)))
}

/// Those of a question by id.
pub fn by_id(people: &[PoolRow]) -> BTreeMap<Uuid, &PoolRow> {
    people.iter().map(|row| (row.id, row)).collect()
}
