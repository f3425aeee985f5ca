//! What is published of the scores themselves.

use std::collections::BTreeMap;

use actix_web::get;
use actix_web::web::Data;
use assay_platform::Ctx;
use assay_platform::web::{Auth, Outcome as Answer, Reply, Reviewer, Routes};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::impact::GroupImpact;
use crate::model::validity::{Coefficients, Told, ValidityReport};
use crate::service::reports::{adverse_impact, latest_validity};

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(get_validity).service(get_adverse_impact);
}

/// Do scores foretell deliveries?
#[derive(Debug, Serialize, ToSchema)]
struct ValidityView {
    /// Over all outcomes whose developer had a score when the milestone ended.
    overall: Told,
    /// By the rubric that the scores were rated by.
    by_rubric: BTreeMap<String, Told>,
    /// The model on all outcomes; null when there are too few.
    coefficients: Option<Coefficients>,
    /// What it is.
    method: &'static str,
    /// When it was computed.
    made_at: DateTime<Utc>,
}

const METHOD: &str = "An outcome is a milestone that ended after work on it; it is delivered when all of it was accepted \
    and nothing was asked back. A hierarchical logistic model links it to the technical and collaboration score before, to \
    how far the portfolio shows the project's skills, and to the developer; every outcome is foretold by a model that has \
    not seen its developer (five parts). Intervals hold nine times in ten.";

/// Publishes how well scores foretell deliveries.
///
/// Brier score, reliability and area under the curve, with intervals, overall and by rubric; or that there are too few
/// outcomes, and how many are needed. Computed each night. Staff find the same by assessor at `/v1/metrics/assessors`.
#[utoipa::path(
    tag = "scores",
    responses((status = 200, description = "The report.", body = ValidityView)),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/validity")]
async fn get_validity(ctx: Data<Ctx>) -> Answer {
    let (report, made_at) = ctx.db.read(async |conn| latest_validity(&ctx, conn).await).await?;
    let ValidityReport { overall, by_rubric, coefficients, .. } = report;
    Ok(Reply::ok(&ValidityView { overall, by_rubric, coefficients, method: METHOD, made_at })?)
}

/// Are groups approved alike?
#[derive(Debug, Serialize, ToSchema)]
struct AdverseImpactView {
    /// By attribute, of those who agreed to be counted: the last decision on each.
    #[schema(example = json!({ "gender": [{ "group": "woman", "suppressed": false, "decided": 48, "selection_rate": 0.42, "impact_ratio": 0.91, "below_four_fifths": false, "p_value": 0.54 }] }))]
    attributes: BTreeMap<String, Vec<GroupImpact>>,
    /// Groups of fewer people are not shown.
    #[schema(example = 5)]
    least_shown: u32,
    /// What it is.
    method: &'static str,
}

const IMPACT: &str = "Selection rate: approved among decided. Impact ratio: against the group with the highest rate; below \
    four fifths is a sign of adverse impact. Fisher's exact test, two-sided, says how likely a difference at least as rare \
    is by chance.";

/// Reports on adverse impact.
///
/// From what people told of themselves by consent, by groups only.
#[utoipa::path(
    tag = "scores",
    responses((status = 200, description = "The report.", body = AdverseImpactView)),
    extensions(("x-access" = json!("reviewer")))
)]
#[get("/v1/metrics/adverse_impact")]
async fn get_adverse_impact(ctx: Data<Ctx>, _caller: Auth<Reviewer>) -> Answer {
    let attributes = ctx.db.read(async |conn| adverse_impact(&ctx, conn).await).await?;
    let least_shown = ctx.policy.scoring.impact_min_group;
    Ok(Reply::ok(&AdverseImpactView { attributes, least_shown, method: IMPACT })?)
}
