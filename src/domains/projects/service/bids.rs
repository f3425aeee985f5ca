//! Bids: placing under the caps, revising, the client's comparison, declining, withdrawing.

use std::collections::BTreeMap;

use assay_kernel::ids::{AccountId, BidId, DeliverableId, InvitationId, OrganisationId, ProjectId};
use assay_kernel::process::{Actions, Who};
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Currency, Error, Money, Result, Scope};
use assay_platform::db::{Conn, Json};
use assay_platform::input;
use assay_platform::web::IfMatch;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;
use validator::Validate;

use super::seats::{Seat, guard_for_bidder, project_open};
use super::{Projects, Relation, notify};
use crate::model::{
    Approach, BID, BidDocument, BidState, PROJECT, Price, ProjectState, Quote, bid_events as events,
    check_document, project_events, total_of,
};
use crate::store;
use crate::store::bids::{BidRow, BidderRow, OfferRow};
use crate::store::projects::ProjectRow;

/// What a developer writes of a bid.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BidContent {
    /// One price for each milestone of the project.
    #[validate(nested, length(min = 1, max = 20))]
    #[schema(min_items = 1, max_items = 20)]
    pub prices: Vec<Price>,
    /// One approach for each deliverable: how its acceptance check will be met.
    #[validate(nested, length(min = 1, max = 600))]
    #[schema(min_items = 1, max_items = 600)]
    pub approaches: Vec<ApproachInput>,
    /// What may go wrong, and what then.
    #[validate(nested, length(max = 10))]
    #[serde(default)]
    #[schema(max_items = 10)]
    pub risks: Vec<RiskInput>,
    /// What is done first.
    #[validate(length(min = 10, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 1000, example = "Load one closed month from all three ledgers and show what does not match.")]
    pub first_step: Text,
    /// When work can start.
    #[schema(example = "2027-01-18")]
    pub starts_on: NaiveDate,
}

/// How a deliverable's acceptance check will be met.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproachInput {
    /// Which deliverable.
    pub deliverable_id: DeliverableId,
    /// How.
    #[validate(length(min = 10, max = 2_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 2000, example = "Parser combinators with a corpus of your real files as tests.")]
    pub approach: Text,
}

/// A risk.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskInput {
    /// What may go wrong, and what then.
    #[validate(length(min = 5, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 5, max_length = 1000, example = "A ledger's export may change its columns; the importer names the column that it misses.")]
    pub risk: Text,
}

impl BidContent {
    fn document(self) -> (BidDocument, NaiveDate) {
        let document = BidDocument {
            prices: self.prices,
            approaches: self
                .approaches
                .into_iter()
                .map(|a| Approach { deliverable_id: a.deliverable_id, approach: a.approach.into_string() })
                .collect(),
            risks: self.risks.into_iter().map(|risk| risk.risk.into_string()).collect(),
            first_step: self.first_step.into_string(),
        };
        (document, self.starts_on)
    }

    fn of(row: &BidRow) -> Self {
        let document = row.document.0.clone();
        Self {
            prices: document.prices,
            approaches: document
                .approaches
                .into_iter()
                .map(|a| ApproachInput { deliverable_id: a.deliverable_id, approach: Text::new(&a.approach) })
                .collect(),
            risks: document.risks.iter().map(|risk| RiskInput { risk: Text::new(risk) }).collect(),
            first_step: Text::new(&document.first_step),
            starts_on: row.starts_on,
        }
    }
}

/// A bid as one of its two sides sees it.
#[derive(Debug)]
pub struct BidDetail {
    /// The row.
    pub row: BidRow,
    /// What both sides pay and get.
    pub quote: Quote,
    /// Offers, oldest first.
    pub offers: Vec<OfferRow>,
    /// The bidder.
    pub bidder: Option<BidderRow>,
    /// What the caller can do.
    pub actions: Actions,
}

impl BidRow {
    /// The bid's id.
    pub fn bid_id(&self) -> BidId {
        BidId::from_uuid(self.id)
    }

