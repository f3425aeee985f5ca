//! The rater's own card: read, saved, submitted once. Nothing here tells anything of another's card: a first submission
//! touches the card alone, and takes the same steps whether or not the other is in.

use assay_kernel::error::{FieldError, FieldErrors};
use assay_kernel::ids::AssessmentId;
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Permission, Result};
use assay_platform::db::Conn;
use assay_platform::db::Json;
use assay_platform::web::IfMatch;
use assay_platform::{input, timers};
use chrono::{Duration, Utc};
use serde_json::{Map, Value, json};

use super::rating_access::RATING_TIMERS;
use super::scored::{PassLine, RatedStep};
use super::{Assessments, notify};
use crate::model::rating::{CardContent, CardRole, CardState, disagreement};
use crate::model::{ASSESSMENT, AssessmentState, events};
use crate::store;
use crate::store::assessments::AssessmentRow;
use crate::store::cards::CardRow;

/// A rater's own card.
#[derive(Debug)]
pub struct OwnCard {
    /// The row.
    pub row: CardRow,
    /// What submission still lacks.
    pub lacking: Vec<FieldError>,
    /// Is it late?
    pub overdue: bool,
}

impl CardRow {
    /// Is it to be filled in?
    pub fn is_open(&self) -> bool {
        self.state == CardState::Open.as_str()
    }
}

impl Assessments {
    async fn shown_card(&self, conn: &mut Conn, row: CardRow) -> Result<OwnCard> {
        let lacking = match row.is_open() {
            true => self.lacking(conn, &row.content, &row.rubric_version).await?.into_vec(),
            false => Vec::new(),
        };
        let overdue = row.is_open() && row.due_at <= self.ctx.clock.now();
        Ok(OwnCard { row, lacking, overdue })
    }

    /// What a card, an anchor card too, lacks to be submitted.
    pub(super) async fn lacking(
        &self,
        conn: &mut Conn,
        content: &CardContent,
        rubric: &str,
    ) -> Result<FieldErrors> {
        let mut errors = FieldErrors::new();
        content.check_whole(&self.rubric(conn, rubric).await?, &mut errors);
        Ok(errors)
    }

    /// A draft of a card, an anchor card too, as the merge patch leaves it.
    pub(super) async fn redrafted(
        &self,
        conn: &mut Conn,
        content: &CardContent,
        rubric: &str,
        patch: &Map<String, Value>,
    ) -> Result<CardContent> {
        let content: CardContent = input::merge(content, patch)?;
        let mut errors = FieldErrors::new();
        content.check_draft(&self.rubric(conn, rubric).await?, &mut errors);
        errors.finish()?;
        Ok(content)
    }

    /// The caller's card of an assessment.
    pub async fn own_card(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<OwnCard> {
        let card = store::cards::own(conn, id, actor.account_id, false).await?;
        self.shown_card(conn, card.ok_or_else(|| Error::not_found("card"))?).await
    }

    /// The cards that wait for the caller, the soonest due first.
    pub async fn open_cards(&self, conn: &mut Conn, actor: &Actor) -> Result<Vec<CardRow>> {
        Ok(store::cards::open_of(conn, actor.account_id).await?)
    }

    /// Locks the caller's open card as it was seen.
    async fn begin_card(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
        act: &str,
    ) -> Result<CardRow> {
        let card = store::cards::own(conn, id, actor.account_id, true).await?;
        let card = card.ok_or_else(|| Error::not_found("card"))?;
        actor.require(Permission::Assessor)?;
        if !card.is_open() {
            let detail = format!("A card that is `{}` cannot take `{act}`.", card.state);
            return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
        }
        seen.check(card.version)?;
        Ok(card)
    }

    async fn save_card(&self, conn: &mut Conn, card: &mut CardRow) -> Result<()> {
        card.version = card.version.saturating_add(1);
        card.updated_at = self.ctx.clock.now();
        Ok(store::cards::update(conn, card).await?)
    }

    /// Saves what the rater has so far, by a merge patch.
    pub async fn save_card_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
        patch: &Map<String, Value>,
    ) -> Result<OwnCard> {
        let mut card = self.begin_card(conn, actor, id, seen, "edit").await?;
        let content = self.redrafted(conn, &card.content, &card.rubric_version, patch).await?;
        if content != *card.content {
            card.content = Json(content);
            self.save_card(conn, &mut card).await?;
        }
        self.shown_card(conn, card).await
    }

