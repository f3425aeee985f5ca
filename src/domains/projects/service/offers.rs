//! Offers on a bid: made, countered, accepted, declined, rescinded. Acceptance awards the project, once.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{BidId, OfferId};
use assay_kernel::process::Who;
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Error, Result};
use assay_platform::db::{Conn, Json};
use assay_platform::timers;
use assay_platform::web::IfMatch;
use chrono::{Duration, NaiveDate};
use serde::Deserialize;
use serde_json::json;
use validator::Validate;

use super::bids::BidDetail;
use super::seats::Seat;
use super::{Projects, notify};
use crate::model::{
    BID, PROJECT, Party, Price, bid_events as events, check_prices, project_events, total_of,
};
use crate::store;
use crate::store::bids::{BidRow, OfferRow};
use crate::store::projects::ProjectRow;

/// The terms of an offer or counter-offer. What is left out stays as in the bid, or in the offer that is countered.
#[derive(Debug, Clone, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// One price for each milestone.
    #[validate(nested, length(min = 1, max = 20))]
    #[serde(default)]
    #[schema(min_items = 1, max_items = 20)]
    pub prices: Option<Vec<Price>>,
    /// When work starts.
    #[serde(default)]
    #[schema(example = "2027-01-18")]
    pub starts_on: Option<NaiveDate>,
    /// A few words to the other side.
    #[validate(length(max = 2_000), custom(function = "text::prose"))]
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, example = "Could you start a week earlier?")]
    pub message: Text,
}

