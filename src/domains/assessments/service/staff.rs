//! Those who oversee sessions: who takes one over, who watches one, how the work lies, why a start was not offered.

use std::collections::BTreeMap;

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::audit;
use assay_platform::db::Conn;
use assay_platform::web::IfMatch;
use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use uuid::Uuid;

use super::actions::Detail;
use super::booking::{seat, slot_taken};
use super::pool::{Question, Wanted, at, by_id, host_id, pick};
use super::{Assessments, notify};
use crate::model::engine::{self, Interval, Mode, Reason, Request, Roles, Step, Verdict};
use crate::model::{HostRole, events};
use crate::store;
use crate::store::assessments::AssessmentRow;
use crate::store::assessors::PoolRow;
use crate::store::bookings::BookingRow;

/// Who might take a seat of a session that stands, and why the others cannot: the engine's rules but for notice and grid,
/// which are the candidate's.
struct Replacements {
    question: Question,
    free: Vec<Uuid>,
}

/// How the work lies on a track.
#[derive(Debug)]
pub struct TrackOverview {
    /// The track.
    pub track: String,
    /// Requests without a time.
    pub requested: i64,
    /// Of these, how many wait for starts.
    pub waiting: i64,
    /// When the oldest of them was made.
    pub oldest_at: Option<DateTime<Utc>>,
    /// The next start that somebody without ties could be offered.
    pub next_free_at: Option<DateTime<Utc>>,
    /// Its people, whoever goes first at the top.
    pub people: Vec<PersonOverview>,
}

/// How the work lies on a person.
#[derive(Debug)]
pub struct PersonOverview {
    /// Who.
    pub id: AccountId,
    /// Login.
    pub login: String,
    /// Leads.
    pub lead: bool,
    /// Observes.
    pub observer: bool,
    /// Gets no new session.
    pub blocked: bool,
    /// Sessions that count.
    pub load: u64,
    /// What they are credited with, as a fraction.
    pub credit: String,
    /// How far below the fair share they are, as a fraction.
    pub shortfall: String,
    /// When they were last given a session.
    pub last_assigned_at: Option<DateTime<Utc>>,
    /// Sessions before them.
    pub ahead: i64,
}

/// Why a start was or was not offered.
#[derive(Debug)]
pub struct Explained {
    /// Is it offered?
    pub offered: bool,
    /// Each of the track's people: login, and what stands against them.
    pub people: Vec<(AccountId, String, Option<Verdict>, Vec<Reason>)>,
    /// What stands against it whoever comes.
    pub why_not: Vec<Reason>,
}

fn reason(code: &'static str, detail: String) -> Reason {
    Reason { code, detail, from: None, to: None }
}

/// What keeps a person out of the question.
fn left_out(question: &Question, person: &PoolRow) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if person.blocked {
        reasons.push(reason("blocked", "The assessor is blocked.".to_owned()));
    }
    for tie in question.conflicts.iter().filter(|tie| tie.assessor_id == person.id) {
        let what = tie.what.as_deref().map_or_else(String::new, |what| format!(": {what}"));
        reasons.push(reason("conflict", format!("Tied to the candidate by {}{what}.", tie.kind)));
    }
    reasons
}

impl Assessments {
    async fn replacements(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        booking: &BookingRow,
        role: HostRole,
    ) -> Result<Replacements> {
        let terms = self.terms_of(conn, row).await?;
        // The session's own booking blocks those who are in it.
        let wanted = Wanted {
            range: at(booking.starts_at),
            given_up: None,
            ..terms.wanted(at(booking.starts_at), booking.starts_at)
        };
        let mut question = self.question(conn, &wanted).await?;
        let input = &mut question.input;
        input.mode = Mode::AnyLead;
        input.candidate_busy = Vec::new();
        input.session.min_notice_min = 0;
        input.session.step = Step::new(1).ok_or_else(|| Error::internal("a minute divides the day"))?;
        for host in &mut input.hosts {
            let may = if role == HostRole::Lead { host.roles.lead } else { host.roles.observer };
            host.roles = Roles { lead: may, observer: false };
        }
        let slot = engine::slots(&question.input).slots.into_iter().next();
        let ids = slot.map(|slot| slot.leads).unwrap_or_default();
        let free = ids.iter().map(|id| id.parse().map_err(Error::internal)).collect::<Result<Vec<Uuid>>>()?;
        Ok(Replacements { question, free })
    }

