//! The nightly calibration, its promotion, and the scores that follow it.

use std::collections::BTreeMap;

use assay_kernel::ids::{AccountId, CalibrationId};
use assay_kernel::{Actor, Code, Error, Permission, Result};
use assay_platform::db::{Conn, Json};
use assay_platform::jobs::{self, NewJob};
use assay_platform::outbox::{self, Audience};
use assay_platform::{Ctx, audit};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::rated::publish;
use super::{in_force, rated};
use crate::model::data::{Ratings, RatingsBuilder};
use crate::model::parameters::{LEVELS, Parameters, criterion_key};
use crate::model::recalibration::{Recalibrated, recalibrate};
use crate::model::score::{Cause, FORMULA_VERSION, ScoreScale};
use crate::store;
use crate::store::calibrations::{CalibrationRow, PromotionRow};

/// The job that follows a promotion.
pub const RESCORE: &str = "scoring.rescore";
/// Cards that are read at a time.
const CARDS: i64 = 2_000;
/// Developers that one job measures anew.
const BATCH: i64 = 100;

/// Whom to measure anew.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescore {
    /// On which scale.
    scale: ScoreScale,
    /// After whom, in the order of ids.
    after: Option<Uuid>,
}

struct Gathered {
    ratings: BTreeMap<ScoreScale, RatingsBuilder>,
    rubric_version: String,
}

/// Every level of every decided assessment, approved or not, since what fails belongs to the population; and of every anchor
/// session.
async fn gather(ctx: &Ctx) -> Result<Gathered> {
    let mut gathered = Gathered {
        ratings: ScoreScale::RATED.map(|scale| (scale, RatingsBuilder::new(Some(LEVELS)))).into(),
        rubric_version: assay_assessments::rubric_version()?.to_owned(),
    };
    let mut after = Uuid::nil();
    loop {
        let cards =
            ctx.db.read(async |conn| Ok(store::cards::final_after(conn, after, CARDS).await?)).await?;
        let Some(last) = cards.last() else { return Ok(gathered) };
        after = last.id;
        for card in &cards {
            let (candidate, assessor) = (card.candidate.to_string(), card.assessor.to_string());
            for (scale, ratings) in &mut gathered.ratings {
                let criteria = rated(ctx, *scale).map(|policy| &policy.criteria);
                for (criterion, level) in &card.levels {
                    if criteria.is_some_and(|criteria| criteria.contains(criterion)) {
                        let key = criterion_key(&card.rubric_version, criterion);
                        let level = i64::from(*level);
                        ratings.add(&candidate, &assessor, &key, level).map_err(Error::internal)?;
                    }
                }
            }
        }
    }
}

/// Calibrates each scale that has new ratings, and enough. What may come into force does; what may not is kept, reported
/// and left to an admin.
///
/// # Errors
/// When the database fails.
pub async fn nightly(ctx: &Ctx) -> Result<()> {
    let Gathered { ratings, rubric_version } = gather(ctx).await?;
    let policy = &ctx.policy.scoring;
    for (scale, builder) in ratings {
        let Ok(ratings) = builder.build() else { continue };
        let enough = ratings.developers.len()
            >= usize::try_from(policy.calibration_min_developers).unwrap_or(0)
            && ratings.assessors.len() >= usize::try_from(policy.calibration_min_assessors).unwrap_or(0);
        let count = i64::try_from(ratings.len()).map_err(Error::internal)?;
        let newest = ctx.db.read(async |conn| Ok(store::calibrations::newest(conn, scale).await?)).await?;
        let told = match newest {
            Some(newest) if newest.ratings == count => {
                let since = newest.made_at;
                !ctx.db.read(async |conn| Ok(store::anchors::withdrawn_since(conn, since).await?)).await?
            }
            _ => false,
        };
        if !enough || told {
            tracing::info!(%scale, ratings = count, enough, "nothing new to calibrate by");
            continue;
        }
        let before = ctx.db.read(async |conn| in_force(conn, scale).await).await?;
        let developers = i32::try_from(ratings.developers.len()).map_err(Error::internal)?;
        let found = estimate(ratings, &before).await?;
        let made = Made { scale, rubric_version: &rubric_version, developers, ratings: count };
        ctx.db.tx(async |conn| keep(ctx, conn, &made, &found).await).await?;
    }
    Ok(())
}

/// Seconds of arithmetic, on a thread where nothing waits for it.
async fn estimate(ratings: Ratings, before: &CalibrationRow) -> Result<Recalibrated> {
    let before = before.rated()?.clone();
    tokio::task::spawn_blocking(move || recalibrate(&ratings, &before)).await.map_err(Error::internal)
}

struct Made<'a> {
    scale: ScoreScale,
    rubric_version: &'a str,
    developers: i32,
    ratings: i64,
}

