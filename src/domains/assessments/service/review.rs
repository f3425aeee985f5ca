//! The reviewer's side: the cards side by side, another rater in the place of a late one, the decision, its publication,
//! a redo.

use std::collections::BTreeMap;

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, ApplicationId, AssessmentId};
use assay_kernel::process::Actions;
use assay_kernel::{Actor, Code, Error, Result};
use assay_notifications::Template;
use assay_platform::db::Conn;
use assay_platform::db::Json;
use assay_platform::outbox::Audience;
use assay_platform::web::IfMatch;
use assay_platform::{audit, timers};
use chrono::Duration;
use serde_json::json;

use super::rating_access::{RATING_TIMERS, RatingFacts, who};
use super::scored::RatedStep;
use super::{Assessments, notify};
use crate::model::outcome::{FeedbackInput, check_reason_codes, feedback};
use crate::model::rating::{CardContent, CardRole, CardState, Disagreement, Outcome, disagreement, means};
use crate::model::rubric::Rubric;
use crate::model::{ASSESSMENT, RedoReason, events};
use crate::store;
use crate::store::assessments::AssessmentRow;
use crate::store::cards::CardRow;
use crate::store::outcomes::OutcomeRow;
use crate::store::scores::CalibratedScore;

/// The cards of an assessment as a reviewer may see them.
#[derive(Debug)]
pub struct CardsDetail {
    /// The assessment.
    pub row: AssessmentRow,
    /// Its cards; once they are all in, those of the application's other assessments too.
    pub cards: Vec<CardRow>,
    /// Are their contents shown?
    pub shown: bool,
    /// How the first two differ.
    pub disagreement: Option<Disagreement>,
    /// The plain means.
    pub means: Option<BTreeMap<String, Option<f64>>>,
    /// The calibrated scores.
    pub scores: Vec<CalibratedScore>,
    /// What the caller can do.
    pub actions: Actions,
}

/// A decision as a reviewer gives it.
#[derive(Debug)]
pub struct Decide<'a> {
    /// How.
    pub outcome: Outcome,
    /// The kinds of reason.
    pub reason_codes: &'a [String],
    /// The reason, for staff.
    pub reason: &'a str,
    /// What the candidate is told.
    pub feedback: &'a [FeedbackInput],
    /// At once, or when its time has come?
    pub publish_now: bool,
}

/// Whom a reviewer appoints.
#[derive(Debug)]
pub struct Appoint<'a> {
    /// In whose place.
    pub replaces: Option<AccountId>,
    /// Whom; none: whoever the rules choose.
    pub rater: Option<AccountId>,
    /// Why.
    pub reason: &'a str,
}

