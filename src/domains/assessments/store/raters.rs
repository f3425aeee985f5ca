//! Who can rate an assessment.

use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = sql_types::Uuid)]
    assessor_id: Uuid,
}

// Whoever hosted, rated, read or decided anything of the application is out, but not who was seated at a time that was
// given up. Whoever has an anchor card of it comes last: all of the track may. Else who has the fewest cards comes first.
const POOL: &str = "
    SELECT t.assessor_id
    FROM (SELECT DISTINCT assessor_id FROM assessor_tracks WHERE track = $1 AND role IN ('lead', 'observer')) t
    JOIN assessors a ON a.account_id = t.assessor_id AND a.blocked_at IS NULL
    JOIN accounts p ON p.id = t.assessor_id AND p.status = 'active'
    JOIN staff_permissions s ON s.account_id = t.assessor_id AND s.permission = 'assessor'
    WHERE t.assessor_id NOT IN (
        SELECT h.assessor_id FROM assessments x JOIN bookings b ON b.assessment_id = x.id
            JOIN booking_hosts h ON h.booking_id = b.id
            WHERE x.application_id = $2 AND h.state IN ('confirmed', 'completed', 'no_show')
        UNION ALL
        SELECT c.rater_id FROM assessments x JOIN rating_cards c ON c.assessment_id = x.id WHERE x.application_id = $2
        UNION ALL
        SELECT r.reader_id FROM assessments x JOIN rating_readers r ON r.assessment_id = x.id
            WHERE x.application_id = $2
        UNION ALL
        SELECT o.decided_by_id FROM assessments x JOIN assessment_outcomes o ON o.assessment_id = x.id
            WHERE x.application_id = $2)
    ORDER BY EXISTS (SELECT FROM assessments x JOIN anchor_sessions s ON s.assessment_id = x.id
            JOIN anchor_cards c ON c.anchor_session_id = s.id
            WHERE x.application_id = $2 AND c.rater_id = t.assessor_id),
        (SELECT count(*) FROM rating_cards c WHERE c.rater_id = t.assessor_id AND c.state = 'open'),
        (SELECT count(*) FROM rating_cards c WHERE c.rater_id = t.assessor_id AND c.opened_at > $3),
        t.assessor_id";

/// Assessors of the track who have no part in the application yet, the least loaded (since `since`) first. Ties to the
/// candidate are another question.
pub async fn pool(
    conn: &mut Conn,
    track: &str,
    application: Uuid,
    since: DateTime<Utc>,
) -> DbResult<Vec<Uuid>> {
    let rows: Vec<Found> = diesel::sql_query(POOL)
        .bind::<sql_types::Text, _>(track)
        .bind::<sql_types::Uuid, _>(application)
        .bind::<sql_types::Timestamptz, _>(since)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.assessor_id).collect())
}
