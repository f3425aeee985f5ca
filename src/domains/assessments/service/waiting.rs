//! The waiting list: for whom no start can be offered, and telling them once there is one.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::AssessmentId;
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use assay_platform::jobs::{NewJob, enqueue};
use assay_platform::timers::{self, Fired};
use chrono::Duration;
use serde_json::json;

use super::actions::Detail;
use super::{Assessments, notify};
use crate::model::{ASSESSMENT, events};
use crate::store;

/// The job that looks for free starts for those who wait.
pub(crate) const LOOK_JOB: &str = "assessments.look_for_slots";
/// Between two looks while nothing but time passes.
const LOOK_AGAIN: Duration = Duration::hours(1);
/// For how long somebody who was told comes before those who were not.
const TURN: Duration = Duration::hours(24);
/// Alternatives that a refusal names.
const SHOWN: usize = 5;

impl Assessments {
    /// The candidate finds no start and waits for one. A second time changes nothing.
    pub async fn wait_in(&self, conn: &mut Conn, actor: &Actor, id: AssessmentId) -> Result<Detail> {
        let (mut row, ..) = self.begin(conn, actor, id, None, events::WAIT).await?;
        let now = self.ctx.clock.now();
        if row.waiting_since.is_none() {
            let terms = self.terms_of(conn, &row).await?;
            let mut starts = self.question(conn, &terms.wanted(terms.horizon(now), now)).await?.starts();
            if !starts.is_empty() {
                starts.truncate(SHOWN);
                let detail = "There are free starts: hold one of them.";
                let why_not =
                    WhyNot { action: events::WAIT.into(), code: "slots_gone".into(), detail: detail.into() };
                return Err(Error::new(Code::GuardFailed, detail)
                    .with_why_not(vec![why_not])
                    .with_alternatives(starts));
            }
            let is_first = store::waiting::list(conn, Some(&row.track)).await?.is_empty();
            row.waiting_since = Some(now);
            self.save(conn, &mut row).await?;
            store::waiting::set_told(conn, id, None).await?;
            let again = now + LOOK_AGAIN;
            timers::set(&self.ctx, conn, ASSESSMENT.name, row.id, events::LOOK_FOR_SLOTS, again).await?;
            notify::waiting(&self.ctx, conn, &row, is_first).await?;
        }
        self.detail(conn, actor, row).await
    }

    /// Somebody's time has become free: those who wait are told, if it is for them.
    pub(crate) async fn time_freed_in(&self, conn: &mut Conn) -> Result<()> {
        if store::waiting::anybody(conn).await? {
            let job = NewJob { kind: LOOK_JOB, payload: json!({}), dedupe_key: None, run_at: None };
            enqueue(&self.ctx, conn, job).await?;
        }
        Ok(())
    }

    /// Looks for all who wait, in their order.
    pub async fn look_for_slots(&self) -> Result<()> {
        let waiting = self.ctx.db.read(async |conn| Ok(store::waiting::list(conn, None).await?)).await?;
        for id in waiting {
            self.look_for(AssessmentId::from_uuid(id)).await?;
        }
        Ok(())
    }

    /// Time has passed: new days have come within the horizon, perhaps.
    pub async fn on_look_for_slots(&self, fired: Fired) -> Result<()> {
        let id = AssessmentId::from_uuid(fired.subject);
        let again = self.ctx.clock.now() + LOOK_AGAIN;
        if self.look_for(id).await? {
            let set = async |conn: &mut Conn| {
                timers::set(&self.ctx, conn, ASSESSMENT.name, fired.subject, events::LOOK_FOR_SLOTS, again)
                    .await
            };
            self.ctx.db.tx(set).await?;
        }
        Ok(())
    }

    /// Tells one who waits of free starts, once for each time that there are any, and no more people at once than there
    /// are starts. Answers whether they wait still.
    async fn look_for(&self, id: AssessmentId) -> Result<bool> {
        let now = self.ctx.clock.now();
        self.ctx
            .db
            .tx(async |conn| {
                let Some(row) = store::assessments::lock(conn, id).await? else { return Ok(false) };
                let can = ASSESSMENT.transition(&row.state, events::LOOK_FOR_SLOTS, &[Who::System]).is_ok();
                if !can || row.waiting_since.is_none() {
                    return Ok(false);
                }
                let terms = self.terms_of(conn, &row).await?;
                let starts = self.question(conn, &terms.wanted(terms.horizon(now), now)).await?.starts();
                let told = store::waiting::told_at(conn, id).await?;
                if starts.is_empty() {
                    if told.is_some() {
                        store::waiting::set_told(conn, id, None).await?;
                    }
                } else if told.is_none() {
                    let before = store::waiting::told_since(conn, &row.track, now - TURN).await?;
                    if usize::try_from(before).is_ok_and(|before| before < starts.len()) {
                        store::waiting::set_told(conn, id, Some(now)).await?;
                        notify::slots_free(&self.ctx, conn, &row).await?;
                    }
                }
                Ok(true)
            })
            .await
    }
}
