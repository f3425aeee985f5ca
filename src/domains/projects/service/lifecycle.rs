//! What happens to a project's market as a whole: publishing, closing, places that become free, clocks.

use assay_kernel::ids::{AccountId, BidId, InvitationId, ProjectId};
use assay_kernel::process::Who;
use assay_kernel::text::excerpt;
use assay_kernel::{Error, Result, ids::OrganisationId};
use assay_platform::db::Conn;
use assay_platform::timers::{self, Fired};
use chrono::Duration;
use serde_json::json;
use uuid::Uuid;

use super::{Projects, notify};
use crate::model::{
    BID, BidState, Confidentiality, INVITATION, PROJECT, ProjectState, bid_events, invitation_events,
    project_events as events, utc_offset_minutes,
};
use crate::store;
use crate::store::listings::ListingRow;
use crate::store::projects::ProjectRow;

/// States in which a bid still stands.
pub(crate) const STANDING: &[&str] =
    &["draft", "waitlisted", "submitted", "shortlisted", "offered", "countered"];

impl Projects {
    /// Puts a listed project on the public listing.
    pub(crate) async fn publish(&self, conn: &mut Conn, row: &ProjectRow) -> Result<()> {
        let missing = || Error::internal("a listed project lacks what its guards demand");
        let listed_at = row.listed_at.ok_or_else(missing)?;
        let (organisation_name, _) = store::projects::organisation(conn, row.project_id()).await?;
        let confidential = row.confidentiality.parse::<Confidentiality>()? != Confidentiality::Public;
        let listing = ListingRow {
            project_id: row.id,
            listed_at,
            title: row.title.clone(),
            excerpt: excerpt(&row.description, 280),
            organisation_name,
            budget_amount: row.budget_amount.ok_or_else(missing)?,
            budget_currency: row.budget_currency.clone(),
            budget_usd_minor: row.budget_usd_minor.ok_or_else(missing)?,
            effort_hours: row.effort_hours.ok_or_else(missing)?,
            starts_on: row.starts_on.ok_or_else(missing)?,
            utc_offset_min: row.time_zone.as_deref().map_or(0, |zone| utc_offset_minutes(zone, listed_at)),
            overlap_min: row.overlap_hours.saturating_mul(60),
            time_zone: row.time_zone.clone(),
            skills: row.skills.iter().map(|need| need.skill.clone()).collect(),
            expires_at: row.expires_at.ok_or_else(missing)?,
        };
        // What not everybody may read is not searched either, or its words could be guessed.
        let body = if confidential {
            listing.excerpt.clone()
        } else {
            let titles: Vec<&str> = row
                .milestones
                .iter()
                .flat_map(|m| {
                    std::iter::once(m.title.as_str()).chain(m.deliverables.iter().map(|d| d.title.as_str()))
                })
                .collect();
            format!("{}\n{}", row.description, titles.join("\n"))
        };
        Ok(store::listings::publish(conn, &listing, &body).await?)
    }

    /// Ends a project's market: off the listing, standing bids (but `keep`) to `bids_to`, places returned, offers and
    /// invitations ended, clocks stopped.
    pub(crate) async fn close_market(
        &self,
        conn: &mut Conn,
        row: &ProjectRow,
        keep: Option<Uuid>,
        bids_to: &str,
    ) -> Result<()> {
        let now = self.ctx.clock.now();
        store::listings::take_down(conn, row.id).await?;
        timers::clear(conn, PROJECT.name, row.id, &[]).await?;
        let ended = store::bids::end_others(conn, row.id, keep, STANDING, bids_to, now).await?;
        let bids: Vec<Uuid> = ended.iter().map(|(bid, _, _)| *bid).collect();
        store::bids::end_offers(conn, &bids, if bids_to == "expired" { "expired" } else { "closed" }).await?;
        let placed: Vec<Uuid> = ended
            .iter()
            .filter(|(_, _, was)| BidState::parse(was).is_some_and(BidState::takes_place))
            .map(|(_, developer, _)| *developer)
            .collect();
        if !placed.is_empty() {
            store::bids::return_places(conn, row.id, &placed).await?;
        }
        for (bid, developer, _) in &ended {
            timers::clear(conn, BID.name, *bid, &[]).await?;
            let kind = if bids_to == "expired" { "bid.expired" } else { "bid.closed" };
            let (bid, developer) = (BidId::from_uuid(*bid), AccountId::from_uuid(*developer));
            notify::bid(&self.ctx, conn, bid, row.project_id(), developer, None, kind, json!({})).await?;
        }
        for invitation in store::invitations::expire_all(conn, row.id, now).await? {
            timers::clear(conn, INVITATION.name, invitation, &[]).await?;
        }
        Ok(())
    }

    /// Moves waiting bids up while the project has free places.
    pub(crate) async fn promote_waiting(&self, conn: &mut Conn, row: &ProjectRow) -> Result<()> {
        if !matches!(row.state()?, ProjectState::Listed | ProjectState::Shortlisting) {
            return Ok(());
        }
        let now = self.ctx.clock.now();
        let mut active = store::bids::count_active(conn, row.id).await?;
        while active < self.ctx.policy.bids.max_live_per_project {
            let Some(mut bid) = store::bids::next_waiting(conn, row.id).await? else { break };
            bid.state = BID.transition(&bid.state, bid_events::PROMOTE, &[Who::System])?.to.to_owned();
            bid.version = bid.version.saturating_add(1);
            bid.updated_at = now;
            store::bids::update(conn, &bid).await?;
            let organisation = Some(OrganisationId::from_uuid(row.organisation_id));
            notify::bid(
                &self.ctx,
                conn,
                bid.bid_id(),
                row.project_id(),
                bid.developer(),
                organisation,
                "bid.promoted",
                json!({}),
            )
            .await?;
            active = active.saturating_add(1);
        }
        Ok(())
    }