async fn keep(ctx: &Ctx, conn: &mut Conn, made: &Made<'_>, found: &Recalibrated) -> Result<()> {
    let newest = store::calibrations::newest(conn, made.scale).await?;
    let row = CalibrationRow {
        id: ctx.ids.uuid(),
        scale: made.scale.to_string(),
        version: newest.map_or(1, |newest| newest.version.saturating_add(1)),
        rubric_version: made.rubric_version.to_owned(),
        formula_version: FORMULA_VERSION.to_owned(),
        parameters: Json(Parameters::Rated(found.parameters.clone())),
        developers: made.developers,
        ratings: made.ratings,
        report: serde_json::to_value(&found.report).map_err(Error::internal)?,
        held_because: found.held_because.clone(),
        made_at: ctx.clock.now(),
    };
    if !store::calibrations::insert(conn, &row).await? {
        // Another process was first.
        return Ok(());
    }
    if row.held_because.is_empty() {
        let reason =
            "No anchor moved by 0.3 logits, every measure is comparable, and the estimation came to rest.";
        return bring_into_force(ctx, conn, &row, None, reason).await;
    }
    tell(ctx, conn, &row, "calibration.held").await
}

async fn bring_into_force(
    ctx: &Ctx,
    conn: &mut Conn,
    row: &CalibrationRow,
    by: Option<AccountId>,
    reason: &str,
) -> Result<()> {
    let promotion = PromotionRow {
        id: ctx.ids.uuid(),
        scale: row.scale.clone(),
        version: row.version,
        promoted_by_id: by.map(|by| by.uuid()),
        reason: reason.to_owned(),
        promoted_at: ctx.clock.now(),
    };
    store::calibrations::promote(conn, &promotion).await?;
    tell(ctx, conn, row, "calibration.promoted").await?;
    enqueue(ctx, conn, row.scale.parse()?, None).await
}

async fn tell(ctx: &Ctx, conn: &mut Conn, row: &CalibrationRow, kind: &str) -> Result<()> {
    let data = json!({ "scale": row.scale, "version": row.version, "held_because": row.held_because });
    let audience = [Audience::Staff(Permission::Reviewer), Audience::Staff(Permission::Admin)];
    outbox::publish(ctx, conn, kind, CalibrationId::from_uuid(row.id).to_string(), data, &audience).await
}

async fn enqueue(ctx: &Ctx, conn: &mut Conn, scale: ScoreScale, after: Option<Uuid>) -> Result<()> {
    let payload = serde_json::to_value(Rescore { scale, after }).map_err(Error::internal)?;
    let job = NewJob { kind: RESCORE, payload, dedupe_key: None, run_at: None };
    jobs::enqueue(ctx, conn, job).await.map(drop)
}

/// Measures the next developers by the calibration in force, each in a transaction of their own, and asks for those
/// after them.
///
/// # Errors
/// When the database fails.
pub async fn rescore(ctx: &Ctx, task: Rescore) -> Result<()> {
    let Rescore { scale, after } = task;
    let calibration = ctx.db.read(async |conn| in_force(conn, scale).await).await?;
    let version = calibration.version;
    let who = ctx
        .db
        .read(async |conn| Ok(store::scores::by_another(conn, scale, version, after, BATCH).await?))
        .await?;
    let subject = CalibrationId::from_uuid(calibration.id).to_string();
    for developer in &who {
        let developer = AccountId::from_uuid(*developer);
        let cause = (Cause::Recalibration, Some(subject.as_str()));
        ctx.db.tx(async |conn| publish(ctx, conn, developer, &[scale], cause).await.map(drop)).await?;
    }
    match who.last() {
        Some(last) => ctx.db.tx(async |conn| enqueue(ctx, conn, scale, Some(*last)).await).await,
        None => Ok(()),
    }
}

/// An admin brings a calibration into force that was kept back.
///
/// # Errors
/// `not_found`; `state_conflict` when it, or a later one, is or was in force.
pub async fn promote_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: CalibrationId,
    reason: &str,
) -> Result<CalibrationRow> {
    let found = store::calibrations::find(conn, id).await?;
    let row = found.ok_or_else(|| Error::not_found("calibration"))?;
    let present = in_force(conn, row.scale.parse()?).await?;
    if present.version >= row.version {
        let detail =
            format!("Version {} of the scale is in force, and no earlier one comes back.", present.version);
        return Err(Error::new(Code::StateConflict, detail).with_allowed_actions(Vec::new()));
    }
    bring_into_force(ctx, conn, &row, Some(actor.account_id), reason).await?;
    let entry = audit::Entry {
        actor: Some(actor.account_id),
        action: "calibration.promote",
        subject: id.to_string(),
        reason: Some(reason),
        data: json!({ "scale": row.scale, "version": row.version, "held_because": row.held_because }),
    };
    audit::record(ctx, conn, entry).await?;
    Ok(row)
}
