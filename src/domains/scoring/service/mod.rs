//! Use cases: authorise → transaction → model → store → events, audit.

pub mod explain;
pub mod moving;
pub mod outcomes;
pub mod rated;
pub mod recalibrate;
pub mod reports;
pub mod staff;

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::{Conn, Json};
use assay_platform::policy::RatedScalePolicy;
use serde_json::json;

use crate::model::delivery::DeliveryPrior;
use crate::model::parameters::{Parameters, RatedParameters};
use crate::model::score::{DeveloperScore, FORMULA_VERSION, ScoreScale};
use crate::store;
use crate::store::calibrations::{CalibrationRow, PromotionRow};

/// The published scores of some developers, on every scale that they have been measured on.
///
/// # Errors
/// When the database fails.
pub async fn scores_of(conn: &mut Conn, developers: &[AccountId]) -> Result<Vec<DeveloperScore>> {
    let ids: Vec<_> = developers.iter().map(|id| id.uuid()).collect();
    store::scores::of(conn, &ids).await?.into_iter().map(store::scores::ScoreRow::published).collect()
}

/// The numbers of a scale that cards are rated for.
pub(crate) fn rated(ctx: &Ctx, scale: ScoreScale) -> Option<&RatedScalePolicy> {
    match scale {
        ScoreScale::Technical => Some(&ctx.policy.scoring.technical),
        ScoreScale::Collaboration => Some(&ctx.policy.scoring.collaboration),
        ScoreScale::Delivery => None,
    }
}

/// The calibration in force. There always is one: the first is seeded.
pub(crate) async fn in_force(conn: &mut Conn, scale: ScoreScale) -> Result<CalibrationRow> {
    let found = store::calibrations::in_force(conn, scale).await?;
    found.ok_or_else(|| Error::internal(format!("the scale {scale} has no calibration")))
}

impl CalibrationRow {
    /// The parameters of the rating model.
    pub(crate) fn rated(&self) -> Result<&RatedParameters> {
        match &self.parameters.0 {
            Parameters::Rated(parameters) => Ok(parameters),
            Parameters::Delivery(_) => Err(Error::internal("a rated scale has parameters of delivery")),
        }
    }

    /// The parameters of delivery.
    pub(crate) fn delivery(&self) -> Result<DeliveryPrior> {
        match &self.parameters.0 {
            Parameters::Delivery(prior) => Ok(*prior),
            Parameters::Rated(_) => Err(Error::internal("delivery has parameters of a rated scale")),
        }
    }
}

/// Seeds the first calibration of each scale: what is assumed before there are data. Changes nothing the second time.
///
/// # Errors
/// When the database fails.
pub async fn seed(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    let policy = &ctx.policy.scoring;
    let now = ctx.clock.now();
    for scale in ScoreScale::ALL {
        let parameters = match scale {
            ScoreScale::Delivery => {
                Parameters::Delivery(DeliveryPrior { mean: policy.delivery.mean, sd: policy.delivery.sd })
            }
            ScoreScale::Technical | ScoreScale::Collaboration => {
                let prior = &policy.prior;
                Parameters::Rated(RatedParameters::prior(&prior.steps, prior.sigma, prior.phi))
            }
        };
        let row = CalibrationRow {
            id: ctx.ids.uuid(),
            scale: scale.to_string(),
            version: 1,
            rubric_version: assay_assessments::rubric_version()?.to_owned(),
            formula_version: FORMULA_VERSION.to_owned(),
            parameters: Json(parameters),
            developers: 0,
            ratings: 0,
            report: json!({}),
            held_because: Vec::new(),
            made_at: now,
        };
        if store::calibrations::insert(conn, &row).await? {
            let promotion = PromotionRow {
                id: ctx.ids.uuid(),
                scale: row.scale,
                version: row.version,
                promoted_by_id: None,
                reason: "What is assumed before anything was rated.".to_owned(),
                promoted_at: now,
            };
            store::calibrations::promote(conn, &promotion).await?;
        }
    }
    Ok(())
}
