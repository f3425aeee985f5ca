//! Who may do what in the rating of an assessment.

use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::process::{Transition, Who};
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use assay_platform::web::IfMatch;
use uuid::Uuid;

use super::Assessments;
use crate::model::rating::{CardRole, CardState};
use crate::model::{ASSESSMENT, AssessmentState, events};
use crate::policy;
use crate::store;
use crate::store::assessments::AssessmentRow;
use crate::store::cards::CardRow;
use crate::store::outcomes::{AppealRow, OutcomeRow};

/// Who the actor is to an assessment.
pub fn who(actor: &Actor, row: &AssessmentRow) -> Vec<Who> {
    policy::who(actor, row.candidate_id)
}

/// What the guards of the rating look at, besides the row.
pub struct RatingFacts {
    /// The cards that count or are asked for.
    pub cards: Vec<CardRow>,
    /// The decision.
    pub outcome: Option<OutcomeRow>,
    /// The appeal against it.
    pub appeal: Option<AppealRow>,
    /// What ties the caller to the candidate.
    tied: bool,
    /// Has the caller rated any session of the application?
    rated: bool,
    /// Redos granted on the application.
    redos: usize,
    /// Does a concern about integrity wait for a decision?
    concern: bool,
}

impl RatingFacts {
    /// The card of a role.
    pub fn card(&self, role: CardRole) -> Option<&CardRow> {
        self.cards.iter().find(|card| card.role == role.as_str())
    }

    fn is_in(&self, role: CardRole) -> bool {
        self.card(role).is_some_and(|card| card.state == CardState::Submitted.as_str())
    }

    /// Is the first rating over, the third card included where one is asked for? Before, nobody sees any card but the
    /// own.
    pub fn rated_out(&self, state: AssessmentState) -> bool {
        use AssessmentState as S;
        match state {
            S::Agreed | S::Finalized | S::Appealed | S::ReReviewed => true,
            S::Adjudication => self.is_in(CardRole::Third),
            _ => false,
        }
    }
}

impl Assessments {
    /// An assessment whose rating staff may look into: not while they have a card of the application to fill in, be it
    /// an anchor card.
    pub(super) async fn require_no_open_card(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        row: &AssessmentRow,
    ) -> Result<()> {
        let me = actor.account_id;
        if store::cards::has_open(conn, row.application_id, me).await?
            || store::anchor_cards::has_open(conn, Some(row.application_id), me).await?
        {
            let detail = "You rate this assessment: submit your own card first.";
            return Err(Error::new(Code::Forbidden, detail));
        }
        Ok(())
    }

