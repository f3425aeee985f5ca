//! Opening cards: when a session ends, when two cards are far apart, when an outcome is appealed, when somebody is
//! appointed.

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_notifications::Template;
use assay_platform::db::Conn;
use assay_platform::db::Json;
use assay_platform::outbox::Audience;
use assay_platform::{Ctx, timers};
use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use super::{Assessments, notify};
use crate::model::rating::{CardContent, CardRole, CardState};
use crate::model::rubric::Rubric;
use crate::model::{ASSESSMENT, HostRole, events};
use crate::store;
use crate::store::assessments::AssessmentRow;
use crate::store::cards::CardRow;

/// Keeps the document of the rubric that comes into force.
///
/// # Errors
/// When the version is stored with another content: a change is a new version.
pub async fn record_rubric(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    let rubric = Rubric::shipped()?;
    let document = serde_json::to_value(rubric).map_err(Error::internal)?;
    store::rubrics::insert(conn, &rubric.version, &document, ctx.clock.now()).await?;
    if store::rubrics::find(conn, &rubric.version).await?.as_ref() == Some(&document) {
        return Ok(());
    }
    let version = &rubric.version;
    Err(Error::internal(format!(
        "the rubric {version} is in the database with another content; give it a new version"
    )))
}

impl Assessments {
    /// The rubric of a version.
    ///
    /// # Errors
    /// `not_found` when no such version was ever in force.
    pub async fn rubric(&self, conn: &mut Conn, version: &str) -> Result<Rubric> {
        let shipped = Rubric::shipped()?;
        if shipped.version == version {
            return Ok(shipped.clone());
        }
        let found = store::rubrics::find(conn, version).await?;
        let document = found.ok_or_else(|| Error::not_found("rubric"))?;
        serde_json::from_value(document).map_err(Error::internal)
    }

    /// Opens the cards of the lead and the observer. To be called once the session is over and its row says so, in the
    /// transaction that ends it. A second call opens nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rating_opens_in(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<()> {
        let since = row.ended_at.unwrap_or(self.ctx.clock.now());
        let hosts = store::assessments::hosts(conn, row.assessment_id()).await?;
        let there: Vec<_> = hosts.iter().map(|host| host.assessor_id).collect();
        let tied = self.conflicts(conn, row.candidate(), &there).await?;
        let free = |id| !tied.iter().any(|tie| tie.assessor_id == id);
        for (host_role, role) in [(HostRole::Lead, CardRole::Lead), (HostRole::Observer, CardRole::Observer)]
        {
            let host = hosts.iter().find(|host| host.role == host_role.as_str() && free(host.assessor_id));
            match host {
                Some(host) => {
                    self.open_card(conn, row, AccountId::from_uuid(host.assessor_id), role, false, since)
                        .await?;
                }
                // Two without a tie to the candidate rate, even where fewer were in the session.
                None => self.ask_somebody(conn, row, role, since).await?,
            }
        }
        Ok(())
    }

    /// Opens a card of somebody, tells them, and sets the clocks of the assessment.
    pub(super) async fn open_card(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        rater: AccountId,
        role: CardRole,
        from_record: bool,
        since: DateTime<Utc>,
    ) -> Result<()> {
        let policy = row.policy()?;
        let due_at = since + Duration::hours(policy.rating_due_hours);
        let card = CardRow {
            id: self.ctx.ids.uuid(),
            assessment_id: row.id,
            rater_id: rater.uuid(),
            role: role.to_string(),
            from_record,
            state: CardState::Open.to_string(),
            content: Json(CardContent::default()),
            rubric_version: row.rubric_version.clone(),
            opened_at: since,
            due_at,
            submitted_at: None,
            notes_deleted_at: None,
            version: 1,
            updated_at: self.ctx.clock.now(),
        };
        if !store::cards::insert(conn, &card).await? {
            return Ok(());
        }
        if let Some(first) = policy.rating_reminder_hours.iter().min() {
            self.set_rating_timer(conn, row, events::REMIND_RATERS, since + Duration::hours(*first)).await?;
        }
        self.set_rating_timer(conn, row, events::RATING_OVERDUE, due_at).await?;
        let audience = [Audience::Account(rater)];
        let data = json!({ "due_at": due_at });
        notify::publish(&self.ctx, conn, row, "assessment.card_opened", data, &audience).await?;
        let url = notify::url(&self.ctx, row, "/card");
        let template = match from_record {
            false => Template::RatingCardOpened { url, due_at },
            true => Template::RatingAsked { url, due_at },
        };
        notify::mail(&self.ctx, conn, rater, template).await
    }

    pub(super) async fn set_rating_timer(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        event: &str,
        due_at: DateTime<Utc>,
    ) -> Result<()> {
        timers::set(&self.ctx, conn, ASSESSMENT.name, row.id, event, due_at).await
    }

    /// Chooses who rates from the record: an assessor of the track without a tie to the candidate who has no part in the
    /// application, the least loaded.
    pub(super) async fn choose_rater(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
    ) -> Result<Option<AccountId>> {
        let since = self.ctx.clock.now() - Duration::days(row.policy()?.lookback_days);
        let pool = store::raters::pool(conn, &row.track, row.application_id, since).await?;
        let tied = self.conflicts(conn, row.candidate(), &pool).await?;
        let free = pool.into_iter().find(|one| !tied.iter().any(|tie| tie.assessor_id == *one));
        Ok(free.map(AccountId::from_uuid))
    }

    /// Asks somebody to rate from the record; the reviewers, when there is nobody.
    pub(super) async fn ask_somebody(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        role: CardRole,
        since: DateTime<Utc>,
    ) -> Result<()> {
        if let Some(rater) = self.choose_rater(conn, row).await? {
            return self.open_card(conn, row, rater, role, true, since).await;
        }
        let template = Template::RaterWanted { url: notify::url(&self.ctx, row, "/cards") };
        let data = json!({ "role": role });
        notify::tell_reviewers(&self.ctx, conn, row, "assessment.rater_wanted", data, Some(template)).await
    }
}
