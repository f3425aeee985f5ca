//! From cards to scores: what who decides is shown, whether another rater is needed, and what is published with the
//! decision.

use std::pin::Pin;

use assay_assessments::{PassLine, Rated, RatedStep};
use assay_kernel::Result;
use assay_kernel::ids::{AccountId, ApplicationId, AssessmentId};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::policy::RatedScalePolicy;

use super::moving::{Measured, write};
use super::{in_force, rated};
use crate::model::evidence::{Card, Drifting, Weighed, overall, verdict, weigh};
use crate::model::score::{Cause, FORMULA_VERSION, ScoreScale, Verdict};
use crate::store;
use crate::store::scores::AssessmentScoreRow;

/// What the application gives to the assessments.
pub fn on_rated<'a>(
    ctx: &'a Ctx,
    conn: &'a mut Conn,
    rated: &'a Rated,
) -> Pin<Box<dyn Future<Output = Result<PassLine>> + 'a>> {
    Box::pin(async move {
        let Rated { assessment, application, candidate, step } = *rated;
        let subject = assessment.to_string();
        match step {
            RatedStep::CardsIn => weigh_cards(ctx, conn, candidate, application, assessment).await,
            RatedStep::Published => {
                let cards = store::cards::counted(conn, candidate, None).await?;
                let first = cards.iter().all(|card| card.assessment == assessment.uuid());
                let cause = if first { Cause::Session } else { Cause::Redo };
                publish(ctx, conn, candidate, &ScoreScale::RATED, (cause, Some(&subject))).await
            }
            RatedStep::AppealAnswered => {
                publish(ctx, conn, candidate, &ScoreScale::RATED, (Cause::Appeal, Some(&subject))).await
            }
            RatedStep::Voided => {
                store::scores::delete_assessed(conn, assessment).await?;
                Ok(PassLine::Clear)
            }
        }
    })
}

pub(super) fn drifting(ctx: &Ctx) -> Drifting {
    let policy = &ctx.policy.scoring;
    Drifting { each: policy.drift_each, year: policy.drift_year }
}

/// A card with the levels of one scale only.
fn of_scale(card: Card, policy: &RatedScalePolicy) -> Card {
    let levels = card.levels.into_iter().filter(|(name, _)| policy.criteria.contains(name)).collect();
    Card { levels, ..card }
}

/// The cards that count for somebody on a scale.
pub(super) async fn cards_of(
    ctx: &Ctx,
    conn: &mut Conn,
    candidate: AccountId,
    scale: ScoreScale,
    application: Option<ApplicationId>,
) -> Result<Vec<Card>> {
    let Some(policy) = rated(ctx, scale) else { return Ok(Vec::new()) };
    let cards = store::cards::counted(conn, candidate, application).await?;
    Ok(cards.into_iter().map(|card| of_scale(card, policy)).collect())
}

/// Weighs every card of an application that is in. Says whether another rater is needed.
async fn weigh_cards(
    ctx: &Ctx,
    conn: &mut Conn,
    candidate: AccountId,
    application: ApplicationId,
    assessment: AssessmentId,
) -> Result<PassLine> {
    let policy = &ctx.policy.scoring;
    let mut verdicts = Vec::new();
    for scale in ScoreScale::RATED {
        let Some(cut) = rated(ctx, scale).map(|policy| policy.cut) else { continue };
        let calibration = in_force(conn, scale).await?;
        let cards = cards_of(ctx, conn, candidate, scale, Some(application)).await?;
        let Some(weighed) = weigh(calibration.rated()?, &cards, drifting(ctx)) else { continue };
        let above_cut = weighed.above(cut);
        let verdict = verdict(above_cut, policy.pass_probability, policy.fail_probability);
        verdicts.push(verdict);
        let figures = weighed.figures();
        let row = AssessmentScoreRow {
            assessment_id: assessment.uuid(),
            scale: scale.to_string(),
            theta: figures.theta,
            se: figures.se,
            score: figures.score,
            lower: figures.lower,
            upper: figures.upper,
            above_cut,
            cut,
            verdict: verdict.to_string(),
            calibration_version: calibration.version,
            formula_version: FORMULA_VERSION.to_owned(),
            evidence: weighed.ratings,
            computed_at: ctx.clock.now(),
        };
        store::scores::upsert_assessed(conn, &row).await?;
    }
    Ok(if overall(&verdicts) == Verdict::Border { PassLine::Border } else { PassLine::Clear })
}

/// Measures somebody anew on some scales, by the calibrations in force and every card that counts, and publishes it.
pub(super) async fn publish(
    ctx: &Ctx,
    conn: &mut Conn,
    candidate: AccountId,
    scales: &[ScoreScale],
    cause: (Cause, Option<&str>),
) -> Result<PassLine> {
    store::scores::serialise(conn, candidate.uuid()).await?;
    for scale in scales {
        let calibration = in_force(conn, *scale).await?;
        let cards = cards_of(ctx, conn, candidate, *scale, None).await?;
        let weighed = weigh(calibration.rated()?, &cards, drifting(ctx));
        let measured = Measured {
            scale: *scale,
            figures: weighed.as_ref().map(Weighed::figures),
            evidence: weighed.as_ref().map_or(0, |weighed| weighed.ratings),
            calibration_version: calibration.version,
        };
        write(ctx, conn, candidate, measured, cause).await?;
    }
    Ok(PassLine::Clear)
}
