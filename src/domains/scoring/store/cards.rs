//! Cards, read from the tables of assessments.

use std::collections::BTreeMap;

use assay_kernel::ids::{AccountId, ApplicationId};
use assay_platform::db::{Conn, DbResult, Json};
use assay_platform::statement;
use chrono::{DateTime, Utc};
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use uuid::Uuid;

use crate::model::evidence::Card;

/// What a card says of a criterion, as far as scores look.
#[derive(Clone, Debug, Deserialize)]
struct Rating {
    #[serde(default)]
    level: Option<i32>,
}

type Ratings = BTreeMap<String, Rating>;

/// A card with every level on it.
type Row = (Uuid, DateTime<Utc>, Uuid, String, Json<Ratings>);

fn card((assessment, at, rater, rubric_version, ratings): Row) -> Card {
    Card {
        assessment,
        at,
        assessor: AccountId::from_uuid(rater).to_string(),
        rubric_version,
        levels: ratings.0.into_iter().filter_map(|(name, one)| Some((name, one.level?))).collect(),
    }
}

// An assessment counts for what is published once its decision is; one that gave way to a redo counts with it. The card
// of an appeal counts when that is answered.
const COUNTED: &str = "
    SELECT a.id, coalesce(a.started_at, a.created_at), c.rater_id, c.rubric_version, c.content -> 'ratings'
    FROM assessments a
    JOIN rating_cards c ON c.assessment_id = a.id AND c.state = 'submitted'
    LEFT JOIN assessment_outcomes o ON o.assessment_id = a.id
    WHERE a.candidate_id = {} AND a.state <> 'voided_integrity' AND (a.application_id = {} OR (
        a.state IN ('finalized', 'appealed', 're_reviewed') AND (c.role <> 'appeal' OR a.state = 'finalized')
        AND (o.published_at IS NOT NULL OR ((o.assessment_id IS NULL OR o.superseded_at IS NOT NULL) AND EXISTS (
            SELECT 1 FROM assessments x JOIN assessment_outcomes p ON p.assessment_id = x.id
            WHERE x.application_id = a.application_id AND p.published_at IS NOT NULL)))))
    ORDER BY 2, a.id, c.opened_at, c.id";

statement! {
    struct Counted(candidate: Uuid as sql_types::Uuid, application: Option<Uuid> as sql_types::Nullable<sql_types::Uuid>)
        -> (sql_types::Uuid, sql_types::Timestamptz, sql_types::Uuid, sql_types::Text, sql_types::Jsonb);
    COUNTED
}

/// The cards that somebody's published scores rest on, the oldest assessment first; with an application under decision,
/// every card of that too.
pub async fn counted(
    conn: &mut Conn,
    candidate: AccountId,
    application: Option<ApplicationId>,
) -> DbResult<Vec<Card>> {
    let query = Counted { candidate: candidate.uuid(), application: application.map(|id| id.uuid()) };
    let rows: Vec<Row> = query.load(conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

// Anchor cards link assessors who never rated the same person. They are here only: no score counts them.
statement! {
    struct Final(after: Uuid as sql_types::Uuid, limit: i64 as sql_types::BigInt,
        anchors_after: Uuid as sql_types::Uuid, anchors: i64 as sql_types::BigInt, both: i64 as sql_types::BigInt)
        -> (sql_types::Uuid, sql_types::Uuid, sql_types::Uuid, sql_types::Text, sql_types::Jsonb);
    "(SELECT c.id, a.candidate_id, c.rater_id, c.rubric_version, c.content -> 'ratings'
      FROM rating_cards c JOIN assessments a ON a.id = c.assessment_id
      WHERE c.id > {} AND c.state = 'submitted' AND a.state = 'finalized'
      ORDER BY c.id LIMIT {})
     UNION ALL
     (SELECT c.id, a.candidate_id, c.rater_id, c.rubric_version, c.content -> 'ratings'
      FROM anchor_cards c JOIN anchor_sessions s ON s.id = c.anchor_session_id AND s.withdrawn_at IS NULL
      JOIN assessments a ON a.id = s.assessment_id
      WHERE c.id > {} AND c.state = 'submitted' AND a.state = 'finalized'
      ORDER BY c.id LIMIT {})
     ORDER BY 1 LIMIT {}"
}

statement! {
    /// Who rated whom, from when on that counts, of those who have delivered.
    struct Raters() -> (sql_types::Uuid, sql_types::Uuid, sql_types::Timestamptz);
    "SELECT a.candidate_id, c.rater_id, min(o.published_at)
     FROM assessment_outcomes o
     JOIN assessments a ON a.id = o.assessment_id AND a.state <> 'voided_integrity'
     JOIN rating_cards c ON c.assessment_id = a.id AND c.state = 'submitted'
     WHERE o.published_at IS NOT NULL
       AND EXISTS (SELECT 1 FROM delivery_outcomes d WHERE d.developer_id = a.candidate_id)
     GROUP BY a.candidate_id, c.rater_id"
}

/// Whose card counts for whom from when on: of everybody with an outcome.
pub async fn raters(conn: &mut Conn) -> DbResult<Vec<(Uuid, Uuid, DateTime<Utc>)>> {
    Ok(Raters {}.load(conn).await?)
}

/// A card of a decided assessment: nobody who has to rate that could still be told anything by it.
#[derive(Clone, Debug)]
pub struct FinalCard {
    /// Its id.
    pub id: Uuid,
    /// Who was rated.
    pub candidate: AccountId,
    /// Who rated.
    pub assessor: AccountId,
    /// By which rubric.
    pub rubric_version: String,
    /// Levels by criterion.
    pub levels: Vec<(String, i32)>,
}

/// Cards of everybody whose assessment is decided, whatever the decision, with those of anchor sessions, in the order of
/// their ids after `after`.
pub async fn final_after(conn: &mut Conn, after: Uuid, limit: i64) -> DbResult<Vec<FinalCard>> {
    let query = Final { after, limit, anchors_after: after, anchors: limit, both: limit };
    let rows: Vec<(Uuid, Uuid, Uuid, String, Json<Ratings>)> = query.load(conn).await?;
    let cards = rows.into_iter().map(|(id, candidate, rater, rubric_version, ratings)| FinalCard {
        id,
        candidate: AccountId::from_uuid(candidate),
        assessor: AccountId::from_uuid(rater),
        rubric_version,
        levels: ratings.0.into_iter().filter_map(|(name, one)| Some((name, one.level?))).collect(),
    });
    Ok(cards.collect())
}
