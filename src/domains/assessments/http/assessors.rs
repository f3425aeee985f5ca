//! Who assesses.

use actix_web::web::Data;
use actix_web::{get, post, put};
use assay_kernel::ids::{AccountId, AssessmentId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Limit, Page, Result};
use assay_platform::acts;
use assay_platform::web::{
    Admin, Auth, Body, Cursor, IdempotencyKey, IfMatch, Outcome, Path, Query, Reply, Routes, Staff, etag,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::staff::Reason;
use crate::model::HostRole;
use crate::service::Assessments;
use crate::service::assessors::{Ahead, AssessorDetail, Assignment, Availability};

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_my_availability)
        .service(replace_my_availability)
        .service(list_assessors)
        .service(get_assessor)
        .service(assign_assessor_tracks)
        .service(block_assessor)
        .service(unblock_assessor);
}

/// A window on the wall clock of the assessor's zone.
#[derive(Debug, ToSchema)]
#[allow(dead_code)] // read by the engine; here for the description
struct Window {
    /// When it opens, `HH:MM`.
    #[schema(example = "09:00")]
    start: String,
    /// When it closes, `HH:MM` or `24:00`; unless it is later than the start, on the next day.
    #[schema(example = "17:00")]
    end: String,
}

/// A window on some days of each week.
#[derive(Debug, ToSchema)]
#[allow(dead_code)] // read by the engine; here for the description
struct WeeklyWindow {
    /// The days on which it opens: `mon` to `sun`.
    #[schema(example = json!(["mon", "tue", "thu"]))]
    days: Vec<String>,
    /// When it opens, `HH:MM`.
    #[schema(example = "22:00")]
    start: String,
    /// When it closes, `HH:MM` or `24:00`; unless it is later than the start, on the next day.
    #[schema(example = "02:00")]
    end: String,
}

/// The windows of one date, instead of the weekly ones that open on it.
#[derive(Debug, ToSchema)]
#[allow(dead_code)] // read by the engine; here for the description
struct DateWindows {
    /// The date in the assessor's zone.
    #[schema(example = "2026-12-24")]
    date: String,
    /// None: closed.
    intervals: Vec<Window>,
}

/// When an assessor can.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplaceAvailability {
    /// The IANA zone of the rules.
    #[schema(example = "Europe/Berlin")]
    zone: String,
    /// Windows of each week, 100 at most.
    #[schema(value_type = Vec<WeeklyWindow>, max_items = 100)]
    weekly: Value,
    /// Dates with windows of their own, 400 at most.
    #[serde(default = "none")]
    #[schema(value_type = Vec<DateWindows>, required = false, max_items = 400)]
    overrides: Value,
    /// Most sessions on one date; the policy's limit holds where it is lower.
    #[validate(range(min = 1, max = 12))]
    #[schema(minimum = 1, maximum = 12, example = 1)]
    max_per_day: Option<i32>,
    /// Most sessions in one week; the policy's limit holds where it is lower.
    #[validate(range(min = 1, max = 60))]
    #[schema(minimum = 1, maximum = 60, example = 4)]
    max_per_week: Option<i32>,
    /// Employer outside; nobody assesses colleagues.
    #[validate(length(min = 1, max = 200), custom(function = "text::line"))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, example = "Tidewater Labs")]
    employer: Option<Text>,
}

fn none() -> Value {
    Value::Array(Vec::new())
}

/// A session that an assessor has before them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionAhead {
    /// The assessment.
    assessment_id: AssessmentId,
    /// When it begins.
    starts_at: DateTime<Utc>,
    /// When it ends.
    ends_at: DateTime<Utc>,
    /// What they do in it.
    role: HostRole,
}

pub(super) fn ahead(all: Vec<Ahead>) -> Result<Vec<SessionAhead>> {
    let view = |(id, starts_at, ends_at, role): Ahead| {
        let assessment_id = AssessmentId::from_uuid(id);
        Ok(SessionAhead { assessment_id, starts_at, ends_at, role: role.parse()? })
    };
    all.into_iter().map(view).collect()
}

/// What somebody may do on a track.
#[derive(Debug, Serialize, ToSchema)]
struct TrackRole {
    /// Slug of the skill family.
    #[schema(example = "backend")]
    track: String,
    /// What they may be.
    role: HostRole,
}