    /// Gives a seat of a booked session to somebody else: whom the reviewer names, or who is due.
    pub async fn reassign_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
        (role, to, why): (HostRole, Option<AccountId>, &str),
    ) -> Result<Detail> {
        let (mut row, facts, _) = self.begin(conn, actor, id, Some(seen), events::REASSIGN).await?;
        let booking = store::bookings::live(conn, id).await?.ok_or_else(|| Error::not_found("booking"))?;
        let former = facts.hosts.iter().find(|host| host.role == role.as_str()).map(|host| host.assessor_id);
        let first = self.replacements(conn, &row, &booking, role).await?;
        let mut locked = first.free.clone();
        locked.extend(facts.hosts.iter().map(|host| host.assessor_id));
        locked.sort_unstable();
        locked.dedup();
        let now = self.ctx.clock.now();
        let locked = store::assessors::lock(conn, &locked).await?;
        store::bookings::expire_holds(conn, &locked, now).await?;
        store::bookings::lock(conn, booking.id).await?;
        let Replacements { question, mut free } = self.replacements(conn, &row, &booking, role).await?;
        free.retain(|host| locked.contains(host));
        let next = match to {
            Some(to) if free.contains(&to.uuid()) => to.uuid(),
            Some(to) => return Err(refused(&question, to)),
            None => {
                let mut assignment = self.assignment(conn, &question, &facts.policy).await?;
                let picked = pick(&mut assignment, now, free.iter().map(|host| host_id(*host)).collect())?;
                picked
                    .ok_or_else(|| Error::new(Code::GuardFailed, "Nobody else can take this session over."))?
            }
        };
        if let Some(former) = former {
            store::bookings::unseat(conn, booking.id, former).await?;
        }
        let zone = by_id(&question.people).get(&next).map(|person| person.zone.clone()).unwrap_or_default();
        let taken = seat(&booking, (next, role), &zone, &facts.policy, now)?;
        if store::bookings::insert_seats(conn, &[taken]).await? == 0 {
            return Err(slot_taken());
        }
        let before = row.clone();
        let mut told: Vec<Uuid> = facts.hosts.iter().map(|host| host.assessor_id).collect();
        self.session_moved_in(conn, &before, &told, &mut row).await?;
        self.save(conn, &mut row).await?;
        self.time_freed_in(conn).await?;
        told.push(next);
        notify::hosts(&self.ctx, conn, &row, "assessment.reassigned", &told).await?;
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action: "assessment.reassign",
            subject: id.to_string(),
            reason: Some(why),
            data: json!({ "role": role, "from": former.map(AccountId::from_uuid), "to": AccountId::from_uuid(next),
                "account_id": row.candidate() }),
        };
        audit::record(&self.ctx, conn, entry).await?;
        self.detail(conn, actor, row).await
    }

    /// The caller watches a booked session to learn. The same constraint keeps them from two at once.
    pub async fn shadow_in(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<Detail> {
        let (mut row, facts, _) = self.begin(conn, actor, id, None, events::SHADOW).await?;
        let booking = store::bookings::live(conn, id).await?.ok_or_else(|| Error::not_found("booking"))?;
        let now = self.ctx.clock.now();
        let me = actor.account_id;
        store::assessors::lock(conn, &[me.uuid()]).await?;
        store::bookings::expire_holds(conn, &[me.uuid()], now).await?;
        let own = store::assessors::find(conn, me).await?.ok_or_else(|| Error::not_found("assessor"))?;
        let seat = seat(&booking, (me.uuid(), HostRole::Shadow), &own.zone, &facts.policy, now)?;
        if store::bookings::insert_seats(conn, &[seat]).await? == 0 {
            return Err(slot_taken());
        }
        let before = row.clone();
        self.session_moved_in(conn, &before, &[], &mut row).await?;
        self.save(conn, &mut row).await?;
        notify::hosts(&self.ctx, conn, &row, "assessment.shadowed", &[me.uuid()]).await?;
        self.detail(conn, actor, row).await
    }

    /// How the work lies: each track's queue and people.
    pub async fn overview(&self, conn: &mut Conn, actor: &Actor) -> Result<Vec<TrackOverview>> {
        crate::policy::require_oversight(actor)?;
        let mut tracks: BTreeMap<String, TrackOverview> = BTreeMap::new();
        let blank = |track: String| TrackOverview {
            track,
            requested: 0,
            waiting: 0,
            oldest_at: None,
            next_free_at: None,
            people: Vec::new(),
        };
        for track in store::assessors::staffed_tracks(conn).await? {
            tracks.insert(track.clone(), blank(track));
        }
        for (track, requested, waiting, oldest_at) in store::waiting::queue(conn).await? {
            let of = tracks.entry(track.clone()).or_insert_with(|| blank(track));
            (of.requested, of.waiting, of.oldest_at) = (requested, waiting, oldest_at);
        }
        for of in tracks.values_mut() {
            self.survey(conn, of).await?;
        }
        Ok(tracks.into_values().collect())
    }

    async fn survey(&self, conn: &mut Conn, of: &mut TrackOverview) -> Result<()> {
        let now = self.ctx.clock.now();
        let policy = self.ctx.policy.assessments.of(&of.track);
        let range = Interval { start: now, end: now + Duration::days(policy.horizon_days) };
        let wanted = Wanted { track: &of.track, policy, candidate: None, range, given_up: None };
        let question = self.question(conn, &wanted).await?;
        of.next_free_at = question.first().map(|slot| slot.start);
        let mut assignment = self.assignment(conn, &question, policy).await?;
        assignment.requests = vec![Request { at: now, available: None }];
        let ids: Vec<Uuid> = question.people.iter().map(|person| person.id).collect();
        let names = store::people::names(conn, &ids).await?;
        let logins: BTreeMap<Uuid, String> = names.into_iter().map(|(id, login, _)| (id, login)).collect();
        let ahead: BTreeMap<Uuid, i64> =
            store::bookings::counts_ahead(conn, &ids, now).await?.into_iter().collect();
        let people = by_id(&question.people);
        for standing in engine::standings(&assignment).into_iter().flatten() {
            let id: Uuid = standing.host.parse().map_err(Error::internal)?;
            let Some(person) = people.get(&id) else { continue };
            of.people.push(PersonOverview {
                id: AccountId::from_uuid(id),
                login: logins.get(&id).cloned().unwrap_or_default(),
                lead: person.lead,
                observer: person.observer,
                blocked: person.blocked,
                load: standing.load,
                credit: standing.credit,
                shortfall: standing.shortfall,
                last_assigned_at: standing.last_assigned_at,
                ahead: ahead.get(&id).copied().unwrap_or(0),
            });
        }
        Ok(())
    }

    /// Why a start is or is not offered to the candidate of an assessment.
    pub async fn explain(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        start: DateTime<Utc>,
    ) -> Result<Explained> {
        crate::policy::require_oversight(actor)?;
        let row = store::assessments::find(conn, id).await?;
        let row = row.ok_or_else(|| Error::not_found("assessment"))?;
        let now = self.ctx.clock.now();
        let terms = self.terms_of(conn, &row).await?;
        let horizon = terms.horizon(now);
        let question = self.question(conn, &terms.wanted(at(start), now)).await?;
        let explanation = engine::explain(&question.input, Some(start))?;
        let mut verdicts: BTreeMap<&str, Verdict> = BTreeMap::new();
        for host in explanation.hosts {
            if let Some(verdict) = host.starts.into_iter().next() {
                verdicts.insert(host.id, verdict);
            }
        }
        let ids: Vec<Uuid> = question.people.iter().map(|person| person.id).collect();
        let logins: BTreeMap<Uuid, String> =
            store::people::names(conn, &ids).await?.into_iter().map(|(id, login, _)| (id, login)).collect();
        let people = question.people.iter().map(|person| {
            let verdict = verdicts.remove(host_id(person.id).as_str());
            let login = logins.get(&person.id).cloned().unwrap_or_default();
            (AccountId::from_uuid(person.id), login, verdict, left_out(&question, person))
        });
        let people = people.collect();
        let mut why_not = Vec::new();
        if start < terms.bookable_from {
            let detail = "The candidate may book again later, after having missed a session.".to_owned();
            why_not.push(Reason { to: Some(terms.bookable_from), ..reason("cool_down", detail) });
        }
        if start >= horizon.end {
            let detail = "The start lies beyond the days that are offered.".to_owned();
            why_not.push(Reason { from: Some(horizon.end), ..reason("horizon", detail) });
        }
        Ok(Explained { offered: !explanation.offered.slots.is_empty(), people, why_not })
    }
}

/// Why the person whom a reviewer named cannot take a seat.
fn refused(question: &Question, to: AccountId) -> Error {
    let person = question.people.iter().find(|person| person.id == to.uuid());
    let mut reasons = match person {
        None => vec![reason("no_role", "The person does not assess on this track.".to_owned())],
        Some(person) => left_out(question, person),
    };
    if let Ok(explanation) = engine::explain(&question.input, Some(question.input.range.start)) {
        let own = explanation.hosts.into_iter().find(|host| host.id == host_id(to.uuid()));
        reasons.extend(own.into_iter().flat_map(|host| host.starts).flat_map(|verdict| verdict.why_not));
    }
    let why_not = |reason: Reason| WhyNot {
        action: events::REASSIGN.to_owned(),
        code: reason.code.to_owned(),
        detail: reason.detail,
    };
    Error::new(Code::GuardFailed, "This person cannot take the session over; why_not says why.")
        .with_why_not(reasons.into_iter().map(why_not).collect())
}
