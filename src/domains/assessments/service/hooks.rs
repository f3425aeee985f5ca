//! What the session's own affairs (clocks, invitations, the chain of identity) do when its time changes hands. Each runs
//! in the transaction of the change, after the row is stored. SEQUENCE and the video URL are written here, beside the
//! row: a caller must not store its own copy of the row afterwards.

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
    /// A time was booked by `actor`: `row` has it.
    pub async fn session_booked_in(&self, conn: &mut Conn, actor: &Actor, row: &AssessmentRow) -> Result<()> {
        let row = self.with_video_url(conn, row).await?;
        self.set_session_clocks(conn, &row).await?;
        let request = Some((Method::Request, row.ics_sequence));
        for person in self.everybody(conn, &row).await? {
            self.mail_session(conn, &row, person, request, |session| Template::SessionBooked { session })
                .await?;
        }
        let subject = row.assessment_id().to_string();
        record_presence(&self.ctx, conn, actor, PresenceKind::Booked, &subject).await
    }

    /// The time, or who of the staff has it, changed: `before` has the former time. Who stays gets a new invitation,
    /// who leaves a cancellation.
    pub async fn session_moved_in(
        &self,
        conn: &mut Conn,
        before: &AssessmentRow,
        row: &AssessmentRow,
    ) -> Result<()> {
        let row = self.with_video_url(conn, row).await?;
        self.set_session_clocks(conn, &row).await?;
        let sequence = store::sessions::next_sequence(conn, row.id).await?;
        let people = self.everybody(conn, &row).await?;
        for person in &people {
            let request = Some((Method::Request, sequence));
            let template = |session| match before.starts_at.filter(|at| Some(*at) != row.starts_at) {
                Some(before) => Template::SessionMoved { session, before },
                None => Template::SessionReassigned { session },
            };
            self.mail_session(conn, &row, *person, request, template).await?;
        }
        let former = store::sessions::former_hosts(conn, row.assessment_id()).await?;
        let left = former.into_iter().map(AccountId::from_uuid).filter(|host| !people.contains(host));
        for person in left {
            self.session_left_in(conn, before, person.uuid(), sequence).await?;
        }
        Ok(())
    }

    /// Somebody of the staff no longer has the session, whose seat is gone from the booking.
    pub async fn session_left_in(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        host: Uuid,
        sequence: i32,
    ) -> Result<()> {
        let (host, cancel) = (AccountId::from_uuid(host), Some((Method::Cancel, sequence)));
        self.mail_session(conn, row, host, cancel, |session| Template::SessionLeft { session }).await
    }

    /// The session was given up: `row` has the time that it had.
    pub async fn session_cancelled_in(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<()> {
        timers::clear(conn, ASSESSMENT.name, row.id, CLOCKS).await?;
        let sequence = store::sessions::next_sequence(conn, row.id).await?;
        let mut people = vec![row.candidate()];
        let former = store::sessions::former_hosts(conn, row.assessment_id()).await?;
        people.extend(former.into_iter().map(AccountId::from_uuid));
        for person in people {
            let cancel = Some((Method::Cancel, sequence));
            self.mail_session(conn, row, person, cancel, |session| Template::SessionCancelled { session })
                .await?;
        }
        Ok(())
    }

    /// The candidate and the hosts.
    pub(super) async fn everybody(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<Vec<AccountId>> {
        let hosts = store::assessments::hosts(conn, row.assessment_id()).await?;
        let hosts = hosts.into_iter().map(|host| AccountId::from_uuid(host.assessor_id));
        Ok(std::iter::once(row.candidate()).chain(hosts).collect())
    }

    /// The row with a place for the session, which nobody can guess.
    async fn with_video_url(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<AssessmentRow> {
        let mut row = row.clone();
        let template = &self.ctx.config.assessments.video_url;
        if row.video_url.is_none() && !template.is_empty() {
            let url = template.replace("{assessment}", &random_token(&self.ctx.entropy));
            store::sessions::set_video_url(conn, row.id, &url).await?;
            row.video_url = Some(url);
        }
        Ok(row)
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