/// Somebody who assesses.
#[derive(Debug, Serialize, ToSchema)]
struct AssessorView {
    /// Who.
    account_id: AccountId,
    /// The login at GitHub.
    #[schema(example = "octocat")]
    login: String,
    /// The name they go by.
    display_name: Option<String>,
    /// The IANA zone of the rules.
    #[schema(example = "Europe/Berlin")]
    zone: String,
    /// Windows of each week.
    #[schema(value_type = Vec<WeeklyWindow>)]
    weekly: Value,
    /// Dates with windows of their own.
    #[schema(value_type = Vec<DateWindows>)]
    overrides: Value,
    /// Their own limit of sessions on one date.
    max_per_day: Option<i32>,
    /// Their own limit of sessions in one week.
    max_per_week: Option<i32>,
    /// Employer outside.
    employer: Option<String>,
    /// What they may do; staff decide.
    tracks: Vec<TrackRole>,
    /// Their share of the work, relative to the sum of all; 100 is a full one.
    #[schema(example = 100)]
    weight: i32,
    /// Who goes first among equals: the higher.
    #[schema(example = 2)]
    priority: i32,
    /// Since when they get no new sessions.
    blocked_at: Option<DateTime<Utc>>,
    /// Why.
    block_reason: Option<String>,
    /// The sessions before them, where one assessor is shown or blocked.
    sessions_ahead: Vec<SessionAhead>,
    /// Version of the row, as in the ETag; 0 before anything was stored.
    #[schema(minimum = 0, example = 1)]
    version: i64,
}

impl AssessorView {
    fn new(detail: AssessorDetail) -> Result<Self> {
        let AssessorDetail { row, name: (login, display_name), tracks, ahead: all } = detail;
        let track = |row: crate::store::assessors::TrackRow| -> Result<TrackRole> {
            Ok(TrackRole { track: row.track, role: row.role.parse()? })
        };
        Ok(Self {
            account_id: AccountId::from_uuid(row.account_id),
            login,
            display_name,
            zone: row.zone,
            weekly: row.weekly,
            overrides: row.overrides,
            max_per_day: row.max_per_day,
            max_per_week: row.max_per_week,
            employer: row.employer,
            tracks: tracks.into_iter().map(track).collect::<Result<_>>()?,
            weight: row.weight,
            priority: row.priority,
            blocked_at: row.blocked_at,
            block_reason: row.block_reason,
            sessions_ahead: ahead(all)?,
            version: row.version,
        })
    }

    fn reply(detail: AssessorDetail) -> Result<Reply> {
        let view = Self::new(detail)?;
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    }
}

/// Shows what the caller keeps as an assessor.
///
/// For staff with the permission `assessor`.
#[utoipa::path(
    tag = "assessors",
    responses((status = 200, description = "The caller as an assessor.", body = AssessorView)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/assessors/me")]
async fn get_my_availability(assessments: Data<Assessments>, caller: Auth<Staff>) -> Outcome {
    let read = assessments.ctx.db.read(async |conn| assessments.my_availability(conn, &caller).await);
    Ok(AssessorView::reply(read.await?)?)
}

/// Replaces when the caller can, and their own limits.
///
/// Rules are of the zone's wall clock, over midnight too; a date's own windows replace those that would open on it. What
/// is booked stays booked.
#[utoipa::path(
    tag = "assessors",
    request_body = ReplaceAvailability,
    responses((status = 200, description = "The caller as an assessor.", body = AssessorView)),
    extensions(("x-access" = json!("staff")), ("x-if-match" = json!(true)))
)]
#[put("/v1/assessors/me")]
async fn replace_my_availability(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    seen: IfMatch,
    body: Body<ReplaceAvailability>,
) -> Outcome {
    let wanted = || Availability {
        zone: body.zone.clone(),
        weekly: body.weekly.clone(),
        overrides: body.overrides.clone(),
        limits: (body.max_per_day, body.max_per_week),
        employer: body.employer.clone().map(Text::into_string),
    };
    let set = async |conn: &mut _| assessments.set_availability_in(conn, &caller, &seen, wanted()).await;
    Ok(AssessorView::reply(assessments.ctx.db.tx(set).await?)?)
}

