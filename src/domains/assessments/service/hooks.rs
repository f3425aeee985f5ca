//! What the session's own affairs (clocks, invitations, the chain of identity) do when its time changes hands. Each runs
//! in the transaction of the change, once the seats are stored and before the row is: SEQUENCE and the place are set in it.

use assay_identity::{PresenceKind, record_presence};
use assay_kernel::ids::AccountId;
use assay_kernel::{Actor, Result};
use assay_notifications::{Method, Template};
use assay_platform::crypto::random_token;
use assay_platform::db::Conn;
use assay_platform::timers;
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::Assessments;
use crate::model::{ASSESSMENT, events};
use crate::store;
use crate::store::assessments::AssessmentRow;

impl Assessments {
    /// A time was booked by `actor`: `row` has it, and gets the place.
    pub(super) async fn session_booked_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        row: &mut AssessmentRow,
    ) -> Result<()> {
        let template = &self.ctx.config.assessments.video_url;
        if !template.is_empty() {
            // Nobody can guess it.
            row.video_url = Some(template.replace("{assessment}", &random_token(&self.ctx.entropy)));
        }
        self.set_session_clocks(conn, row).await?;
        for person in self.everybody(conn, row).await? {
            let template = |session| Template::SessionBooked { session };
            self.mail_session(conn, row, person, Some(Method::Request), template).await?;
        }
        let subject = row.assessment_id().to_string();
        record_presence(&self.ctx, conn, actor, PresenceKind::Booked, &subject).await
    }

    /// The time, or who of the staff has it, changed: `before` and `former` had it. Who stays, or is new, gets an
    /// invitation, who leaves a cancellation.
    pub(super) async fn session_moved_in(
        &self,
        conn: &mut Conn,
        before: &AssessmentRow,
        former: &[Uuid],
        row: &mut AssessmentRow,
    ) -> Result<()> {
        row.ics_sequence = row.ics_sequence.saturating_add(1);
        self.set_session_clocks(conn, row).await?;
        let people = self.everybody(conn, row).await?;
        for person in &people {
            let is_new = *person != row.candidate() && !former.contains(&person.uuid());
            let template = |session| match before.starts_at.filter(|at| Some(*at) != row.starts_at) {
                // To who had no part in it yet it is a session like any other.
                _ if is_new => Template::SessionBooked { session },
                Some(before) => Template::SessionMoved { session, before },
                None => Template::SessionReassigned { session },
            };
            self.mail_session(conn, row, *person, Some(Method::Request), template).await?;
        }
        // What their calendars show is the former time.
        let left = AssessmentRow { ics_sequence: row.ics_sequence, ..before.clone() };
        for person in former.iter().copied().map(AccountId::from_uuid) {
            if !people.contains(&person) {
                let template = |session| Template::SessionLeft { session };
                self.mail_session(conn, &left, person, Some(Method::Cancel), template).await?;
            }
        }
        Ok(())
    }

    /// The session was given up: `row` has the time that it had, `former` had it.
    pub(super) async fn session_cancelled_in(
        &self,
        conn: &mut Conn,
        former: &[Uuid],
        row: &mut AssessmentRow,
    ) -> Result<()> {
        timers::clear(conn, ASSESSMENT.name, row.id, CLOCKS).await?;
        row.ics_sequence = row.ics_sequence.saturating_add(1);
        let hosts = former.iter().copied().map(AccountId::from_uuid);
        for person in std::iter::once(row.candidate()).chain(hosts) {
            let template = |session| Template::SessionCancelled { session };
            self.mail_session(conn, row, person, Some(Method::Cancel), template).await?;
        }
        Ok(())
    }

    /// The candidate and the hosts.
    pub(super) async fn everybody(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<Vec<AccountId>> {
        let hosts = store::assessments::hosts(conn, row.assessment_id()).await?;
        let hosts = hosts.into_iter().map(|host| AccountId::from_uuid(host.assessor_id));
        Ok(std::iter::once(row.candidate()).chain(hosts).collect())
    }

    /// The clocks of a session that waits for its start.
    async fn set_session_clocks(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<()> {
        timers::clear(conn, ASSESSMENT.name, row.id, CLOCKS).await?;
        let Some(starts_at) = row.starts_at else { return Ok(()) };
        let policy = row.policy()?;
        self.set_reminder(conn, row).await?;
        self.set_clock(conn, row, events::WARN_ABSENCE, starts_at).await?;
        let close = starts_at + Duration::minutes(policy.close_minutes);
        self.set_clock(conn, row, events::CLOSE_ABSENCE, close).await
    }

    /// The next reminder; none when the session was booked later than all of them.
    pub(super) async fn set_reminder(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<()> {
        let Some(starts_at) = row.starts_at else { return Ok(()) };
        let hours = row.policy()?.reminder_hours;
        let due = hours.into_iter().map(|hours| starts_at - Duration::hours(hours));
        match due.filter(|due| *due > self.ctx.clock.now()).min() {
            Some(due) => self.set_clock(conn, row, events::REMIND, due).await,
            None => Ok(()),
        }
    }

    pub(super) async fn set_clock(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        event: &str,
        due: DateTime<Utc>,
    ) -> Result<()> {
        timers::set(&self.ctx, conn, ASSESSMENT.name, row.id, event, due).await
    }
}

/// The clocks of a session before and during it.
pub(super) const CLOCKS: &[&str] =
    &[events::REMIND, events::WARN_ABSENCE, events::CLOSE_ABSENCE, events::END];
