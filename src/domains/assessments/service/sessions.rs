//! The session: checking in, beginning, breaking off, ending, and what happens when somebody does not come.
//!
//! Who comes when the session is closed is too late: check-in ends at the very instant at which it is closed. An observer
//! does not take a missing lead's place by themselves: nobody rates what they did not prepare, and the candidate gets
//! another session before others. Staff may reassign before the start.

use assay_identity::{PresenceKind, record_presence};
use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::process::Who;
use assay_kernel::{Actor, Error, Permission, Result, Scope};
use assay_notifications::{SessionMail, Template};
use assay_platform::db::Conn;
use assay_platform::timers::{self, Fired};
use chrono::Duration;

use uuid::Uuid;

use super::actions::blocked;
use super::hooks::CLOCKS;
use super::{Assessments, notify};
use crate::model::{ASSESSMENT, AssessmentState, BookingState, HostRole, RedoReason, events};
use crate::store;
use crate::store::assessments::{AssessmentRow, HostRow};

/// Minutes after the booked end at which a session ends by itself.
const OVERTIME_MINUTES: i64 = 30;

/// A session as its people see it.
#[derive(Debug)]
pub struct SessionDetail {
    /// The row.
    pub row: AssessmentRow,
    /// Is the lead there?
    pub lead_checked_in: bool,
}

fn is_lead(host: &HostRow) -> bool {
    host.role == HostRole::Lead.as_str()
}

fn ids(hosts: &[HostRow]) -> Vec<Uuid> {
    hosts.iter().map(|host| host.assessor_id).collect()
}

fn detail(row: AssessmentRow, hosts: &[HostRow]) -> SessionDetail {
    let lead_checked_in = hosts.iter().any(|host| is_lead(host) && host.checked_in_at.is_some());
    SessionDetail { row, lead_checked_in }
}

impl Assessments {
    /// Begins an act of one of the session's people: locks the row, asks the table, checks the guards, and moves the row in
    /// memory. Answers the hosts too. For everybody else there is no such session.
    async fn act(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        event: &str,
    ) -> Result<(AssessmentRow, Vec<HostRow>)> {
        let missing = || Error::not_found("assessment");
        let mut row = store::assessments::lock(conn, id).await?.ok_or_else(missing)?;
        let facts = self.facts(conn, actor, &row).await?;
        let (me, now) = (actor.account_id.uuid(), self.ctx.clock.now());
        let who = if row.candidate_id == me {
            actor.require_scope(Scope::Bid)?;
            Who::Developer
        } else if facts.hosts.iter().any(|host| host.assessor_id == me) {
            actor.require_scope(Scope::Account)?;
            actor.require(Permission::Assessor)?;
            Who::Staff(Permission::Assessor)
        } else {
            return Err(missing());
        };
        let transition = ASSESSMENT.transition(&row.state, event, &[who])?;
        ASSESSMENT.check(transition, |guard| blocked(guard, &row, &facts, me, now))?;
        row.state = transition.to.to_owned();
        Ok((row, facts.hosts))
    }