    /// Who bids.
    pub fn developer(&self) -> AccountId {
        AccountId::from_uuid(self.developer_id)
    }

    /// On what.
    pub fn project(&self) -> ProjectId {
        ProjectId::from_uuid(self.project_id)
    }

    /// Its state.
    pub fn state(&self) -> Result<BidState> {
        self.state.parse()
    }

    /// Its currency.
    pub fn currency(&self) -> Result<Currency> {
        Currency::parse(&self.currency).ok_or_else(|| Error::internal("a stored currency is unknown"))
    }

    /// The quote for a price under the fees that were shown with the bid.
    pub fn quote(&self, amount: i64) -> Result<Quote> {
        let bps = |stored: i32| u32::try_from(stored).map_err(Error::internal);
        Ok(Quote::new(
            Money::new(amount, self.currency()?),
            bps(self.client_fee_bps)?,
            bps(self.developer_fee_bps)?,
        ))
    }
}

impl Projects {
    /// Places a bid (or keeps a draft of one).
    ///
    /// # Errors
    /// `not_found`, `guard_failed` (not approved, project closed, own organisation), `limit_reached` (eight live bids),
    /// `already_exists` (one live bid a project), `invalid_fields`.
    pub async fn place_bid_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        project: ProjectId,
        content: BidContent,
        draft: bool,
    ) -> Result<BidRow> {
        let now = self.ctx.clock.now();
        let found = store::bids::placing(conn, project, actor.account_id, now).await?;
        let (state, currency, milestones, starts_on, approved, own, invitation, organisation) =
            found.ok_or_else(|| Error::not_found("project"))?;
        if !project_open(&state) && (!own && invitation.is_none()) {
            return Err(Error::not_found("project"));
        }
        let submit = BID.transition(BID.initial, events::SUBMIT, &[Who::Developer])?;
        BID.check(submit, |guard| guard_for_bidder(guard, approved, project_open(&state)))?;
        if own {
            return Err(Error::new(Code::Forbidden, "You belong to the client's organisation."));
        }
        let currency =
            Currency::parse(&currency).ok_or_else(|| Error::internal("a stored currency is unknown"))?;
        let (document, start) = content.document();
        check_document(&document, &milestones)?;
        check_start(start, starts_on.min(now.date_naive()))?;
        let total = total_of(&document.prices, currency).ok_or_else(|| {
            Error::invalid_field("/prices", "out_of_range", "sum to more than can be carried")
        })?;
        let fees = &self.ctx.policy.fees;
        let mut row = BidRow {
            id: self.ctx.ids.uuid(),
            project_id: project.uuid(),
            developer_id: actor.account_id.uuid(),
            invitation_id: invitation,
            state: BID.initial.to_owned(),
            revision: 1,
            total_amount: total.amount,
            currency: currency.code().to_owned(),
            starts_on: start,
            document: Json(document),
            client_fee_bps: i32::try_from(fees.client_fee_bps).map_err(Error::internal)?,
            developer_fee_bps: i32::try_from(fees.developer_fee_bps).map_err(Error::internal)?,
            reason: None,
            version: 1,
            submitted_at: None,
            created_at: now,
            updated_at: now,
        };
        let one_live = |error: assay_platform::db::DbError| {
            if error.violates("bids_one_live") {
                Error::new(Code::AlreadyExists, "You have a live bid on this project; revise it instead.")
            } else {
                error.into()
            }
        };
        if draft {
            store::bids::insert_draft(conn, &row).await.map_err(one_live)?;
            store::bids::insert_revision(conn, &row, now).await?;
            return Ok(row);
        }
        row.submitted_at = Some(now);
        let (mine, theirs) = self.caps();
        let placed = store::bids::place(conn, &row, mine, theirs).await.map_err(one_live)?;
        row.state = placed.ok_or_else(|| self.no_place())?;
        let kind = if row.state()? == BidState::Waitlisted { "bid.waitlisted" } else { "bid.submitted" };
        let organisation = Some(OrganisationId::from_uuid(organisation));
        let data = json!({ "total": total, "state": row.state });
        notify::bid(&self.ctx, conn, row.bid_id(), project, actor.account_id, organisation, kind, data)
            .await?;
        Ok(row)
    }

    /// A bid just placed, as its developer sees it; what the database would say is known without asking.
    pub fn placed(&self, row: BidRow) -> Result<BidDetail> {
        let quote = row.quote(row.total_amount)?;
        let actions = BID.actions(&row.state, &[Who::Developer], |_, _| None);
        Ok(BidDetail { row, quote, offers: Vec::new(), bidder: None, actions })
    }

    fn caps(&self) -> (i32, i32) {
        let cap = |value: i64| i32::try_from(value).unwrap_or(i32::MAX);
        (cap(self.ctx.policy.bids.max_live_per_developer), cap(self.ctx.policy.bids.max_live_per_project))
    }

    fn no_place(&self) -> Error {
        let most = self.ctx.policy.bids.max_live_per_developer;
        Error::new(
            Code::LimitReached,
            format!("You have {most} live bids; withdraw one, or wait until one is answered or expires."),
        )
    }

    /// Hands in a draft.
    pub async fn submit_bid_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
    ) -> Result<BidDetail> {
        let (project, mut row, seat) = self.lock_bid(conn, actor, id).await?;
        let transition = BID.transition(&row.state, events::SUBMIT, &seat.who)?;
        seen.check(row.version)?;
        self.check_guards(conn, transition, &project, &row, &seat, None).await?;
        // The project may have changed since the draft was written.
        check_document(&row.document, &project.milestones)?;
        let (mine, theirs) = self.caps();
        if !store::bids::take_developer_place(conn, row.developer_id, mine).await? {
            return Err(self.no_place());
        }
        let taken = store::bids::take_project_place(conn, row.project_id).await?;
        let (to, kind) = if taken <= theirs {
            (transition.to, "bid.submitted")
        } else {
            (BID.transition(&row.state, events::JOIN_WAITLIST, &[Who::System])?.to, "bid.waitlisted")
        };
        row.state = to.to_owned();
        row.submitted_at = Some(self.ctx.clock.now());
        self.save_bid(conn, &mut row).await?;
        self.tell(conn, &project, &row, kind, json!({ "total": row.quote(row.total_amount)?.price })).await?;
        self.bid_detail(conn, &project, row, seat).await
    }

    /// Changes a bid by a merge patch; the former revision is kept.
    pub async fn revise_bid_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
        patch: &Map<String, Value>,
    ) -> Result<BidDetail> {
        let (project, mut row, seat) = self.lock_bid(conn, actor, id).await?;
        let transition = BID.transition(&row.state, events::REVISE, &seat.who)?;
        seen.check(row.version)?;
        self.check_guards(conn, transition, &project, &row, &seat, None).await?;
        let (document, start) = input::merge(&BidContent::of(&row), patch)?.document();
        check_document(&document, &project.milestones)?;
        let total = total_of(&document.prices, row.currency()?).ok_or_else(|| {
            Error::invalid_field("/prices", "out_of_range", "sum to more than can be carried")
        })?;
        if start != row.starts_on {
            check_start(start, self.ctx.clock.now().date_naive())?;
        }
        row.total_amount = total.amount;
        row.starts_on = start;
        row.document = Json(document);
        row.revision = row.revision.saturating_add(1);
        self.save_bid(conn, &mut row).await?;
        store::bids::insert_revision(conn, &row, row.updated_at).await?;
        if row.state()?.visible_to_client() {
            let data = json!({ "revision": row.revision, "total": total });
            self.tell(conn, &project, &row, "bid.revised", data).await?;
        }
        self.bid_detail(conn, &project, row, seat).await
    }

    /// Puts a bid on the short list, or takes it off.
    pub async fn shortlist_bid_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
        on: bool,
    ) -> Result<BidDetail> {
        let (mut project, mut row, seat) = self.lock_bid(conn, actor, id).await?;
        let event = if on { events::SHORTLIST } else { events::UNSHORTLIST };
        let transition = BID.transition(&row.state, event, &seat.who)?;
        seen.check(row.version)?;
        self.check_guards(conn, transition, &project, &row, &seat, None).await?;
        row.state = transition.to.to_owned();
        self.save_bid(conn, &mut row).await?;
        if on && project.state()? == ProjectState::Listed {
            project.state =
                PROJECT.transition(&project.state, project_events::SHORTLIST, &[Who::System])?.to.to_owned();
            self.save(conn, &mut project).await?;
        }
        self.touch_client(conn, &project).await?;
        let kind = if on { "bid.shortlisted" } else { "bid.unshortlisted" };
        self.tell(conn, &project, &row, kind, json!({})).await?;
        self.bid_detail(conn, &project, row, seat).await
    }

    /// The client declines a bid, with a reason.
    pub async fn decline_bid_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
        reason: &str,
    ) -> Result<BidDetail> {
        let (project, mut row, seat) = self.lock_bid(conn, actor, id).await?;
        let transition = BID.transition(&row.state, events::DECLINE, &seat.who)?;
        seen.check(row.version)?;
        row.reason = Some(reason.to_owned());
        self.leave(conn, &project, &mut row, transition.to).await?;
        self.touch_client(conn, &project).await?;
        self.tell(conn, &project, &row, "bid.declined", json!({ "reason": reason })).await?;
        self.bid_detail(conn, &project, row, seat).await
    }

    /// The developer takes a bid back.
    pub async fn withdraw_bid_in(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
        seen: &IfMatch,
    ) -> Result<BidDetail> {
        let (project, mut row, seat) = self.lock_bid(conn, actor, id).await?;
        let transition = BID.transition(&row.state, events::WITHDRAW, &seat.who)?;
        seen.check(row.version)?;
        let was_visible = row.state()?.visible_to_client();
        self.leave(conn, &project, &mut row, transition.to).await?;
        let organisation = was_visible.then(|| project.organisation());
        notify::bid(
            &self.ctx,
            conn,
            id,
            row.project(),
            row.developer(),
            organisation,
            "bid.withdrawn",
            json!({}),
        )
        .await?;
        self.bid_detail(conn, &project, row, seat).await
    }

    /// Ends one bid: state, places, offers, clocks; a waiting bid moves up.
    async fn leave(&self, conn: &mut Conn, project: &ProjectRow, row: &mut BidRow, to: &str) -> Result<()> {
        let placed = row.state()?.takes_place();
        row.state = to.to_owned();
        self.save_bid(conn, row).await?;
        store::bids::end_offers(conn, &[row.id], "closed").await?;
        assay_platform::timers::clear(conn, BID.name, row.id, &[]).await?;
        if placed {
            store::bids::return_places(conn, row.project_id, &[row.developer_id]).await?;
            self.promote_waiting(conn, project).await?;
        }
        Ok(())
    }

    /// A bid as the caller may see it: the bidder, or (drafts apart) the client's people.
    pub async fn get_bid(&self, conn: &mut Conn, actor: &Actor, id: BidId) -> Result<BidDetail> {
        let missing = || Error::not_found("bid");
        let row = store::bids::find(conn, id).await?.ok_or_else(missing)?;
        let project = store::projects::find(conn, row.project()).await?.ok_or_else(missing)?;
        let seat = self.seat(conn, actor, &project, &row).await?;
        self.bid_detail(conn, &project, row, seat).await
    }

    /// The kept revisions of a bid, for whoever may see the bid.
    pub async fn bid_revisions(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
    ) -> Result<(BidRow, Vec<store::bids::RevisionRow>)> {
        let detail = self.get_bid(conn, actor, id).await?;
        Ok((detail.row, store::bids::revisions(conn, id).await?))
    }

    /// The bids on a project, for its client only.
    pub async fn bids_of_project(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        project: ProjectId,
        state: Option<BidState>,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<(ProjectRow, Vec<BidRow>, BTreeMap<Uuid, BidderRow>)> {
        let row = store::projects::find(conn, project).await?.ok_or_else(|| Error::not_found("project"))?;
        let relation = Relation::of(&self.ctx, conn, Some(actor), project).await?;
        if !relation.may_see(row.state()?) {
            return Err(Error::not_found("project"));
        }
        if relation.role.is_none() {
            return Err(Error::new(
                Code::Forbidden,
                "Bids are sealed: only the client's own people see them.",
            ));
        }
        let bids = store::bids::of_project(conn, project, state.map(BidState::as_str), after, limit).await?;
        let developers: Vec<Uuid> = bids.iter().map(|bid| bid.developer_id).collect();
        let bidders = store::bids::bidders(conn, &developers).await?;
        Ok((row, bids, bidders.into_iter().map(|bidder| (bidder.0, bidder)).collect()))
    }

    /// A developer's own bids.
    pub async fn my_bids(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        state: Option<BidState>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<BidRow>> {
        Ok(store::bids::of_developer(conn, actor.account_id, state.map(BidState::as_str), before, limit)
            .await?)
    }

    /// Locks a bid (its project first) for an act of `actor`.
    pub(crate) async fn lock_bid(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: BidId,
    ) -> Result<(ProjectRow, BidRow, Seat)> {
        let missing = || Error::not_found("bid");
        let found = store::bids::find(conn, id).await?.ok_or_else(missing)?;
        let project = store::projects::lock(conn, found.project()).await?.ok_or_else(missing)?;
        let row = store::bids::lock(conn, id).await?.ok_or_else(missing)?;
        let seat = self.seat(conn, actor, &project, &row).await?;
        // An operation that is open to both sides learns only here which scope its caller needs.
        actor.require_scope(if seat.who.contains(&Who::Developer) { Scope::Bid } else { Scope::Hire })?;
        Ok((project, row, seat))
    }

    pub(crate) async fn save_bid(&self, conn: &mut Conn, row: &mut BidRow) -> Result<()> {
        row.version = row.version.saturating_add(1);
        row.updated_at = self.ctx.clock.now();
        Ok(store::bids::update(conn, row).await?)
    }

    pub(crate) async fn tell(
        &self,
        conn: &mut Conn,
        project: &ProjectRow,
        row: &BidRow,
        kind: &str,
        data: Value,
    ) -> Result<()> {
        let organisation = Some(project.organisation());
        notify::bid(&self.ctx, conn, row.bid_id(), row.project(), row.developer(), organisation, kind, data)
            .await
    }

    pub(crate) async fn bid_detail(
        &self,
        conn: &mut Conn,
        project: &ProjectRow,
        row: BidRow,
        mut seat: Seat,
    ) -> Result<BidDetail> {
        let offers = store::bids::offers_of(conn, row.id).await?;
        let bidder = store::bids::bidders(conn, &[row.developer_id]).await?.into_iter().next();
        let total_usd =
            if seat.limit_usd_minor.is_some() { self.total_usd(conn, &row, None).await? } else { None };
        let who = std::mem::take(&mut seat.who);
        let actions = BID.actions(&row.state, &who, |_, guard| {
            self.bid_blocked(guard, project, &seat, &offers, total_usd)
        });
        let quote = row.quote(row.total_amount)?;
        Ok(BidDetail { row, quote, offers, bidder, actions })
    }
}

fn check_start(start: NaiveDate, earliest: NaiveDate) -> Result<()> {
    if start < earliest || start > earliest + chrono::Days::new(730) {
        return Err(Error::invalid_field(
            "/starts_on",
            "out_of_range",
            "must not be in the past, nor more than two years away",
        ));
    }
    Ok(())
}

/// The id of the invitation that a bid answers.
pub fn invitation_of(row: &BidRow) -> Option<InvitationId> {
    row.invitation_id.map(InvitationId::from_uuid)
}
