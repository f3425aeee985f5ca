//! Scores, as their owners and clients see them.

use actix_web::get;
use actix_web::web::Data;
use assay_kernel::ids::{AccountId, ScoreEventId};
use assay_kernel::{Limit, Page, Result};
use assay_platform::Ctx;
use assay_platform::web::{Auth, Cursor, Hirer, Outcome as Answer, Path, Query, Reader, Reply, Routes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::model::evidence::CriterionMeans;
use crate::model::score::{Cause, DeveloperScore, FORMULA_VERSION, Figures, ScoreScale};
use crate::service::explain::{DeliveryRecord, Explained, delivery_record, explain, moves, public_scores};
use crate::store::scores::ScoreEventRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_my_score_events).service(get_my_score).service(get_developer_score);
}

/// A score with its interval.
#[derive(Debug, Serialize, ToSchema)]
struct ScoreView {
    /// Of what.
    scale: ScoreScale,
    /// `500 + 100 θ`.
    #[schema(example = 541)]
    score: i32,
    /// Lower end of the interval that holds the true value nine times in ten.
    #[schema(example = 483)]
    lower: i32,
    /// Its upper end.
    #[schema(example = 599)]
    upper: i32,
    /// The same in words.
    #[schema(example = "Technical: 541. The true value lies between 483 and 599 nine times in ten.")]
    words: String,
    /// Ratings, or milestones, that it rests on.
    #[schema(example = 14)]
    evidence: i32,
    /// By which calibration of the scale.
    #[schema(example = 3)]
    calibration_version: i32,
    /// By which formula.
    #[schema(example = "2026-11-21")]
    formula_version: String,
    /// Since when.
    updated_at: DateTime<Utc>,
}

impl From<DeveloperScore> for ScoreView {
    fn from(score: DeveloperScore) -> Self {
        let Figures { score: points, lower, upper, .. } = score.figures;
        let name = match score.scale {
            ScoreScale::Technical => "Technical",
            ScoreScale::Collaboration => "Collaboration",
            ScoreScale::Delivery => "Delivery",
        };
        Self {
            scale: score.scale,
            score: points,
            lower,
            upper,
            words: format!(
                "{name}: {points}. The true value lies between {lower} and {upper} nine times in ten."
            ),
            evidence: score.evidence,
            calibration_version: score.calibration_version,
            formula_version: score.formula_version,
            updated_at: score.updated_at,
        }
    }
}

/// What was rated on a criterion, over all cards. Who gave which level is shown to nobody who was rated.
#[derive(Debug, Serialize, ToSchema)]
struct CriterionScoreView {
    /// The rubric that has it.
    #[schema(example = "2026-11-21")]
    rubric_version: String,
    /// The criterion.
    #[schema(example = "testing")]
    criterion: String,
    /// Ratings.
    #[schema(example = 2)]
    ratings: i32,
    /// Their mean level, 0 to 4.
    #[schema(example = 2.5)]
    mean_level: f64,
    /// The mean level that assessors of average severity would have given.
    #[schema(example = 2.7)]
    adjusted_level: f64,
}

impl From<CriterionMeans> for CriterionScoreView {
    fn from(means: CriterionMeans) -> Self {
        let hundredth = |level: f64| (level * 100.0).round() / 100.0;
        Self {
            rubric_version: means.rubric_version,
            criterion: means.criterion,
            ratings: means.ratings,
            mean_level: hundredth(means.mean),
            adjusted_level: hundredth(means.adjusted),
        }
    }
}

/// A score with what it is made of.
#[derive(Debug, Serialize, ToSchema)]
struct ExplainedScoreView {
    /// The score.
    #[serde(flatten)]
    score: ScoreView,
    /// Posterior mean, logits.
    #[schema(example = 0.41)]
    theta: f64,
    /// Posterior standard deviation, logits.
    #[schema(example = 0.35)]
    se: f64,
    /// The pass line on the published scale; null on delivery, which decides nothing.
    #[schema(example = 500)]
    pass_line: Option<i32>,
    /// Cards that it rests on.
    #[schema(example = 2)]
    cards: usize,
    /// By criterion.
    criteria: Vec<CriterionScoreView>,
}

impl From<Explained> for ExplainedScoreView {
    fn from(explained: Explained) -> Self {
        let Figures { theta, se, .. } = explained.score.figures;
        Self {
            theta,
            se,
            pass_line: explained.cut.map(|cut| Figures::new(cut, 0.0).score),
            cards: explained.cards,
            criteria: explained.criteria.into_iter().map(CriterionScoreView::from).collect(),
            score: explained.score.into(),
        }
    }
}

/// A developer's deliveries in numbers.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryView {
    /// Milestones that ended after work on them.
    #[schema(example = 6)]
    milestones: usize,
    /// Mean share of their amounts that was accepted, basis points; null without a milestone.
    #[schema(example = 9600)]
    accepted_bps: Option<i64>,
    /// Delivered by the agreed day.
    #[schema(example = 5)]
    on_time: usize,
    /// Delivered later.
    #[schema(example = 1)]
    late: usize,
    /// Whose money was asked back.
    #[schema(example = 0)]
    disputed: usize,
}

impl From<DeliveryRecord> for DeliveryView {
    fn from(record: DeliveryRecord) -> Self {
        let DeliveryRecord { milestones, accepted_bps, on_time, late, disputed } = record;
        Self { milestones, accepted_bps, on_time, late, disputed }
    }
}