    /// Submits the card, once and for good. The assessment goes on when it was the last that is asked for.
    pub async fn submit_card_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AssessmentId,
        seen: &IfMatch,
    ) -> Result<OwnCard> {
        // Whoever submits second, of two at the same instant, waits here and then finds the first card in.
        let assessment = store::assessments::lock(conn, id).await?.ok_or_else(|| Error::not_found("card"))?;
        let mut card = self.begin_card(conn, actor, id, seen, "submit").await?;
        self.lacking(conn, &card.content, &card.rubric_version).await?.finish()?;
        card.state = CardState::Submitted.to_string();
        card.submitted_at = Some(self.ctx.clock.now());
        self.save_card(conn, &mut card).await?;
        self.rated_on(conn, assessment, card.role.parse()?).await?;
        self.shown_card(conn, card).await
    }

    /// What a submitted card sets going.
    async fn rated_on(&self, conn: &mut Conn, mut row: AssessmentRow, role: CardRole) -> Result<()> {
        use AssessmentState as S;
        match (row.state()?, role) {
            (S::InReview, CardRole::Lead | CardRole::Observer) => self.compare(conn, row).await,
            (S::Adjudication, CardRole::Third) => {
                timers::clear(conn, ASSESSMENT.name, row.id, RATING_TIMERS).await?;
                self.tell_rated(conn, &row, RatedStep::CardsIn).await?;
                self.ready_to_decide(conn, &row, "assessment.third_card_in", json!({})).await
            }
            (S::Appealed, CardRole::Appeal) => {
                timers::clear(conn, ASSESSMENT.name, row.id, RATING_TIMERS).await?;
                self.step(conn, &mut row, events::RE_REVIEW).await?;
                self.tell_rated(conn, &row, RatedStep::CardsIn).await?;
                let kind = "assessment.re_reviewed";
                notify::tell_reviewers(&self.ctx, conn, &row, kind, json!({}), None).await
            }
            _ => Ok(()),
        }
    }

    /// When both cards are in: they agree and decide, or a third rater is asked.
    async fn compare(&self, conn: &mut Conn, mut row: AssessmentRow) -> Result<()> {
        let cards = store::cards::of(conn, row.assessment_id()).await?;
        let of = |role: CardRole| cards.iter().find(|card| card.role == role.as_str() && !card.is_open());
        let (Some(lead), Some(observer)) = (of(CardRole::Lead), of(CardRole::Observer)) else {
            return Ok(());
        };
        timers::clear(conn, ASSESSMENT.name, row.id, RATING_TIMERS).await?;
        let rubric = self.rubric(conn, &lead.rubric_version).await?;
        let levels = row.policy()?.disagreement_levels;
        let standing = self.tell_rated(conn, &row, RatedStep::CardsIn).await?;
        let apart = disagreement(&lead.content, &observer.content, &rubric, levels).is_some();
        if !apart && standing == PassLine::Clear {
            self.step(conn, &mut row, events::AGREE).await?;
            return self.ready_to_decide(conn, &row, "assessment.agreed", json!({})).await;
        }
        self.step(conn, &mut row, events::DISAGREE).await?;
        notify::tell_reviewers(&self.ctx, conn, &row, "assessment.disagreed", json!({}), None).await?;
        self.ask_somebody(conn, &row, CardRole::Third, self.ctx.clock.now()).await
    }

    /// Every card is in: a reviewer decides, in time.
    async fn ready_to_decide(
        &self,
        conn: &mut Conn,
        row: &AssessmentRow,
        kind: &str,
        data: Value,
    ) -> Result<()> {
        let due_at: chrono::DateTime<Utc> =
            self.ctx.clock.now() + Duration::hours(row.policy()?.feedback_hours);
        self.set_rating_timer(conn, row, events::FEEDBACK_OVERDUE, due_at).await?;
        notify::tell_reviewers(&self.ctx, conn, row, kind, data, None).await
    }

    /// May the machine take an event of the system now?
    pub(super) fn takes(row: &AssessmentRow, event: &str) -> bool {
        ASSESSMENT.transition(&row.state, event, &[Who::System]).is_ok()
    }
}