impl Assessments {
    /// What decisions count: every submitted card of the application, a redo's and its forerunner's together.
    async fn counted(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<Vec<CardRow>> {
        Ok(store::cards::submitted_of_application(conn, row.application_id).await?)
    }

    fn means_of(cards: &[CardRow], rubric: &Rubric) -> BTreeMap<String, Option<f64>> {
        let contents: Vec<&CardContent> = cards.iter().map(|card| &*card.content).collect();
        means(contents.iter().copied(), rubric)
    }

    /// The cards side by side. Whoever is shown them is noted: they rate the candidate no more.
    pub async fn cards_in(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<CardsDetail> {
        let missing = || Error::not_found("assessment");
        let row = store::assessments::find(conn, id).await?.ok_or_else(missing)?;
        if actor.account_id == row.candidate() {
            return Err(missing());
        }
        self.require_no_open_card(conn, actor, &row).await?;
        let facts = self.rating_facts(conn, actor, &row).await?;
        let callers = who(actor, &row);
        let blocked = |guard: &str| self.rating_blocked(guard, &row, &facts, actor);
        let actions = ASSESSMENT.actions(&row.state, &callers, |_, guard| blocked(guard));
        let shown = facts.rated_out(row.state()?);
        if !shown {
            let cards = facts.cards;
            let (means, scores) = (None, Vec::new());
            return Ok(CardsDetail { row, cards, shown, disagreement: None, means, scores, actions });
        }
        store::cards::read_by(conn, id, actor.account_id, self.ctx.clock.now()).await?;
        let rubric = self.rubric(conn, &row.rubric_version).await?;
        let disagreement = self.disagreement_of(&row, &facts, &rubric)?;
        let mut cards = self.counted(conn, &row).await?;
        let means = Some(Self::means_of(&cards, &rubric));
        cards.extend(facts.cards.into_iter().filter(CardRow::is_open));
        let scores = store::scores::of(conn, id).await?;
        Ok(CardsDetail { row, cards, shown, disagreement, means, scores, actions })
    }

    fn disagreement_of(
        &self,
        row: &AssessmentRow,
        facts: &RatingFacts,
        rubric: &Rubric,
    ) -> Result<Option<Disagreement>> {
        let (Some(lead), Some(observer)) = (facts.card(CardRole::Lead), facts.card(CardRole::Observer))
        else {
            return Ok(None);
        };
        Ok(disagreement(&lead.content, &observer.content, rubric, row.policy()?.disagreement_levels))
    }

    /// Appoints somebody to rate from the record, in the place of a rater who is late or where nobody was found.
    pub async fn appoint_rater_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        given: &Appoint<'_>,
    ) -> Result<CardsDetail> {
        let now = self.ctx.clock.now();
        let (row, _, facts) = self.begin_review(conn, actor, id, None, events::APPOINT_RATER).await?;
        let role = match given.replaces {
            None => self.missing_role(&row, &facts).ok_or_else(|| {
                Error::invalid_field("/replaces", "required", "every card has a rater: name whom to replace")
            })?,
            Some(replaced) => {
                let found = facts.cards.into_iter().find(|card| card.rater_id == replaced.uuid());
                let mut card =
                    found.filter(|card| card.is_open() && card.due_at <= now).ok_or_else(|| {
                        Error::invalid_field(
                            "/replaces",
                            "inconsistent",
                            "has no card of this assessment that is late",
                        )
                    })?;
                card.state = CardState::Withdrawn.to_string();
                card.version = card.version.saturating_add(1);
                card.updated_at = now;
                store::cards::update(conn, &card).await?;
                card.role.parse()?
            }
        };
        let rater = match given.rater {
            None => self.choose_rater(conn, &row).await?.ok_or_else(|| {
                Error::new(
                    Code::LimitReached,
                    "No assessor of the track is free of ties and of a part in it: name one.",
                )
            })?,
            Some(rater) => self.require_fit(conn, &row, rater).await?,
        };
        self.open_card(conn, &row, rater, role, true, now).await?;
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action: "assessment.appoint_rater",
            subject: id.to_string(),
            reason: Some(given.reason),
            data: json!({ "account_id": row.candidate(), "rater": rater, "replaces": given.replaces, "role": role }),
        };
        audit::record(&self.ctx, conn, entry).await?;
        self.cards_in(conn, actor, id).await
    }

    /// Somebody whom a reviewer names, if they may rate.
    async fn require_fit(&self, conn: &mut Conn, row: &AssessmentRow, rater: AccountId) -> Result<AccountId> {
        let pool = store::raters::pool(conn, &row.track, row.application_id, self.ctx.clock.now()).await?;
        if !pool.contains(&rater.uuid()) {
            let detail = "is no assessor of the track who has no part in the application yet";
            return Err(Error::invalid_field("/rater", "inconsistent", detail));
        }
        if let Some(tie) = self.conflicts(conn, row.candidate(), &[rater.uuid()]).await?.first() {
            let detail = format!("has a tie to the candidate: {}", tie.kind);
            return Err(Error::invalid_field("/rater", "inconsistent", detail));
        }
        Ok(rater)
    }

