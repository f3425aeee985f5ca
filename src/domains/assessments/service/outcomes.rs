//! Outcomes as candidates and reviewers read them, and appeals: rated anew from the record by somebody who saw no card,
//! answered by a reviewer who did not make the decision.

use assay_kernel::ids::{AccountId, ApplicationId, AssessmentId};
use assay_kernel::process::Actions;
use assay_kernel::{Actor, Error, Permission, Result};
use assay_notifications::Template;
use assay_platform::db::Conn;
use assay_platform::outbox::Audience;
use assay_platform::web::IfMatch;
use assay_platform::{audit, timers};
use chrono::Duration;
use serde_json::json;

use super::rating_access::{RATING_TIMERS, RatingFacts, who};
use super::scored::RatedStep;
use super::{Assessments, notify};
use crate::model::outcome::AppealOutcome;
use crate::model::rating::CardRole;
use crate::model::{ASSESSMENT, events};
use crate::store;
use crate::store::assessments::AssessmentRow;
use crate::store::outcomes::{AppealRow, OutcomeRow};
use crate::store::scores::CalibratedScore;

/// An outcome as a caller may see it.
#[derive(Debug)]
pub struct OutcomeDetail {
    /// The assessment.
    pub row: AssessmentRow,
    /// The decision.
    pub outcome: OutcomeRow,
    /// The appeal against it.
    pub appeal: Option<AppealRow>,
    /// Does the caller see what only staff see?
    pub for_staff: bool,
    /// The calibrated scores, for staff.
    pub scores: Vec<CalibratedScore>,
    /// What the caller can do.
    pub actions: Actions,
}

impl Assessments {
    async fn outcome_detail(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        row: AssessmentRow,
        facts: RatingFacts,
    ) -> Result<OutcomeDetail> {
        let for_staff = actor.account_id != row.candidate();
        let blocked = |guard: &str| self.rating_blocked(guard, &row, &facts, actor);
        let actions = ASSESSMENT.actions(&row.state, &who(actor, &row), |_, guard| blocked(guard));
        let published = |outcome: &OutcomeRow| for_staff || outcome.published_at.is_some();
        let outcome = facts.outcome.filter(published).ok_or_else(|| Error::not_found("outcome"))?;
        let scores = match for_staff {
            true => store::scores::of(conn, row.assessment_id()).await?,
            false => Vec::new(),
        };
        Ok(OutcomeDetail { row, outcome, appeal: facts.appeal, for_staff, scores, actions })
    }

    /// The outcome of an assessment: to the candidate once it is published, and to reviewers.
    pub async fn outcome(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<OutcomeDetail> {
        let missing = || Error::not_found("outcome");
        let row = store::assessments::find(conn, id).await?.ok_or_else(missing)?;
        if actor.account_id != row.candidate() {
            if !actor.is(Permission::Reviewer) || who(actor, &row).is_empty() {
                return Err(missing());
            }
            self.require_no_open_card(conn, actor, &row).await?;
            // The means tell of the cards: who reads them rates the candidate no more.
            store::cards::read_by(conn, id, actor.account_id, self.ctx.clock.now()).await?;
        }
        let facts = self.rating_facts(conn, actor, &row).await?;
        self.outcome_detail(conn, actor, row, facts).await
    }

    /// The candidate appeals: once, and in time. Somebody who saw no card is asked to rate anew.
    pub async fn appeal_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        text: &str,
    ) -> Result<OutcomeDetail> {
        let missing = || Error::not_found("assessment");
        let mut row = store::assessments::lock(conn, id).await?.ok_or_else(missing)?;
        if actor.account_id != row.candidate() {
            return Err(missing());
        }
        let transition = ASSESSMENT.transition(&row.state, events::APPEAL, &who(actor, &row))?;
        let facts = self.rating_facts(conn, actor, &row).await?;
        ASSESSMENT.check(transition, |guard| self.rating_blocked(guard, &row, &facts, actor))?;
        let outcome = facts.outcome.ok_or_else(|| Error::not_found("outcome"))?;
        let now = self.ctx.clock.now();
        let appeal = AppealRow {
            assessment_id: row.id,
            candidate_id: row.candidate_id,
            against_id: outcome.decided_by_id,
            text: text.to_owned(),
            due_at: now + Duration::days(row.policy()?.appeal_answer_days),
            created_at: now,
            outcome: None,
            answer: None,
            decided_by_id: None,
            decided_at: None,
        };
        store::outcomes::insert_appeal(conn, &appeal).await?;
        self.move_to(conn, &mut row, transition.to).await?;
        self.set_rating_timer(conn, &row, events::APPEAL_OVERDUE, appeal.due_at).await?;
        let data = json!({ "due_at": appeal.due_at });
        let audience = [Audience::Account(row.candidate())];
        notify::publish(&self.ctx, conn, &row, "assessment.appealed", data.clone(), &audience).await?;
        notify::tell_reviewers(&self.ctx, conn, &row, "assessment.appealed", data, None).await?;
        let url = notify::url(&self.ctx, &row, "/outcome");
        let received = Template::AppealReceived { url, due_at: appeal.due_at };
        notify::mail(&self.ctx, conn, row.candidate(), received).await?;
        self.ask_somebody(conn, &row, CardRole::Appeal, now).await?;
        let facts = self.rating_facts(conn, actor, &row).await?;
        self.outcome_detail(conn, actor, row, facts).await
    }