    /// The listing ran out.
    pub async fn on_expire(&self, fired: Fired) -> Result<()> {
        self.on_project(fired, events::EXPIRE, async |conn, row, fired| {
            if row.expires_at.is_none_or(|end| end > fired.due_at) {
                return Ok(());
            }
            row.state = ProjectState::Expired.as_str().to_owned();
            self.save(conn, row).await?;
            self.close_market(conn, row, None, "expired").await?;
            notify::project(&self.ctx, conn, row, "project.expired", json!({})).await
        })
        .await
    }

    /// The listing runs out soon.
    pub async fn on_warn_expiry(&self, fired: Fired) -> Result<()> {
        self.on_project(fired, events::EXPIRE, async |conn, row, _| {
            notify::project(
                &self.ctx,
                conn,
                row,
                "project.expiring",
                json!({ "expires_at": row.expires_at }),
            )
            .await?;
            notify::mail_expiring(&self.ctx, conn, row).await
        })
        .await
    }

    /// The client has not acted for long.
    pub async fn on_idle_pause(&self, fired: Fired) -> Result<()> {
        self.on_project(fired, events::IDLE_PAUSE, async |conn, row, _| {
            let idle = Duration::days(self.ctx.policy.projects.idle_pause_days);
            let due = row.last_client_act_at + idle;
            let waiting = store::bids::open_count(conn, row.id).await? > 0;
            let now = self.ctx.clock.now();
            if due > now || !waiting {
                // Acted meanwhile, or nobody waits: look again when it could be due.
                let next = if due > now { due } else { now + idle };
                return timers::set(&self.ctx, conn, PROJECT.name, row.id, events::IDLE_PAUSE, next).await;
            }
            row.state = ProjectState::Paused.as_str().to_owned();
            self.save(conn, row).await?;
            store::listings::take_down(conn, row.id).await?;
            notify::project(
                &self.ctx,
                conn,
                row,
                "project.paused",
                json!({ "by": "system", "idle_since": row.last_client_act_at }),
            )
            .await
        })
        .await
    }

    /// Curation is late: staff are told.
    pub async fn on_curation_overdue(&self, fired: Fired) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let id = ProjectId::from_uuid(fired.subject);
                let Some(row) = store::projects::lock(conn, id).await? else { return Ok(()) };
                if !matches!(row.state()?, ProjectState::Submitted | ProjectState::InCuration) {
                    return Ok(());
                }
                notify::staff(
                    &self.ctx,
                    conn,
                    &row,
                    "project.curation_overdue",
                    json!({ "due_at": fired.due_at }),
                )
                .await
            })
            .await
    }

    /// Runs a timer's work on a project that can still take `event`; a timer that comes too late does nothing.
    async fn on_project(
        &self,
        fired: Fired,
        event: &str,
        work: impl AsyncFn(&mut Conn, &mut ProjectRow, &Fired) -> Result<()>,
    ) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let id = ProjectId::from_uuid(fired.subject);
                let Some(mut row) = store::projects::lock(conn, id).await? else { return Ok(()) };
                if PROJECT.transition(&row.state, event, &[Who::System]).is_err() {
                    return Ok(());
                }
                work(conn, &mut row, &fired).await
            })
            .await
    }

    /// An offer was not answered in time.
    pub async fn on_offer_expired(&self, fired: Fired) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let id = BidId::from_uuid(fired.subject);
                let Some(found) = store::bids::find(conn, id).await? else { return Ok(()) };
                let project = ProjectId::from_uuid(found.project_id);
                let Some(row) = store::projects::lock(conn, project).await? else { return Ok(()) };
                let Some(mut bid) = store::bids::lock(conn, id).await? else { return Ok(()) };
                let Ok(transition) = BID.transition(&bid.state, bid_events::EXPIRE_OFFER, &[Who::System])
                else {
                    return Ok(());
                };
                let open = store::bids::offers_of(conn, bid.id)
                    .await?
                    .into_iter()
                    .rfind(|offer| offer.state == "open");
                if open.is_some_and(|offer| offer.expires_at > self.ctx.clock.now()) {
                    return Ok(());
                }
                bid.state = transition.to.to_owned();
                self.save_bid(conn, &mut bid).await?;
                store::bids::end_offers(conn, &[bid.id], "expired").await?;
                let organisation = Some(row.organisation());
                notify::bid(
                    &self.ctx,
                    conn,
                    id,
                    project,
                    bid.developer(),
                    organisation,
                    "offer.expired",
                    json!({}),
                )
                .await
            })
            .await
    }

    /// An invitation was not answered in time.
    pub async fn on_invitation_expired(&self, fired: Fired) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let id = InvitationId::from_uuid(fired.subject);
                let Some(mut row) = store::invitations::lock(conn, id).await? else { return Ok(()) };
                let event = invitation_events::EXPIRE;
                let Ok(transition) = INVITATION.transition(&row.state, event, &[Who::System]) else {
                    return Ok(());
                };
                row.state = transition.to.to_owned();
                row.version = row.version.saturating_add(1);
                row.updated_at = self.ctx.clock.now();
                store::invitations::update(conn, &row).await?;
                notify::invitation(&self.ctx, conn, &row, "invitation.expired").await
            })
            .await
    }
}
