//! A score that explains itself: to whom it belongs, and, less of it, to clients.

use assay_kernel::ids::{AccountId, ScoreEventId};
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;

use super::rated::cards_of;
use super::{in_force, rated};
use crate::model::evidence::{CriterionMeans, by_criterion};
use crate::model::score::{DeveloperScore, ScoreScale};
use crate::store;
use crate::store::outcomes::OutcomeRow;
use crate::store::scores::ScoreEventRow;

/// A score with what it is made of.
#[derive(Debug)]
pub struct Explained {
    /// The score.
    pub score: DeveloperScore,
    /// The pass line, logits; none on delivery.
    pub cut: Option<f64>,
    /// Cards that it rests on.
    pub cards: usize,
    /// By criterion, severity taken out.
    pub criteria: Vec<CriterionMeans>,
}

/// A developer's deliveries in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Milestones that ended.
    pub milestones: usize,
    /// Mean share accepted, basis points; none without a milestone.
    pub accepted_bps: Option<i64>,
    /// Delivered by the agreed day.
    pub on_time: usize,
    /// Delivered later.
    pub late: usize,
    /// Asked back, or taken back.
    pub disputed: usize,
}

impl DeliveryRecord {
    fn of(outcomes: &[OutcomeRow]) -> Self {
        let count = |which: &dyn Fn(&OutcomeRow) -> bool| outcomes.iter().filter(|row| which(row)).count();
        let sum: i64 = outcomes.iter().map(|row| i64::from(row.accepted_bps)).sum();
        Self {
            milestones: outcomes.len(),
            accepted_bps: i64::try_from(outcomes.len()).ok().and_then(|n| sum.checked_div(n)),
            on_time: count(&|row| row.on_time == Some(true)),
            late: count(&|row| row.on_time == Some(false)),
            disputed: count(&|row| row.disputed),
        }
    }
}

/// Somebody's deliveries.
///
/// # Errors
/// When the database fails.
pub async fn delivery_record(conn: &mut Conn, developer: AccountId) -> Result<DeliveryRecord> {
    Ok(DeliveryRecord::of(&store::outcomes::of(conn, developer).await?))
}

/// Somebody's scores with what they are made of.
///
/// # Errors
/// When the database fails.
pub async fn explain(ctx: &Ctx, conn: &mut Conn, developer: AccountId) -> Result<Vec<Explained>> {
    let mut explained = Vec::new();
    for score in super::scores_of(conn, &[developer]).await? {
        let scale = score.scale;
        if scale == ScoreScale::Delivery {
            explained.push(Explained { score, cut: None, cards: 0, criteria: Vec::new() });
            continue;
        }
        let calibration = in_force(conn, scale).await?;
        let cards = cards_of(ctx, conn, developer, scale, None).await?;
        let criteria = by_criterion(calibration.rated()?, &cards, score.figures.theta);
        let counted = cards.iter().filter(|card| !card.levels.is_empty()).count();
        let cut = rated(ctx, scale).map(|policy| policy.cut);
        explained.push(Explained { score, cut, cards: counted, criteria });
    }
    Ok(explained)
}

/// The scores of a developer whom clients can hire.
///
/// # Errors
/// `not_found` for everybody else.
pub async fn public_scores(
    ctx: &Ctx,
    conn: &mut Conn,
    developer: AccountId,
) -> Result<(Vec<DeveloperScore>, DeliveryRecord)> {
    if !assay_vetting::is_approved(ctx, conn, developer).await? {
        return Err(Error::not_found("developer"));
    }
    Ok((super::scores_of(conn, &[developer]).await?, delivery_record(conn, developer).await?))
}

/// Every move of somebody's scores, newest first.
///
/// # Errors
/// When the database fails.
pub async fn moves(
    conn: &mut Conn,
    developer: AccountId,
    before: Option<ScoreEventId>,
    limit: i64,
) -> Result<Vec<ScoreEventRow>> {
    Ok(store::scores::events(conn, developer, before.map(|id| id.uuid()), limit).await?)
}