/// Query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists assessors.
///
/// For reviewers and admins.
#[utoipa::path(
    tag = "assessors",
    params(ListQuery),
    responses((status = 200, description = "A page of assessors.", body = Page<AssessorView>)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/assessors")]
async fn list_assessors(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    query: Query<ListQuery>,
) -> Outcome {
    let ListQuery { limit, cursor } = query.0;
    let cursors = Cursor::new(&assessments.ctx.keys, "assessors", &());
    let after: Option<Uuid> = cursor.as_deref().map(|c| cursors.decode(c)).transpose()?;
    let rows = assessments
        .ctx
        .db
        .read(async |conn| assessments.assessors(conn, &caller, after, limit.fetch()).await)
        .await?;
    Ok(Reply::page(&cursors.page(rows, limit, |one| one.row.account_id)?.try_map(AssessorView::new)?)?)
}

/// Shows an assessor, with the sessions before them.
///
/// For reviewers and admins. Somebody with the permission who has stored nothing yet has the version 0.
#[utoipa::path(
    tag = "assessors",
    responses((status = 200, description = "The assessor.", body = AssessorView)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/assessors/{id}")]
async fn get_assessor(assessments: Data<Assessments>, caller: Auth<Staff>, id: Path<AccountId>) -> Outcome {
    let read = assessments.ctx.db.read(async |conn| assessments.assessor(conn, &caller, id.0).await);
    Ok(AssessorView::reply(read.await?)?)
}

/// What somebody may do on a track.
#[derive(Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct TrackRoles {
    /// Slug of the skill family.
    #[validate(length(min = 1, max = 100), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "backend")]
    track: Text,
    /// `lead` and `observer`, or `shadow` for who trains.
    #[schema(min_items = 1, max_items = 2)]
    roles: Vec<HostRole>,
}

/// What staff decide about an assessor.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct AssignTracks {
    /// All tracks.
    #[validate(length(max = 50), nested)]
    #[schema(max_items = 50)]
    tracks: Vec<TrackRoles>,
    /// Their share of the work, relative to the sum of all; 100 is a full one.
    #[validate(range(min = 0, max = 1_000))]
    #[schema(minimum = 0, maximum = 1000, example = 100)]
    weight: i32,
    /// Who goes first among equals: the higher.
    #[validate(range(min = 0, max = 4))]
    #[schema(minimum = 0, maximum = 4, example = 2)]
    priority: i32,
    /// Why, for the audit log.
    #[validate(length(min = 3, max = 1_000), custom(function = "text::prose"))]
    #[schema(value_type = String, min_length = 3, max_length = 1000, example = "Has watched five sessions and led two.")]
    reason: Text,
}

/// Decides what an assessor may do, and their share of the work.
#[utoipa::path(
    tag = "assessors",
    request_body = AssignTracks,
    responses((status = 200, description = "The assessor.", body = AssessorView)),
    extensions(("x-access" = json!("admin")), ("x-if-match" = json!(true)))
)]
#[put("/v1/assessors/{id}/tracks")]
async fn assign_assessor_tracks(
    assessments: Data<Assessments>,
    caller: Auth<Admin>,
    id: Path<AccountId>,
    seen: IfMatch,
    body: Body<AssignTracks>,
) -> Outcome {
    let wanted = || Assignment {
        tracks: body.tracks.iter().map(|one| (one.track.to_string(), one.roles.clone())).collect(),
        weight: body.weight,
        priority: body.priority,
        reason: &body.reason,
    };
    let assign =
        async |conn: &mut _| assessments.assign_tracks_in(conn, &caller, id.0, &seen, wanted()).await;
    Ok(AssessorView::reply(assessments.ctx.db.tx(assign).await?)?)
}

acts! { Assessments, AssessorView::reply, ("assessors", 200, "The assessor.", AssessorView);
    /// Blocks an assessor.
    ///
    /// By a reviewer or an admin. No new session comes to them; `sessions_ahead` lists those that somebody else has to take
    /// over (`POST /v1/assessments/{id}/reassign`). Starts that were held with them are given back.
    block_assessor(Staff, AccountId, IdempotencyKey, Body: Reason) "/v1/assessors/{id}/block" =
        async |assessments: &Assessments, conn, caller: &_, id, body: &Reason|
            assessments.block_in(conn, caller, id, (true, &*body.reason)).await;
    /// Lets a blocked assessor go on.
    unblock_assessor(Staff, AccountId, IdempotencyKey, Body: Reason) "/v1/assessors/{id}/unblock" =
        async |assessments: &Assessments, conn, caller: &_, id, body: &Reason|
            assessments.block_in(conn, caller, id, (false, &*body.reason)).await;
}
