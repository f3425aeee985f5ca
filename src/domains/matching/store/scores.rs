//! Published scores, in standard deviations of the population that their calibration was made on.

use std::collections::HashMap;

use assay_platform::db::{Conn, DbResult};
use diesel::sql_types::{Array, Float8, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::market::Score;

/// Nothing is known: the population's middle, with its spread.
const UNKNOWN: Score = Score { mean: 0.0, sd: 1.0 };

assay_platform::statement! {
    /// Scores of developers, each with the population of its calibration.
    struct ScoresOf(ids: Vec<Uuid> as Array<SqlUuid>)
        -> (SqlUuid, Text, Float8, Float8, Nullable<Float8>, Nullable<Float8>);
    "SELECT s.developer_id, s.scale, s.theta, s.se, (c.parameters->>'mu')::float8, (c.parameters->>'sigma')::float8
     FROM developer_scores s JOIN calibrations c ON c.scale = s.scale AND c.version = s.calibration_version
     WHERE s.developer_id = ANY({}) AND s.scale IN ('technical', 'collaboration')"
}

/// Technical and collaboration scores.
#[derive(Debug, Default)]
pub struct Scores(HashMap<Uuid, (Score, Score)>);

impl Scores {
    /// Of one developer.
    pub fn of(&self, developer: Uuid) -> (Score, Score) {
        self.0.get(&developer).copied().unwrap_or((UNKNOWN, UNKNOWN))
    }
}

/// Scores of developers.
pub async fn of_developers(conn: &mut Conn, ids: Vec<Uuid>) -> DbResult<Scores> {
    type Row = (Uuid, String, f64, f64, Option<f64>, Option<f64>);
    let rows: Vec<Row> = ScoresOf { ids }.load(conn).await?;
    let mut scores = HashMap::new();
    for (developer, scale, theta, se, mu, sigma) in rows {
        let (mu, sigma) = (mu.unwrap_or(0.0), sigma.filter(|sigma| *sigma > 0.0).unwrap_or(1.0));
        let score = Score { mean: (theta - mu) / sigma, sd: se / sigma };
        let both = scores.entry(developer).or_insert((UNKNOWN, UNKNOWN));
        *(if scale == "technical" { &mut both.0 } else { &mut both.1 }) = score;
    }
    Ok(Scores(scores))
}

assay_platform::statement! {
    /// The calibrations in force.
    struct InForce() -> (Nullable<Text>);
    "SELECT string_agg(scale || '-' || version, ' ' ORDER BY scale) FROM (
        SELECT scale, max(version) AS version FROM calibration_promotions
        WHERE scale IN ('technical', 'collaboration') GROUP BY scale) newest"
}

/// The calibrations in force, by name; empty before the first.
pub async fn calibration(conn: &mut Conn) -> DbResult<String> {
    let rows: Vec<(Option<String>,)> = InForce {}.load(conn).await?;
    Ok(rows.into_iter().next().and_then(|(name,)| name).unwrap_or_default())
}