    /// Somebody of the session is there. A second time changes nothing. With the candidate and the lead it can begin.
    pub async fn check_in_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
    ) -> Result<SessionDetail> {
        let (mut row, mut hosts) = self.act(conn, actor, id, events::CHECK_IN).await?;
        let (now, me) = (self.ctx.clock.now(), actor.account_id);
        let before = match hosts.iter_mut().find(|host| host.assessor_id == me.uuid()) {
            Some(host) => host.checked_in_at.replace(host.checked_in_at.unwrap_or(now)),
            None => row.candidate_checked_in_at.replace(row.candidate_checked_in_at.unwrap_or(now)),
        };
        if before.is_some() {
            return Ok(detail(row, &hosts));
        }
        if let Some(host) = hosts.iter().find(|host| host.assessor_id == me.uuid()) {
            store::sessions::check_host_in(conn, host.booking_id, host.assessor_id, now).await?;
        }
        let lead_is_in = hosts.iter().any(|host| is_lead(host) && host.checked_in_at.is_some());
        if row.candidate_checked_in_at.is_some() && lead_is_in && row.state()? == AssessmentState::Booked {
            row.state = ASSESSMENT.transition(&row.state, events::ADMIT, &[Who::System])?.to.to_owned();
            timers::clear(conn, ASSESSMENT.name, row.id, CLOCKS).await?;
            self.set_end(conn, &row).await?;
        }
        self.save(conn, &mut row).await?;
        notify::assessment(&self.ctx, conn, &row, "assessment.checked_in", &ids(&hosts)).await?;
        record_presence(&self.ctx, conn, actor, PresenceKind::CheckedIn, &id.to_string()).await?;
        Ok(detail(row, &hosts))
    }

    /// A session that nobody ends, or begins, ends by itself.
    async fn set_end(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<()> {
        let Some(ends_at) = row.ends_at else { return Ok(()) };
        self.set_clock(conn, row, events::END, ends_at + Duration::minutes(OVERTIME_MINUTES)).await
    }

    /// The lead begins.
    pub async fn start_in(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<SessionDetail> {
        let (mut row, hosts) = self.act(conn, actor, id, events::START).await?;
        row.started_at = Some(self.ctx.clock.now());
        self.save(conn, &mut row).await?;
        notify::assessment(&self.ctx, conn, &row, "assessment.started", &ids(&hosts)).await?;
        Ok(detail(row, &hosts))
    }

    /// A host breaks the session off for technical reasons.
    pub async fn abort_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        reason: &str,
    ) -> Result<SessionDetail> {
        let (row, hosts) = self.act(conn, actor, id, events::ABORT).await?;
        let row = self.aborted(conn, row, &hosts, reason).await?;
        Ok(detail(row, &hosts))
    }

    async fn aborted(
        &self,
        conn: &mut Conn,
        mut row: AssessmentRow,
        hosts: &[HostRow],
        reason: &str,
    ) -> Result<AssessmentRow> {
        row.ended_at = Some(self.ctx.clock.now());
        self.finish(conn, &mut row, BookingState::Completed).await?;
        let next = self.follow_in(conn, &row, RedoReason::Technical).await?;
        notify::assessment(&self.ctx, conn, &row, "assessment.aborted", &ids(hosts)).await?;
        let next = notify::url(&self.ctx, &next, "");
        self.mail_session(conn, &row, row.candidate(), None, |session| Template::SessionAborted {
            session: session.leading_to(&next),
            reason: reason.to_owned(),
        })
        .await?;
        Ok(row)
    }

    /// The lead ends the session.
    pub async fn end_in(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<SessionDetail> {
        let (row, hosts) = self.act(conn, actor, id, events::END).await?;
        let row = self.ended(conn, row, &hosts).await?;
        Ok(detail(row, &hosts))
    }

    async fn ended(
        &self,
        conn: &mut Conn,
        mut row: AssessmentRow,
        hosts: &[HostRow],
    ) -> Result<AssessmentRow> {
        row.ended_at = Some(self.ctx.clock.now());
        self.finish(conn, &mut row, BookingState::Completed).await?;
        notify::assessment(&self.ctx, conn, &row, "assessment.ended", &ids(hosts)).await?;
        self.rating_opens_in(conn, &row).await?;
        Ok(row)
    }

    /// The time is over: the booking ends so, and no clock of the session is left.
    async fn finish(&self, conn: &mut Conn, row: &mut AssessmentRow, booking: BookingState) -> Result<()> {
        if let Some(live) = store::bookings::live(conn, row.assessment_id()).await? {
            store::bookings::finish(conn, live.id, booking.as_str()).await?;
        }
        timers::clear(conn, ASSESSMENT.name, row.id, CLOCKS).await?;
        self.save(conn, row).await
    }

    /// Runs a timer's work on a session in one of these states.
    async fn on_session(
        &self,
        fired: Fired,
        states: &[AssessmentState],
        work: impl AsyncFn(&mut Conn, AssessmentRow, Vec<HostRow>) -> Result<()>,
    ) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let id = AssessmentId::from_uuid(fired.subject);
                let Some(row) = store::assessments::lock(conn, id).await? else { return Ok(()) };
                if !states.contains(&row.state()?) {
                    return Ok(());
                }
                let hosts = store::assessments::hosts(conn, id).await?;
                work(conn, row, hosts).await
            })
            .await
    }

    /// The session begins soon.
    pub async fn on_remind_session(&self, fired: Fired) -> Result<()> {
        self.on_session(fired, &[AssessmentState::Booked], async |conn, row, _| {
            // A reminder that comes too late is none.
            if row.starts_at.is_some_and(|start| start > self.ctx.clock.now()) {
                for person in self.everybody(conn, &row).await? {
                    let template = |session| Template::SessionReminder { session };
                    self.mail_session(conn, &row, person, None, template).await?;
                }
            }
            self.set_reminder(conn, &row).await
        })
        .await
    }

    /// The session has begun, and somebody is missing: told at the start and once more when the grace has run out.
    pub async fn on_warn_absence(&self, fired: Fired) -> Result<()> {
        self.on_session(fired, &[AssessmentState::Booked], async |conn, row, hosts| {
            let Some(start) = row.starts_at else { return Ok(()) };
            let (now, policy) = (self.ctx.clock.now(), row.policy()?);
            let closes_at = start + Duration::minutes(policy.close_minutes);
            if now < start || closes_at <= now {
                return Ok(());
            }
            let candidate = row.candidate_checked_in_at.is_none().then(|| row.candidate());
            let absent = hosts.iter().filter(|host| host.checked_in_at.is_none());
            let absent = absent.filter(|host| host.role != HostRole::Shadow.as_str());
            for person in
                candidate.into_iter().chain(absent.map(|host| AccountId::from_uuid(host.assessor_id)))
            {
                let template = |session| Template::SessionAbsence { session, closes_at };
                self.mail_session(conn, &row, person, None, template).await?;
            }
            let grace = start + Duration::minutes(policy.grace_minutes);
            if now < grace {
                return self.set_clock(conn, &row, events::WARN_ABSENCE, grace).await;
            }
            Ok(())
        })
        .await
    }

    /// Somebody did not come: the session is closed. Without its lead it is nobody else's fault.
    pub async fn on_close_absence(&self, fired: Fired) -> Result<()> {
        self.on_session(fired, &[AssessmentState::Booked], async |conn, mut row, hosts| {
            let (now, policy) = (self.ctx.clock.now(), row.policy()?);
            let Some(start) = row.starts_at else { return Ok(()) };
            if now < start + Duration::minutes(policy.close_minutes) {
                return Ok(());
            }
            let lead_is_in = hosts.iter().any(|host| is_lead(host) && host.checked_in_at.is_some());
            let event = if lead_is_in { events::CANDIDATE_NO_SHOW } else { events::ASSESSOR_NO_SHOW };
            row.state = ASSESSMENT.transition(&row.state, event, &[Who::System])?.to.to_owned();
            self.finish(conn, &mut row, BookingState::NoShow).await?;
            notify::assessment(&self.ctx, conn, &row, &format!("assessment.{event}"), &ids(&hosts)).await?;
            let candidate = row.candidate();
            if !lead_is_in {
                let next = self.follow_in(conn, &row, RedoReason::AssessorNoShow).await?;
                let next = notify::url(&self.ctx, &next, "");
                let template = |session: SessionMail| Template::SessionWithoutAssessor {
                    session: session.leading_to(&next),
                };
                return self.mail_session(conn, &row, candidate, None, template).await;
            }
            let bookable_from = self
                .terms(conn, row.application_id, &row.track)
                .await?
                .1
                .and_then(|terms| terms.bookable_from)
                .unwrap_or(now);
            let template = |session| Template::SessionNoShow { session, bookable_from };
            self.mail_session(conn, &row, candidate, None, template).await?;
            for host in &hosts {
                let host = AccountId::from_uuid(host.assessor_id);
                let template = |session| Template::SessionWithoutCandidate { session };
                self.mail_session(conn, &row, host, None, template).await?;
            }
            Ok(())
        })
        .await
    }

    /// Nobody ended the session, or nobody began it.
    pub async fn on_end_session(&self, fired: Fired) -> Result<()> {
        let states = [AssessmentState::CheckedIn, AssessmentState::InProgress];
        self.on_session(fired, &states, async |conn, mut row, hosts| {
            if row.state()? == AssessmentState::CheckedIn {
                row.state = ASSESSMENT.transition(&row.state, events::ABORT, &[Who::System])?.to.to_owned();
                self.aborted(conn, row, &hosts, "The session was never begun.").await?;
                return Ok(());
            }
            row.state = ASSESSMENT.transition(&row.state, events::END, &[Who::System])?.to.to_owned();
            self.ended(conn, row, &hosts).await?;
            Ok(())
        })
        .await
    }
}

impl Assessments {
    /// What the chains of identity say about an assessment, and who is its candidate.
    pub async fn identity_chain(
        &self,
        conn: &mut Conn,
        id: AssessmentId,
    ) -> Result<(Vec<assay_identity::Presence>, AccountId)> {
        let row = store::assessments::find(conn, id).await?.ok_or_else(|| Error::not_found("assessment"))?;
        Ok((assay_identity::presences(&self.ctx, conn, &id.to_string()).await?, row.candidate()))
    }
}