/// The caller's scores, explained.
#[derive(Debug, Serialize, ToSchema)]
struct MyScoreView {
    /// On each scale that they have been measured on; empty before the first decision.
    scores: Vec<ExplainedScoreView>,
    /// Their deliveries.
    delivery: DeliveryView,
    /// How figures follow from ratings, in words.
    formula: &'static str,
    /// The version of that.
    #[schema(example = "2026-11-21")]
    formula_version: &'static str,
}

const FORMULA: &str = "Each rating is compared with what an assessor of known severity gives on a criterion of known \
    difficulty (many-facet partial-credit Rasch model; the ratings of one card share a session effect). What follows is \
    your most plausible ability θ in logits, with its standard deviation; ratings of an earlier assessment count with \
    those of a later one. Delivery is measured by the share of each milestone that was accepted. The score is 500 + 100 θ, \
    and its interval, 1.645 standard deviations to either side, holds the true value nine times in ten. A score moves only \
    by new evidence or by a calibration that comes into force; each move is an event with its cause.";

/// Shows the caller's scores, and how they came about.
///
/// Each scale with its interval, its formula and calibration, and what was rated by criterion once the raters' severity is
/// taken out. Scores are published with the decision on an assessment, not before.
#[utoipa::path(
    tag = "scores",
    responses((status = 200, description = "The scores.", body = MyScoreView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/me/score")]
async fn get_my_score(ctx: Data<Ctx>, caller: Auth<Reader>) -> Answer {
    let developer = caller.account_id;
    let (scores, record) = ctx
        .db
        .read(async |conn| {
            Ok((explain(&ctx, conn, developer).await?, delivery_record(conn, developer).await?))
        })
        .await?;
    let view = MyScoreView {
        scores: scores.into_iter().map(ExplainedScoreView::from).collect(),
        delivery: record.into(),
        formula: FORMULA,
        formula_version: FORMULA_VERSION,
    };
    Ok(Reply::ok(&view)?)
}

/// A move of a score.
#[derive(Debug, Serialize, ToSchema)]
struct ScoreEventView {
    /// Its id.
    id: ScoreEventId,
    /// Of what.
    scale: ScoreScale,
    /// What moved it.
    cause: Cause,
    /// The assessment, the milestone or the calibration that did.
    #[schema(example = "mst_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    subject: Option<String>,
    /// What it was; null for the first.
    before: Option<Figures>,
    /// What it is; null when nothing is left that it could rest on.
    after: Option<Figures>,
    /// When.
    created_at: DateTime<Utc>,
}

impl ScoreEventView {
    fn new(row: ScoreEventRow) -> Result<Self> {
        Ok(Self {
            id: ScoreEventId::from_uuid(row.id),
            scale: row.scale.parse()?,
            cause: row.cause.parse()?,
            subject: row.subject,
            before: row.before.map(|figures| figures.0),
            after: row.after.map(|figures| figures.0),
            created_at: row.created_at,
        })
    }
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListScoreEvents {
    /// How many a page holds.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists every move of the caller's scores, with its cause.
///
/// Newest first.
#[utoipa::path(
    tag = "scores",
    params(ListScoreEvents),
    responses((status = 200, description = "A page of moves.", body = Page<ScoreEventView>)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/me/score/events")]
async fn list_my_score_events(ctx: Data<Ctx>, caller: Auth<Reader>, query: Query<ListScoreEvents>) -> Answer {
    let ListScoreEvents { limit, cursor } = query.0;
    let developer = caller.account_id;
    let cursors = Cursor::new(&ctx.keys, "score_events", &developer);
    let before: Option<ScoreEventId> = cursor.as_deref().map(|text| cursors.decode(text)).transpose()?;
    let rows = ctx.db.read(async |conn| moves(conn, developer, before, limit.fetch()).await).await?;
    let page = cursors.page(rows, limit, |row| ScoreEventId::from_uuid(row.id))?;
    let data: Result<Vec<ScoreEventView>> = page.data.into_iter().map(ScoreEventView::new).collect();
    Ok(Reply::page(&Page { data: data?, next_cursor: page.next_cursor })?)
}

/// A developer's scores, as clients see them.
#[derive(Debug, Serialize, ToSchema)]
struct DeveloperScoresView {
    /// Whose.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    developer_id: AccountId,
    /// On each scale, with its interval. Intervals that overlap much tell no difference.
    scores: Vec<ScoreView>,
    /// Their deliveries.
    delivery: DeliveryView,
}

/// Shows the scores of an approved developer.
///
/// With intervals, formula and calibration; and their deliveries in numbers.
#[utoipa::path(
    tag = "scores",
    responses((status = 200, description = "The scores.", body = DeveloperScoresView)),
    extensions(("x-access" = json!("hirer")))
)]
#[get("/v1/developers/{id}/score")]
async fn get_developer_score(ctx: Data<Ctx>, _caller: Auth<Hirer>, id: Path<AccountId>) -> Answer {
    let (scores, record) = ctx.db.read(async |conn| public_scores(&ctx, conn, id.0).await).await?;
    let view = DeveloperScoresView {
        developer_id: id.0,
        scores: scores.into_iter().map(ScoreView::from).collect(),
        delivery: record.into(),
    };
    Ok(Reply::ok(&view)?)
}
