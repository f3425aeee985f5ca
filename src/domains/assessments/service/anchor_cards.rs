//! The rater's own anchor card: read, saved, submitted once. A submission touches the card alone.

use assay_kernel::error::FieldError;
use assay_kernel::ids::{AccountId, AnchorCardId, AnchorSessionId};
use assay_kernel::process::Actions;
use assay_kernel::{Actor, Error, Result};
use assay_notifications::Template;
use assay_platform::db::{Conn, Json};
use assay_platform::timers;
use assay_platform::timers::Fired;
use assay_platform::web::IfMatch;
use serde_json::{Map, Value};

use super::Assessments;
use crate::model::rating::CardState;
use crate::model::{ANCHOR_CARD, Quarter, anchor_events};
use crate::policy::staff;
use crate::store;
use crate::store::anchor_cards::AnchorCardRow;
use crate::store::anchors::AnchorSessionRow;

/// A rater's own anchor card.
#[derive(Debug)]
pub struct OwnAnchorCard {
    /// The row.
    pub row: AnchorCardRow,
    /// What it rates.
    pub session: AnchorSessionRow,
    /// What submission still lacks.
    pub lacking: Vec<FieldError>,
    /// Is it late?
    pub overdue: bool,
    /// What the caller can do.
    pub actions: Actions,
}

impl AnchorCardRow {
    /// Is it to be filled in?
    pub fn is_open(&self) -> bool {
        self.state == CardState::Open.as_str()
    }
}

impl Assessments {
    fn is_over(&self, session: &AnchorSessionRow) -> bool {
        session.quarter().ends_at() <= self.ctx.clock.now()
    }

    fn anchor_blocked(&self, guard: &str, session: &AnchorSessionRow) -> Option<String> {
        (guard == "in_quarter" && self.is_over(session)).then(|| "The quarter is over.".to_owned())
    }

    async fn shown_anchor_card(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        row: AnchorCardRow,
        session: AnchorSessionRow,
    ) -> Result<OwnAnchorCard> {
        let lacking = match row.is_open() {
            true => self.lacking(conn, &row.content, &row.rubric_version).await?.into_vec(),
            false => Vec::new(),
        };
        let blocked = |guard: &str| self.anchor_blocked(guard, &session);
        let mut actions = ANCHOR_CARD.actions(&row.state, &staff(actor), |_, guard| blocked(guard));
        // A reviewer's withdrawal is the session's; a card that lacks something cannot be submitted.
        let own = |action: &str| match action {
            anchor_events::SUBMIT => lacking.is_empty(),
            other => other == anchor_events::EDIT,
        };
        actions.allowed.retain(|action| own(action));
        let overdue = row.is_open() && row.due_at <= self.ctx.clock.now();
        Ok(OwnAnchorCard { row, session, lacking, overdue, actions })
    }

    async fn own_anchor(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AnchorCardId,
        lock: bool,
    ) -> Result<(AnchorCardRow, AnchorSessionRow)> {
        let missing = || Error::not_found("anchor card");
        let card = store::anchor_cards::find(conn, id, lock).await?;
        let card = card.filter(|card| card.rater_id == actor.account_id.uuid()).ok_or_else(missing)?;
        let session = AnchorSessionId::from_uuid(card.anchor_session_id);
        let session = store::anchors::find(conn, session, false).await?.ok_or_else(missing)?;
        Ok((card, session))
    }

    /// The caller's anchor card.
    pub async fn own_anchor_card(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AnchorCardId,
    ) -> Result<OwnAnchorCard> {
        let (card, session) = self.own_anchor(conn, actor, id, false).await?;
        self.shown_anchor_card(conn, actor, card, session).await
    }

    /// The anchor cards that wait for the caller, the soonest due first.
    pub async fn open_anchor_cards(
        &self,
        conn: &mut Conn,
        actor: &Actor,
    ) -> Result<Vec<(AnchorCardRow, AnchorSessionRow)>> {
        let quarter = Quarter::of(self.ctx.clock.now());
        Ok(store::anchor_cards::open_of(conn, actor.account_id, quarter).await?)
    }

    /// Locks the caller's card as it was seen, when it can take the event.
    async fn begin_anchor_card(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AnchorCardId,
        seen: &IfMatch,
        event: &str,
    ) -> Result<(AnchorCardRow, AnchorSessionRow, &'static str)> {
        let (card, session) = self.own_anchor(conn, actor, id, true).await?;
        let transition = ANCHOR_CARD.transition(&card.state, event, &staff(actor))?;
        seen.check(card.version)?;
        ANCHOR_CARD.check(transition, |guard| self.anchor_blocked(guard, &session))?;
        Ok((card, session, transition.to))
    }

    async fn save_anchor_card(&self, conn: &mut Conn, card: &mut AnchorCardRow) -> Result<()> {
        card.version = card.version.saturating_add(1);
        card.updated_at = self.ctx.clock.now();
        Ok(store::anchor_cards::update(conn, card).await?)
    }

    /// Saves what the rater has so far, by a merge patch.
    pub async fn save_anchor_card_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AnchorCardId,
        seen: &IfMatch,
        patch: &Map<String, Value>,
    ) -> Result<OwnAnchorCard> {
        let (mut card, session, _) =
            self.begin_anchor_card(conn, actor, id, seen, anchor_events::EDIT).await?;
        let content = self.redrafted(conn, &card.content, &card.rubric_version, patch).await?;
        if content != *card.content {
            card.content = Json(content);
            self.save_anchor_card(conn, &mut card).await?;
        }
        self.shown_anchor_card(conn, actor, card, session).await
    }

    /// Submits the card, once and for good.
    pub async fn submit_anchor_card_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: AnchorCardId,
        seen: &IfMatch,
    ) -> Result<OwnAnchorCard> {
        let (mut card, session, to) =
            self.begin_anchor_card(conn, actor, id, seen, anchor_events::SUBMIT).await?;
        self.lacking(conn, &card.content, &card.rubric_version).await?.finish()?;
        card.state = to.to_owned();
        card.submitted_at = Some(self.ctx.clock.now());
        self.save_anchor_card(conn, &mut card).await?;
        timers::clear(conn, ANCHOR_CARD.name, card.id, &[anchor_events::REMIND]).await?;
        self.shown_anchor_card(conn, actor, card, session).await
    }

    /// Reminds a rater whose card is not in, before it is due and when it is, and sets the next reminder.
    pub async fn on_remind_anchor(&self, fired: Fired) -> Result<()> {
        let id = AnchorCardId::from_uuid(fired.subject);
        self.ctx
            .db
            .tx(async |conn| {
                let found = store::anchor_cards::find(conn, id, true).await?;
                let Some(card) = found.filter(AnchorCardRow::is_open) else { return Ok(()) };
                let session = AnchorSessionId::from_uuid(card.anchor_session_id);
                let session = store::anchors::find(conn, session, false).await?;
                if session.is_none_or(|session| self.is_over(&session)) {
                    return Ok(());
                }
                self.remind_of_anchor(conn, &card, fired.due_at).await?;
                let template = Template::AnchorCardDue { url: self.anchor_cards_url(), due_at: card.due_at };
                self.mail_once(conn, AccountId::from_uuid(card.rater_id), template, "due").await
            })
            .await
    }
}