impl Projects {
    /// The client makes an offer on a bid.
    pub async fn offer_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
        terms: Terms,
    ) -> Result<BidDetail> {
        self.propose(conn, actor, id, seen, terms, events::OFFER).await
    }

    /// Either side answers an offer with other terms.
    pub async fn counter_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
        terms: Terms,
    ) -> Result<BidDetail> {
        self.propose(conn, actor, id, seen, terms, events::COUNTER).await
    }

    async fn propose(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
        terms: Terms,
        event: &str,
    ) -> Result<BidDetail> {
        let (project, mut row, seat) = self.lock_bid(conn, actor, id).await?;
        let transition = BID.transition(&row.state, event, &seat.who)?;
        seen.check(row.version)?;
        let party = Self::party(&seat)?;
        let offers = store::bids::offers_of(conn, row.id).await?;
        let open = offers.iter().find(|offer| offer.state == "open");
        let offer = self.draw_up(&project, &row, open, offers.len(), actor, party, terms)?;
        let client_total = row.quote(offer.total_amount)?.client_total;
        self.check_guards(conn, transition, &project, &row, &seat, Some(client_total)).await?;

        store::bids::end_offers(conn, &[row.id], "countered").await?;
        store::bids::insert_offer(conn, &offer).await?;
        timers::set(&self.ctx, conn, BID.name, row.id, events::EXPIRE_OFFER, offer.expires_at).await?;
        row.state = transition.to.to_owned();
        self.save_bid(conn, &mut row).await?;
        if party == Party::Client {
            self.touch_client(conn, &project).await?;
            notify::mail_offer(&self.ctx, conn, &project, id, row.developer(), offer.expires_at).await?;
        }
        let kind = if event == events::OFFER { "offer.made" } else { "offer.countered" };
        let data = json!({
            "offer_id": OfferId::from_uuid(offer.id), "by": party, "total": row.quote(offer.total_amount)?.price,
            "expires_at": offer.expires_at,
        });
        self.tell(conn, &project, &row, kind, data).await?;
        self.bid_detail(conn, &project, row, seat).await
    }

    #[allow(clippy::too_many_arguments)] // an offer is drawn up from all of them
    fn draw_up(
        &self,
        project: &ProjectRow,
        row: &BidRow,
        open: Option<&OfferRow>,
        earlier: usize,
        actor: &Actor,
        party: Party,
        terms: Terms,
    ) -> Result<OfferRow> {
        let prices: Vec<Price> = match (terms.prices, open) {
            (Some(prices), _) => prices,
            (None, Some(open)) => open.prices.0.clone(),
            (None, None) => row.document.prices.clone(),
        };
        let mut errors = FieldErrors::new();
        check_prices(&prices, &project.milestones, &mut errors);
        let now = self.ctx.clock.now();
        if let Some(start) = terms.starts_on {
            let today = now.date_naive();
            let within = start >= today && start <= today + chrono::Days::new(730);
            errors.check(
                within,
                "/starts_on",
                "out_of_range",
                "must not be in the past, nor more than two years away",
            );
        }
        errors.finish()?;
        let total = total_of(&prices, row.currency()?).ok_or_else(|| {
            Error::invalid_field("/prices", "out_of_range", "sum to more than can be carried")
        })?;
        Ok(OfferRow {
            id: self.ctx.ids.uuid(),
            bid_id: row.id,
            sequence: i32::try_from(earlier.saturating_add(1)).map_err(Error::internal)?,
            made_by: party.as_str().to_owned(),
            made_by_id: actor.account_id.uuid(),
            state: "open".to_owned(),
            prices: Json(prices),
            total_amount: total.amount,
            starts_on: terms.starts_on.or(open.map(|offer| offer.starts_on)).unwrap_or(row.starts_on),
            message: terms.message.into_string(),
            expires_at: now + Duration::days(self.ctx.policy.bids.offer_days),
            created_at: now,
        })
    }

    /// The side that is asked accepts: the project is awarded, every other bid closed.
    pub async fn accept_offer_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
    ) -> Result<BidDetail> {
        let (mut project, mut row, seat) = self.lock_bid(conn, actor, id).await?;
        let transition = BID.transition(&row.state, events::ACCEPT_OFFER, &seat.who)?;
        seen.check(row.version)?;
        let offer = self.open_offer(conn, &row).await?;
        let client_total = row.quote(offer.total_amount)?.client_total;
        self.check_guards(conn, transition, &project, &row, &seat, Some(client_total)).await?;

        row.state = transition.to.to_owned();
        row.total_amount = offer.total_amount;
        row.starts_on = offer.starts_on;
        row.document.prices = offer.prices.0.clone();
        row.revision = row.revision.saturating_add(1);
        self.save_bid(conn, &mut row).await?;
        store::bids::insert_revision(conn, &row, row.updated_at).await?;
        store::bids::end_offers(conn, &[row.id], "accepted").await?;
        timers::clear(conn, BID.name, row.id, &[]).await?;
        store::bids::return_places(conn, row.project_id, &[row.developer_id]).await?;

        project.state =
            PROJECT.transition(&project.state, project_events::AWARD, &[Who::System])?.to.to_owned();
        self.save(conn, &mut project).await?;
        self.close_market(conn, &project, Some(row.id), "closed").await?;
        let data = json!({
            "offer_id": OfferId::from_uuid(offer.id), "total": row.quote(offer.total_amount)?.price,
            "starts_on": offer.starts_on,
        });
        self.tell(conn, &project, &row, "offer.accepted", data).await?;
        notify::project(&self.ctx, conn, &project, "project.awarded", json!({ "bid_id": id })).await?;
        self.bid_detail(conn, &project, row, seat).await
    }

    /// The developer declines the client's offer; the bid stays on the short list.
    pub async fn decline_offer_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
    ) -> Result<BidDetail> {
        self.end_offer(conn, actor, id, seen, events::DECLINE_OFFER, "declined").await
    }

    /// The client takes the negotiation back; the bid stays on the short list.
    pub async fn rescind_offer_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
    ) -> Result<BidDetail> {
        self.end_offer(conn, actor, id, seen, events::RESCIND_OFFER, "rescinded").await
    }

    async fn end_offer(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
        event: &str,
        to: &str,
    ) -> Result<BidDetail> {
        let (project, mut row, seat) = self.lock_bid(conn, actor, id).await?;
        let transition = BID.transition(&row.state, event, &seat.who)?;
        seen.check(row.version)?;
        let offer = self.open_offer(conn, &row).await?;
        row.state = transition.to.to_owned();
        self.save_bid(conn, &mut row).await?;
        store::bids::end_offers(conn, &[row.id], to).await?;
        timers::clear(conn, BID.name, row.id, &[events::EXPIRE_OFFER]).await?;
        if Self::is_client(&seat) {
            self.touch_client(conn, &project).await?;
        }
        let data = json!({ "offer_id": OfferId::from_uuid(offer.id) });
        self.tell(conn, &project, &row, &format!("offer.{to}"), data).await?;
        self.bid_detail(conn, &project, row, seat).await
    }

    fn is_client(seat: &Seat) -> bool {
        seat.who.contains(&Who::Client)
    }

    async fn open_offer(&self, conn: &mut Conn, row: &BidRow) -> Result<OfferRow> {
        store::bids::offers_of(conn, row.id)
            .await?
            .into_iter()
            .find(|offer| offer.state == "open")
            .ok_or_else(|| Error::internal("a negotiated bid has no open offer"))
    }
}
