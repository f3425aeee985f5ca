//! What happens by itself when time has passed. Each looks at the present state, since a timer may fire late or twice.

use assay_kernel::Result;
use assay_kernel::ids::{AccountId, AssessmentId};
use assay_notifications::{Overdue, Template};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::timers::Fired;
use chrono::Duration;
use serde_json::json;

use super::{Assessments, notify};
use crate::model::events;
use crate::store;
use crate::store::assessments::AssessmentRow;

/// Deletes what is kept for a time only: the texts of cards, the records of sessions, revoked feeds. Returns of how
/// many.
///
/// # Errors
/// When the database fails.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let now = ctx.clock.now();
    let gone = [
        store::cards::forget_notes(conn, now).await?,
        store::anchor_cards::forget_notes(conn, now).await?,
        store::records::forget_notes(conn, now).await?,
        store::records::forget_links(conn, now).await?,
        super::feeds::delete_revoked(conn, now).await?,
    ];
    Ok(gone.into_iter().sum())
}

impl Assessments {
    /// Runs a timer's work on an assessment that can take `event` now.
    pub(super) async fn on_rating(
        &self,
        fired: &Fired,
        event: &str,
        work: impl AsyncFn(&mut Conn, AssessmentRow) -> Result<()>,
    ) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let id = AssessmentId::from_uuid(fired.subject);
                match store::assessments::lock(conn, id).await? {
                    Some(row) if Self::takes(&row, event) => work(conn, row).await,
                    _ => Ok(()),
                }
            })
            .await
    }

    /// Reminds those whose card is missing, each at the hours after its opening, and sets the next reminder.
    pub async fn on_remind_raters(&self, fired: Fired) -> Result<()> {
        self.on_rating(&fired, events::REMIND_RATERS, async |conn, row| {
            let hours = row.policy()?.rating_reminder_hours;
            let mut next = None;
            for card in store::cards::of(conn, row.assessment_id()).await? {
                if !card.is_open() {
                    continue;
                }
                let times: Vec<_> =
                    hours.iter().map(|hours| card.opened_at + Duration::hours(*hours)).collect();
                next = times.iter().copied().filter(|at| *at > fired.due_at).chain(next).min();
                if times.contains(&fired.due_at) {
                    let url = notify::url(&self.ctx, &row, "/card");
                    let template = Template::RatingCardDue { url, due_at: card.due_at };
                    notify::mail(&self.ctx, conn, AccountId::from_uuid(card.rater_id), template).await?;
                }
            }
            match next {
                Some(next) => self.set_rating_timer(conn, &row, events::REMIND_RATERS, next).await,
                None => Ok(()),
            }
        })
        .await
    }

    /// A card is late: the reviewers are told, without whose it is.
    pub async fn on_rating_overdue(&self, fired: Fired) -> Result<()> {
        self.on_rating(&fired, events::RATING_OVERDUE, async |conn, row| {
            let cards = store::cards::of(conn, row.assessment_id()).await?;
            let late = |card: &store::cards::CardRow| card.is_open() && card.due_at <= self.ctx.clock.now();
            if !cards.iter().any(late) {
                return Ok(());
            }
            self.tell_late(conn, &row, "assessment.rating_overdue", Overdue::Rating, &fired).await
        })
        .await
    }

    /// The decision waits for too long: the reviewers are told.
    pub async fn on_feedback_overdue(&self, fired: Fired) -> Result<()> {
        self.on_rating(&fired, events::FEEDBACK_OVERDUE, async |conn, row| {
            self.tell_late(conn, &row, "assessment.feedback_overdue", Overdue::Assessment, &fired).await
        })
        .await
    }

    /// An appeal is not answered in time: the reviewers are told.
    pub async fn on_assessment_appeal_overdue(&self, fired: Fired) -> Result<()> {
        self.on_rating(&fired, events::APPEAL_OVERDUE, async |conn, row| {
            self.tell_late(conn, &row, "assessment.appeal_overdue", Overdue::Appeal, &fired).await
        })
        .await
    }

    async fn tell_late(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        kind: &str,
        what: Overdue,
        fired: &Fired,
    ) -> Result<()> {
        let url = notify::url(&self.ctx, row, "/cards");
        let template = Template::StaffOverdue { what, url, due_at: fired.due_at };
        let data = json!({ "due_at": fired.due_at });
        notify::tell_reviewers(&self.ctx, conn, row, kind, data, Some(template)).await
    }

    /// The outcome is published, at the latest now.
    pub async fn on_publish(&self, fired: Fired) -> Result<()> {
        self.on_rating(&fired, events::PUBLISH, async |conn, row| self.publish_in(conn, &row).await).await
    }
}