    /// Decides an assessment. The application is assessed with it; the outcome is published at once or later.
    pub async fn finalize_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
        given: &Decide<'_>,
    ) -> Result<OutcomeRow> {
        let (mut row, transition, _) =
            self.begin_review(conn, actor, id, Some(seen), events::FINALIZE).await?;
        let now = self.ctx.clock.now();
        let rubric = self.rubric(conn, &row.rubric_version).await?;
        let means = Self::means_of(&self.counted(conn, &row).await?, &rubric);
        let mut errors = FieldErrors::new();
        check_reason_codes(given.reason_codes, given.outcome, &rubric, &mut errors);
        let told = feedback(given.feedback, &means, &rubric, &mut errors);
        errors.finish()?;
        let outcome = OutcomeRow {
            assessment_id: row.id,
            outcome: given.outcome.to_string(),
            reason_codes: given.reason_codes.to_vec(),
            reason: given.reason.to_owned(),
            means: Json(means),
            feedback: Json(told),
            decided_by_id: actor.account_id.uuid(),
            decided_at: now,
            publish_at: now + Duration::hours(row.policy()?.feedback_hours),
            published_at: None,
            appeal_until: None,
            superseded_at: None,
            raised_at: None,
        };
        store::outcomes::insert(conn, &outcome).await?;
        self.move_to(conn, &mut row, transition.to).await?;
        timers::clear(conn, ASSESSMENT.name, row.id, RATING_TIMERS).await?;
        self.set_rating_timer(conn, &row, events::PUBLISH, outcome.publish_at).await?;
        self.vetting.assessed_in(conn, ApplicationId::from_uuid(row.application_id)).await?;
        if given.publish_now {
            self.publish_in(conn, &row).await?;
        }
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action: "assessment.finalize",
            subject: id.to_string(),
            reason: Some(given.reason),
            data: json!({ "account_id": row.candidate(), "outcome": given.outcome,
                "reason_codes": given.reason_codes }),
        };
        audit::record(&self.ctx, conn, entry).await?;
        self.outcome_row(conn, id).await
    }

    /// The decision on an assessment.
    pub(super) async fn outcome_row(&self, conn: &mut Conn, id: AssessmentId) -> Result<OutcomeRow> {
        store::outcomes::find(conn, id).await?.ok_or_else(|| Error::not_found("outcome"))
    }

    /// Publishes the outcome of an assessment that the caller has locked, once: the application follows, the candidate is
    /// told.
    pub(super) async fn publish_in(&self, conn: &mut Conn, row: &AssessmentRow) -> Result<()> {
        let id = row.assessment_id();
        let Some(mut outcome) = store::outcomes::find(conn, id).await? else { return Ok(()) };
        if outcome.published_at.is_some() || outcome.superseded_at.is_some() {
            return Ok(());
        }
        let now = self.ctx.clock.now();
        timers::clear(conn, ASSESSMENT.name, row.id, &[events::PUBLISH]).await?;
        let application = ApplicationId::from_uuid(row.application_id);
        let by = AccountId::from_uuid(outcome.decided_by_id);
        let approved = outcome.outcome.parse::<Outcome>()? == Outcome::Approved;
        outcome.published_at = Some(now);
        // An application that was withdrawn meanwhile, or approved by an admin, stays as it is.
        if approved {
            self.vetting.approve_by_assessment_in(conn, by, application, id).await?;
        } else if self.vetting.fall_short_in(conn, by, application, id).await? {
            outcome.appeal_until = Some(now + Duration::days(row.policy()?.appeal_days));
        }
        store::outcomes::update(conn, &outcome).await?;
        self.tell_rated(conn, row, RatedStep::Published).await?;
        let data = json!({ "outcome": outcome.outcome, "reason_codes": outcome.reason_codes,
            "appeal_until": outcome.appeal_until });
        let audience = [Audience::Account(row.candidate())];
        notify::publish(&self.ctx, conn, row, "assessment.finalized", data.clone(), &audience).await?;
        notify::tell_reviewers(&self.ctx, conn, row, "assessment.finalized", data, None).await?;
        let template = Template::AssessmentDecided {
            approved,
            feedback: outcome.feedback.iter().map(|one| one.line()).collect(),
            url: notify::url(&self.ctx, row, "/outcome"),
            appeal_until: outcome.appeal_until,
        };
        notify::mail(&self.ctx, conn, row.candidate(), template).await
    }

    /// Grants another assessment, with another task. The decision after it counts the cards of both.
    pub async fn grant_redo_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<AssessmentRow> {
        let (mut row, transition, facts) =
            self.begin_review(conn, actor, id, Some(seen), events::GRANT_REDO).await?;
        let now = self.ctx.clock.now();
        self.vetting.reassess_in(conn, ApplicationId::from_uuid(row.application_id), id).await?;
        if let Some(mut outcome) = facts.outcome {
            outcome.superseded_at = Some(now);
            outcome.appeal_until = None;
            store::outcomes::update(conn, &outcome).await?;
        }
        self.move_to(conn, &mut row, transition.to).await?;
        let mut clocks = RATING_TIMERS.to_vec();
        clocks.push(events::PUBLISH);
        timers::clear(conn, ASSESSMENT.name, row.id, &clocks).await?;
        let redo = self.follow_in(conn, &row, RedoReason::Granted).await?;
        let data = json!({ "redo_id": redo.assessment_id() });
        let audience = [Audience::Account(row.candidate())];
        notify::publish(&self.ctx, conn, &row, "assessment.redo_granted", data.clone(), &audience).await?;
        notify::tell_reviewers(&self.ctx, conn, &row, "assessment.redo_granted", data.clone(), None).await?;
        let mut data = data;
        data["account_id"] = json!(row.candidate());
        let entry = audit::Entry {
            actor: Some(actor.account_id),
            action: "assessment.grant_redo",
            subject: id.to_string(),
            reason: Some(reason),
            data,
        };
        audit::record(&self.ctx, conn, entry).await?;
        Ok(redo)
    }
}
