//! A caller's seat in a bid: which side they are on, what they may do, and which guards block it.

use assay_kernel::process::{Transition, Who};
use assay_kernel::{Actor, Code, Error, Money, Result};
use assay_platform::db::Conn;

use super::{Projects, Relation};
use crate::model::{BID, Party, ProjectState, dollars};
use crate::store;
use crate::store::bids::{BidRow, OfferRow};
use crate::store::projects::ProjectRow;

/// A caller's place in a bid.
pub(crate) struct Seat {
    pub relation: Relation,
    pub who: Vec<Who>,
    /// Most that the caller may commit, USD minor units.
    pub limit_usd_minor: Option<i64>,
    /// Is the bidder approved now?
    pub bidder_approved: bool,
    /// Has another bid of the project an open offer?
    pub other_offer: bool,
}

impl Projects {
    pub(crate) async fn seat(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        project: &ProjectRow,
        row: &BidRow,
    ) -> Result<Seat> {
        let relation = Relation::of(&self.ctx, conn, Some(actor), project.project_id()).await?;
        let mut who = Vec::new();
        let mut limit = actor.spend_limit_usd_minor;
        if row.developer_id == actor.account_id.uuid() {
            who.push(Who::Developer);
        } else if relation.role.is_some() && row.state()?.visible_to_client() {
            if relation.can_hire() {
                who.push(Who::Client);
                let member =
                    assay_identity::membership(conn, actor.account_id, project.organisation()).await?;
                let own = member.and_then(|member| member.spending_limit_usd_minor);
                limit = [limit, own].into_iter().flatten().min();
            }
        } else {
            return Err(Error::not_found("bid"));
        }
        let bidder_approved = assay_vetting::is_approved(&self.ctx, conn, row.developer()).await?;
        let other_offer = store::bids::other_offer(conn, row.project_id, row.id).await?;
        Ok(Seat { relation, who, limit_usd_minor: limit, bidder_approved, other_offer })
    }

    /// Why a guard of the bid's table blocks. `total_usd` is what the client would pay in all.
    pub(crate) fn bid_blocked(
        &self,
        guard: &str,
        project: &ProjectRow,
        seat: &Seat,
        offers: &[OfferRow],
        total_usd: Option<i64>,
    ) -> Option<String> {
        match guard {
            "no_other_offer" => seat
                .other_offer
                .then(|| "Another bid of this project has an open offer; rescind it first.".to_owned()),
            "counters_left" => {
                // Counters of this round: the offers answered with other terms since the last one that ended.
                let most = usize::try_from(self.ctx.policy.bids.max_counters).unwrap_or(0);
                let open_first = offers.iter().rev().skip(1);
                (open_first.take_while(|offer| offer.state == "countered").count() >= most)
                    .then(|| format!("There have been {most} counter-offers; accept, decline or rescind."))
            }
            "within_spending_limit" => match (seat.limit_usd_minor, total_usd) {
                (Some(limit), Some(total)) if total > limit => Some(format!(
                    "The total is ${} with the fee; your spending limit is ${}.",
                    dollars(total),
                    dollars(limit)
                )),
                (Some(_), None) => {
                    Some("There is no rate to compare the total with your spending limit.".to_owned())
                }
                _ => None,
            },
            other => guard_for_bidder(other, seat.bidder_approved, project_open(&project.state)),
        }
    }

    pub(crate) async fn check_guards(
        &self,
        conn: &mut Conn,
        transition: &Transition,
        project: &ProjectRow,
        row: &BidRow,
        seat: &Seat,
        client_total: Option<Money>,
    ) -> Result<()> {
        let offers = store::bids::offers_of(conn, row.id).await?;
        let total_usd = self.total_usd(conn, row, client_total).await?;
        BID.check(transition, |guard| self.bid_blocked(guard, project, seat, &offers, total_usd))
    }

    pub(crate) async fn total_usd(
        &self,
        conn: &mut Conn,
        row: &BidRow,
        client_total: Option<Money>,
    ) -> Result<Option<i64>> {
        let total = match client_total {
            Some(total) => total,
            None => row.quote(row.total_amount)?.client_total,
        };
        let rate = store::rates::latest(conn, total.currency, self.ctx.clock.now().date_naive()).await?;
        Ok(rate.and_then(|rate| total.to_usd_minor(rate.usd_per_unit_e9)))
    }

    /// Which side of a bid the caller is on.
    pub(crate) fn party(seat: &Seat) -> Result<Party> {
        if seat.who.contains(&Who::Developer) {
            return Ok(Party::Developer);
        }
        if seat.relation.can_hire() {
            return Ok(Party::Client);
        }
        Err(Error::new(Code::Forbidden, "Viewers of an organisation may not hire for it."))
    }
}

pub(crate) fn project_open(state: &str) -> bool {
    matches!(ProjectState::parse(state), Some(ProjectState::Listed | ProjectState::Shortlisting))
}

pub(crate) fn guard_for_bidder(guard: &str, approved: bool, open: bool) -> Option<String> {
    match guard {
        "developer_approved" => {
            (!approved).then(|| "Only a developer whose approval is active and unexpired can bid.".to_owned())
        }
        "project_open" => (!open).then(|| "The project is not open to bids.".to_owned()),
        _ => None,
    }
}
