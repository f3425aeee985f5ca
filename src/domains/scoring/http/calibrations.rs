//! Calibrations and what they say of assessors, for staff.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{get, post};
use assay_assessments::Quarter;
use assay_kernel::ids::{AccountId, CalibrationId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page, Result};
use assay_platform::web::{
    Admin, Auth, Body, Cursor, IdempotencyKey, Outcome as Answer, Path, Query, Reply, Reviewer, Routes,
};
use assay_platform::{Ctx, idempotency};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::model::recalibration::CalibrationReport;
use crate::model::score::ScoreScale;
use crate::model::validity::Told;
use crate::service::recalibrate::promote_in;
use crate::service::reports::latest_validity;
use crate::service::staff;
use crate::store::anchors::AnchorRater;
use crate::store::calibrations::{CalibrationRow, PromotionRow};

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_calibrations)
        .service(promote_calibration)
        .service(get_calibration)
        .service(get_assessor_metrics);
}

/// How a calibration came into force.
#[derive(Debug, Serialize, ToSchema)]
struct PromotionView {
    /// By which admin; null: by the rule.
    #[schema(value_type = Option<String>, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    by: Option<AccountId>,
    /// Why.
    reason: String,
    /// When.
    at: DateTime<Utc>,
}

/// A calibration. It never changes.
#[derive(Debug, Serialize, ToSchema)]
struct CalibrationView {
    /// Its id.
    id: CalibrationId,
    /// Of which scale.
    scale: ScoreScale,
    /// Its number on that scale.
    #[schema(example = 3)]
    version: i32,
    /// The newest rubric of the ratings in it.
    #[schema(example = "2026-11-21")]
    rubric_version: String,
    /// The formula that uses it.
    #[schema(example = "2026-11-21")]
    formula_version: String,
    /// People in it, approved or not.
    #[schema(example = 240)]
    developers: i32,
    /// Ratings in it.
    #[schema(example = 3360)]
    ratings: i64,
    /// Why it may not come into force by itself: `anchor_displaced`, `disconnected`, `not_converged`.
    #[schema(example = json!([]))]
    held_because: Vec<String>,
    /// How it came into force; null when it did not. The highest version that did is in force.
    promotion: Option<PromotionView>,
    /// When it was made.
    made_at: DateTime<Utc>,
}

impl CalibrationView {
    fn new(row: &CalibrationRow, promotion: Option<PromotionRow>) -> Result<Self> {
        Ok(Self {
            id: CalibrationId::from_uuid(row.id),
            scale: row.scale.parse()?,
            version: row.version,
            rubric_version: row.rubric_version.clone(),
            formula_version: row.formula_version.clone(),
            developers: row.developers,
            ratings: row.ratings,
            held_because: row.held_because.clone(),
            promotion: promotion.map(|one| PromotionView {
                by: one.promoted_by_id.map(AccountId::from_uuid),
                reason: one.reason,
                at: one.promoted_at,
            }),
            made_at: row.made_at,
        })
    }
}

/// A calibration with everything in it.
#[derive(Debug, Serialize, ToSchema)]
struct CalibrationDetail {
    /// What it is.
    #[serde(flatten)]
    calibration: CalibrationView,
    /// The parameters: severities, steps, population.
    #[schema(value_type = Object)]
    parameters: Value,
    /// What is told of assessors, agreement and anchors.
    report: CalibrationReport,
}

/// Which calibrations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListCalibrations {
    /// Only those of this scale.
    #[param(inline)]
    scale: Option<ScoreScale>,
    /// How many a page holds.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists calibrations.
///
/// Newest first, those that were kept back too.
#[utoipa::path(
    tag = "scores",
    params(ListCalibrations),
    responses((status = 200, description = "A page of calibrations.", body = Page<CalibrationView>)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/calibrations")]
async fn list_calibrations(
    ctx: Data<Ctx>,
    _caller: Auth<Reviewer>,
    query: Query<ListCalibrations>,
) -> Answer {
    let ListCalibrations { scale, limit, cursor } = query.0;
    let cursors = Cursor::new(&ctx.keys, "calibrations", &scale);
    let before: Option<CalibrationId> = cursor.as_deref().map(|text| cursors.decode(text)).transpose()?;
    let rows =
        ctx.db.read(async |conn| staff::calibrations(conn, scale, before, limit.fetch()).await).await?;
    let page = cursors.page(rows, limit, |(row, _)| CalibrationId::from_uuid(row.id))?;
    let data: Result<Vec<CalibrationView>> =
        page.data.into_iter().map(|(row, promotion)| CalibrationView::new(&row, promotion)).collect();
    Ok(Reply::page(&Page { data: data?, next_cursor: page.next_cursor })?)
}

/// Shows a calibration with its parameters.
///
/// Whoever has it and the ratings can compute every score again.
#[utoipa::path(
    tag = "scores",
    responses((status = 200, description = "The calibration.", body = CalibrationDetail)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/calibrations/{id}")]
async fn get_calibration(ctx: Data<Ctx>, _caller: Auth<Reviewer>, id: Path<CalibrationId>) -> Answer {
    let (row, promotion) = ctx.db.read(async |conn| staff::calibration(conn, id.0).await).await?;
    let detail = CalibrationDetail {
        calibration: CalibrationView::new(&row, promotion)?,
        report: staff::report(&row)?,
        parameters: serde_json::to_value(&row.parameters.0).map_err(assay_kernel::Error::internal)?,
    };
    Ok(Reply::ok(&detail)?)
}

/// Why a calibration comes into force.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct PromoteCalibration {
    /// Why, for the log and the audit.
    #[validate(length(min = 10, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 10, max_length = 1000, example = "Two assessors were trained anew in October; their drift is wanted.")]
    reason: Text,
}

/// Brings a calibration into force that was kept back.
///
/// Every score of the scale is measured anew by it; each that moves is an event with the cause `recalibration`. No earlier
/// version than the one in force comes back.
#[utoipa::path(
    tag = "scores",
    request_body = PromoteCalibration,
    responses((status = 200, description = "The calibration.", body = CalibrationView)),
    extensions(("x-access" = json!("admin")))
)]
#[post("/v1/calibrations/{id}/promote")]
async fn promote_calibration(
    ctx: Data<Ctx>,
    caller: Auth<Admin>,
    id: Path<CalibrationId>,
    key: IdempotencyKey,
    body: Body<PromoteCalibration>,
) -> Answer {
    let reply = idempotency::run(&ctx, key.with(&body).as_ref(), async |conn| {
        promote_in(&ctx, conn, &caller, id.0, &body.reason).await?;
        let (row, promotion) = staff::calibration(conn, id.0).await?;
        Reply::ok(&CalibrationView::new(&row, promotion)?)
    })
    .await?;
    Ok(reply)
}