    /// Answers an appeal that was rated anew: the outcome rises or stays.
    pub async fn answer_appeal_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
        answer: AppealOutcome,
        reason: &str,
    ) -> Result<OutcomeDetail> {
        let (mut row, transition, facts) =
            self.begin_review(conn, actor, id, Some(seen), events::ANSWER_APPEAL).await?;
        let now = self.ctx.clock.now();
        let missing = || Error::internal("an appealed assessment lacks its outcome or its appeal");
        let mut outcome = facts.outcome.ok_or_else(missing)?;
        let mut appeal = facts.appeal.ok_or_else(missing)?;
        appeal.outcome = Some(answer.to_string());
        appeal.answer = Some(reason.to_owned());
        appeal.decided_by_id = Some(actor.account_id.uuid());
        appeal.decided_at = Some(now);
        store::outcomes::answer_appeal(conn, &appeal).await?;
        self.move_to(conn, &mut row, transition.to).await?;
        let mut clocks = RATING_TIMERS.to_vec();
        clocks.push(events::APPEAL_OVERDUE);
        timers::clear(conn, ASSESSMENT.name, row.id, &clocks).await?;
        let raised = answer == AppealOutcome::Raise;
        if raised {
            outcome.raised_at = Some(now);
            store::outcomes::update(conn, &outcome).await?;
            let application = ApplicationId::from_uuid(row.application_id);
            self.vetting.raise_by_assessment_in(conn, actor.account_id, application, id).await?;
        }
        self.tell_rated(conn, &row, RatedStep::AppealAnswered).await?;
        let data = json!({ "outcome": answer });
        let audience = [Audience::Account(row.candidate())];
        notify::publish(&self.ctx, conn, &row, "assessment.appeal_answered", data.clone(), &audience).await?;
        notify::tell_reviewers(&self.ctx, conn, &row, "assessment.appeal_answered", data, None).await?;
        let url = notify::url(&self.ctx, &row, "/outcome");
        let template = Template::AppealAnswered { overturned: raised, answer: reason.to_owned(), url };
        notify::mail(&self.ctx, conn, row.candidate(), template).await?;
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action: "assessment.answer_appeal",
            subject: id.to_string(),
            reason: Some(reason),
            data: json!({ "account_id": row.candidate(), "outcome": answer,
                "decided_by": AccountId::from_uuid(outcome.decided_by_id) }),
        };
        audit::record(&self.ctx, conn, entry).await?;
        let facts = self.rating_facts(conn, actor, &row).await?;
        self.outcome_detail(conn, actor, row, facts).await
    }
}