    /// An assessment, locked.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn assessment(&self, conn: &mut Conn, id: AssessmentId) -> Result<AssessmentRow> {
        store::assessments::lock(conn, id).await?.ok_or_else(|| Error::not_found("assessment"))
    }

    /// Does the person rate an assessment of which a card waits for them, from the record or after having been there?
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rates_in(&self, conn: &mut Conn, id: AssessmentId, rater: AccountId) -> Result<bool> {
        let card = store::cards::own(conn, id, rater, false).await?;
        Ok(card.is_some_and(|card| card.state != CardState::Withdrawn.as_str()))
    }

    pub(super) async fn rating_facts(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        row: &AssessmentRow,
    ) -> Result<RatingFacts> {
        let id = row.assessment_id();
        let caller = actor.account_id;
        let ties = self.conflicts(conn, row.candidate(), &[caller.uuid()]).await?;
        let family = store::assessments::of_application(conn, row.application_id).await?;
        Ok(RatingFacts {
            cards: store::cards::of(conn, id).await?,
            outcome: store::outcomes::find(conn, id).await?,
            appeal: store::outcomes::appeal(conn, id).await?,
            tied: !ties.is_empty(),
            rated: store::cards::has_rated(conn, row.application_id, caller).await?,
            concern: store::integrity::any_open(conn, id).await?,
            redos: family.iter().filter(|one| one.redo_reason.as_deref() == Some("granted")).count(),
        })
    }

    /// Begins an act of a reviewer: locks the assessment, asks the table, compares what was seen, checks the guards.
    pub(super) async fn begin_review(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: Option<&IfMatch>,
        event: &str,
    ) -> Result<(AssessmentRow, &'static Transition, RatingFacts)> {
        let row = self.assessment(conn, id).await?;
        self.require_no_open_card(conn, actor, &row).await?;
        let transition = ASSESSMENT.transition(&row.state, event, &who(actor, &row))?;
        if let Some(seen) = seen {
            seen.check(row.version)?;
        }
        let facts = self.rating_facts(conn, actor, &row).await?;
        ASSESSMENT.check(transition, |guard| self.rating_blocked(guard, &row, &facts, actor))?;
        Ok((row, transition, facts))
    }

    /// Moves an assessment that the caller has locked, with the next version.
    pub(super) async fn move_to(&self, conn: &mut Conn, row: &mut AssessmentRow, state: &str) -> Result<()> {
        row.state = state.to_owned();
        self.save(conn, row).await
    }

    /// Moves an assessment by an event of the system.
    pub(super) async fn step(&self, conn: &mut Conn, row: &mut AssessmentRow, event: &str) -> Result<()> {
        let to = ASSESSMENT.transition(&row.state, event, &[Who::System])?.to;
        self.move_to(conn, row, to).await
    }

    /// Why a guard of the rating blocks this caller now.
    pub(super) fn rating_blocked(
        &self,
        guard: &str,
        row: &AssessmentRow,
        facts: &RatingFacts,
        actor: &Actor,
    ) -> Option<String> {
        let unless = |holds: bool, detail: &str| (!holds).then(|| detail.to_owned());
        let now = self.ctx.clock.now();
        let caller: Uuid = actor.account_id.uuid();
        match guard {
            "cards_in" => {
                let state = row.state().ok();
                unless(
                    state.is_some_and(|state| facts.rated_out(state)),
                    "Not every card that is asked for has been submitted.",
                )
            }
            "no_concern" => unless(!facts.concern, "A concern about integrity waits for a decision."),
            "no_conflict" => unless(
                !facts.tied && !facts.rated && actor.account_id != row.candidate(),
                "Somebody decides who has no tie to the candidate and did not rate.",
            ),
            "another_decided" => unless(
                facts.outcome.as_ref().is_none_or(|outcome| outcome.decided_by_id != caller),
                "You made the decision that is appealed; another reviewer answers.",
            ),
            "redo_left" => {
                let most = row.policy().map_or(0, |policy| policy.max_redos);
                let approved = facts.outcome.as_ref().is_some_and(|outcome| {
                    outcome.published_at.is_some()
                        && (outcome.outcome == "approved" || outcome.raised_at.is_some())
                });
                let superseded =
                    facts.outcome.as_ref().is_some_and(|outcome| outcome.superseded_at.is_some());
                unless(
                    usize::try_from(most).is_ok_and(|most| facts.redos < most) && !approved && !superseded,
                    "The redos of this application are used up, or it is approved.",
                )
            }
            "appeal_open" => {
                let open = facts.appeal.is_none()
                    && facts.outcome.as_ref().is_some_and(|outcome| {
                        outcome.superseded_at.is_none()
                            && outcome.appeal_until.is_some_and(|until| now <= until)
                    });
                unless(open, "An outcome that is not ready can be appealed for a time, once.")
            }
            "card_overdue" => unless(
                facts.cards.iter().any(|card| card.state == CardState::Open.as_str() && card.due_at <= now)
                    || self.missing_role(row, facts).is_some(),
                "No card is late, and none lacks a rater.",
            ),
            _ => None,
        }
    }

    /// The card that is asked for but that nobody has.
    pub(super) fn missing_role(&self, row: &AssessmentRow, facts: &RatingFacts) -> Option<CardRole> {
        use AssessmentState as S;
        let wanted: &[CardRole] = match row.state().ok()? {
            S::InReview => &[CardRole::Lead, CardRole::Observer],
            S::Adjudication => &[CardRole::Third],
            S::Appealed => &[CardRole::Appeal],
            _ => &[],
        };
        wanted.iter().copied().find(|role| facts.card(*role).is_none())
    }
}

/// The timers of the rating.
pub const RATING_TIMERS: &[&str] = &[events::REMIND_RATERS, events::RATING_OVERDUE, events::FEEDBACK_OVERDUE];