/// What the newest calibration of a scale says of assessors.
#[derive(Debug, Serialize, ToSchema)]
struct AssessorMetrics {
    /// Which calibration; it may have been kept back.
    calibration: CalibrationView,
    /// What it says.
    report: CalibrationReport,
}

/// Do the scores of those whom an assessor rated foretell their deliveries?
#[derive(Debug, Serialize, ToSchema)]
struct AssessorValidity {
    /// By account, of those whose people have delivered; an outcome counts with each assessor whose card its scores rest
    /// on.
    by_assessor: BTreeMap<AccountId, Told>,
    /// When it was computed.
    made_at: DateTime<Utc>,
}

/// How far an assessor is from the others on the same anchor sessions.
#[derive(Debug, Serialize, ToSchema)]
struct AnchorAgreement {
    /// Mean difference to the mean level of the others; above 0: more lenient than they.
    #[schema(example = -0.35)]
    mean_difference: f64,
    /// Levels that it is of.
    #[schema(example = 30)]
    n: i64,
}

/// How an assessor has rated the anchor sessions of a quarter.
#[derive(Debug, Serialize, ToSchema)]
struct AssessorAnchors {
    /// Cards that are, or were, asked for.
    #[schema(example = 3)]
    asked: i64,
    /// Cards that are in.
    #[schema(example = 2)]
    submitted: i64,
    /// Over the sessions whose cards are all in, or whose quarter is over; null when there are none with others.
    agreement: Option<AnchorAgreement>,
}

/// How assessors have rated the anchor sessions of a quarter.
#[derive(Debug, Serialize, ToSchema)]
struct AnchorMetrics {
    /// Which.
    #[schema(value_type = String, example = "2026-Q4")]
    quarter: Quarter,
    /// By account.
    by_assessor: BTreeMap<AccountId, AssessorAnchors>,
}

impl From<AnchorRater> for AssessorAnchors {
    fn from(of: AnchorRater) -> Self {
        let agreement =
            of.difference.map(|mean_difference| AnchorAgreement { mean_difference, n: of.compared });
        Self { asked: of.asked, submitted: of.submitted, agreement }
    }
}

/// The newest calibration of each scale.
#[derive(Debug, Serialize, ToSchema)]
struct AssessorMetricsView {
    /// Of each scale, once there were enough ratings.
    data: Vec<AssessorMetrics>,
    /// What has become of those whom they rated.
    validity: AssessorValidity,
    /// The sessions that all of them rate.
    anchors: AnchorMetrics,
}

/// Of which quarter anchor sessions are reported.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MetricsOfAssessors {
    /// Which; the present one unless told.
    #[param(value_type = Option<String>, pattern = "^[0-9]{4}-Q[1-4]$", example = "2026-Q4")]
    quarter: Option<Quarter>,
}

/// Reports on assessors: severity, fit, agreement, drift, validity, anchor sessions.
///
/// By the newest calibration of each scale, over decided assessments only. `misfit` is an infit above 1.5, `muted` below
/// 0.5; `links` are the ratings that would make measures comparable that are not. `anchors` compares what assessors gave on
/// the same sessions of a quarter; one quarter beside another shows drift.
#[utoipa::path(
    tag = "scores",
    params(MetricsOfAssessors),
    responses((status = 200, description = "The report.", body = AssessorMetricsView)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/metrics/assessors")]
async fn get_assessor_metrics(
    ctx: Data<Ctx>,
    _caller: Auth<Reviewer>,
    query: Query<MetricsOfAssessors>,
) -> Answer {
    let quarter = query.0.quarter;
    let (found, (judged, made_at), (quarter, raters)) = ctx
        .db
        .read(async |conn| {
            let newest = staff::newest(conn).await?;
            let judged = latest_validity(&ctx, conn).await?;
            Ok((newest, judged, staff::anchors(&ctx, conn, quarter).await?))
        })
        .await?;
    let named = |(id, told)| (AccountId::from_uuid(id), told);
    let validity =
        AssessorValidity { by_assessor: judged.by_assessor.into_iter().map(named).collect(), made_at };
    let data: Result<Vec<AssessorMetrics>> = found
        .into_iter()
        .map(|(row, promotion)| {
            Ok(AssessorMetrics {
                calibration: CalibrationView::new(&row, promotion)?,
                report: staff::report(&row)?,
            })
        })
        .collect();
    let own = |rater: AnchorRater| (AccountId::from_uuid(rater.assessor), AssessorAnchors::from(rater));
    let anchors = AnchorMetrics { quarter, by_assessor: raters.into_iter().map(own).collect() };
    Ok(Reply::ok(&AssessorMetricsView { data: data?, validity, anchors })?)
}
