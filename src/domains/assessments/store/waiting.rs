//! The waiting list of candidates for whom no start could be offered, and the age of requests.

use assay_kernel::ids::AssessmentId;
use assay_platform::db::schema::assessments;
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// Does anybody wait?
pub async fn anybody(conn: &mut Conn) -> DbResult<bool> {
    let waiting = assessments::table.filter(assessments::waiting_since.is_not_null());
    Ok(diesel::select(diesel::dsl::exists(waiting)).get_result(conn).await?)
}

/// Those who wait, on one track or all: who comes before others first, then who has waited longest.
pub async fn list(conn: &mut Conn, track: Option<&str>) -> DbResult<Vec<Uuid>> {
    let mut query = assessments::table.filter(assessments::waiting_since.is_not_null()).into_boxed();
    if let Some(track) = track {
        query = query.filter(assessments::track.eq(track.to_owned()));
    }
    let order =
        (assessments::track, assessments::priority.desc(), assessments::waiting_since, assessments::id);
    Ok(query.order(order).select(assessments::id).load(conn).await?)
}

/// When the candidate was told of free starts.
pub async fn told_at(conn: &mut Conn, id: AssessmentId) -> DbResult<Option<DateTime<Utc>>> {
    Ok(assessments::table.find(id.uuid()).select(assessments::slots_told_at).first(conn).await?)
}

/// Notes when the candidate was told, or that there is nothing to tell any more.
pub async fn set_told(conn: &mut Conn, id: AssessmentId, at: Option<DateTime<Utc>>) -> DbResult<()> {
    diesel::update(assessments::table.find(id.uuid()))
        .set(assessments::slots_told_at.eq(at))
        .execute(conn)
        .await?;
    Ok(())
}

/// How many who wait on a track were told since an instant.
pub async fn told_since(conn: &mut Conn, track: &str, since: DateTime<Utc>) -> DbResult<i64> {
    let query = assessments::table
        .filter(assessments::waiting_since.is_not_null())
        .filter(assessments::track.eq(track))
        .filter(assessments::slots_told_at.gt(since));
    Ok(query.count().get_result(conn).await?)
}

/// Requests without a time: how many on each track, how many of them wait, the oldest.
pub async fn queue(conn: &mut Conn) -> DbResult<Vec<(String, i64, i64, Option<DateTime<Utc>>)>> {
    use diesel::dsl::{count, count_star, min};
    let query = assessments::table.filter(assessments::state.eq("requested")).group_by(assessments::track);
    let columns =
        (assessments::track, count_star(), count(assessments::waiting_since), min(assessments::created_at));
    Ok(query.order(assessments::track).select(columns).load(conn).await?)
}
