//! Anchor cards, read from the tables of assessments: who has rated, and how each differs from the others.

use assay_assessments::Quarter;
use assay_platform::db::{Conn, DbResult};
use assay_platform::statement;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{BigInt, Date, Double, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

// A level is compared with the mean of what the others gave for the same criterion of the same session, once nobody who
// has to rate that could still be told anything by it: every card is in, or the quarter is over.
const ANCHORS: &str = "
    WITH cards AS (
        SELECT c.anchor_session_id AS session, c.rater_id AS rater, c.state, c.content
        FROM anchor_cards c JOIN anchor_sessions s ON s.id = c.anchor_session_id
        WHERE s.quarter = {} AND s.withdrawn_at IS NULL
    ), levels AS (
        SELECT c.session, c.rater, r.key AS criterion, (r.value ->> 'level')::int AS level
        FROM cards c CROSS JOIN LATERAL jsonb_each(c.content -> 'ratings') r
        WHERE c.state = 'submitted' AND r.value ? 'level'
            AND ({} <= {} OR NOT EXISTS (SELECT FROM cards o WHERE o.session = c.session AND o.state = 'open'))
    ), beside AS (
        SELECT rater, level, sum(level) OVER one - level AS others, count(*) OVER one - 1 AS n
        FROM levels WINDOW one AS (PARTITION BY session, criterion)
    ), differences AS (
        SELECT rater, avg(level - others::float8 / n) AS mean, count(*) AS n FROM beside WHERE n > 0 GROUP BY rater
    )
    SELECT c.rater, count(*), count(*) FILTER (WHERE c.state = 'submitted'),
        max(d.mean), coalesce(max(d.n), 0)
    FROM cards c LEFT JOIN differences d ON d.rater = c.rater
    GROUP BY c.rater ORDER BY c.rater";

statement! {
    struct Anchors(quarter: NaiveDate as Date, ends_at: DateTime<Utc> as Timestamptz, now: DateTime<Utc> as Timestamptz)
        -> (SqlUuid, BigInt, BigInt, Nullable<Double>, BigInt);
    ANCHORS
}

/// How an assessor has rated the anchor sessions of a quarter.
#[derive(Clone, Debug, PartialEq)]
pub struct AnchorRater {
    /// Who.
    pub assessor: Uuid,
    /// Cards that are, or were, asked for.
    pub asked: i64,
    /// Cards that are in.
    pub submitted: i64,
    /// Mean difference in levels to the others.
    pub difference: Option<f64>,
    /// Levels that it is of.
    pub compared: i64,
}

/// Everybody who had an anchor card of the quarter.
pub async fn of(conn: &mut Conn, quarter: Quarter, now: DateTime<Utc>) -> DbResult<Vec<AnchorRater>> {
    let query = Anchors { quarter: quarter.first_day(), ends_at: quarter.ends_at(), now };
    let rows: Vec<(Uuid, i64, i64, Option<f64>, i64)> = query.load(conn).await?;
    let rater = |(assessor, asked, submitted, difference, compared)| AnchorRater {
        assessor,
        asked,
        submitted,
        difference,
        compared,
    };
    Ok(rows.into_iter().map(rater).collect())
}

statement! {
    struct Withdrawn(since: DateTime<Utc> as Timestamptz) -> (BigInt);
    "SELECT count(*) FROM anchor_sessions WHERE withdrawn_at >= {}"
}

/// Was an anchor session withdrawn since then, so that its cards count no more?
pub async fn withdrawn_since(conn: &mut Conn, since: DateTime<Utc>) -> DbResult<bool> {
    let (withdrawn,): (i64,) = Withdrawn { since }.get_result(conn).await?;
    Ok(withdrawn > 0)
}
