//! When assessors are away.

use actix_web::web::Data;
use actix_web::{delete, get, post};
use assay_kernel::ids::TimeOffId;
use assay_kernel::text::{self, Text};
use assay_kernel::{Page, Result};
use assay_platform::idempotency;
use assay_platform::web::{Auth, Body, IdempotencyKey, Outcome, Path, Reply, Routes, Staff};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::assessors::{SessionAhead, ahead};
use crate::service::Assessments;
use crate::service::assessors::Ahead;
use crate::store::assessors::TimeOffRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_my_time_off).service(add_my_time_off).service(delete_my_time_off);
}

/// Time off.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddTimeOff {
    /// When it begins.
    starts_at: DateTime<Utc>,
    /// When it ends.
    ends_at: DateTime<Utc>,
    /// What it is for; only the assessor reads it.
    #[validate(length(min = 1, max = 200), custom(function = "text::line"))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, example = "Holidays")]
    note: Option<Text>,
}

/// Time off.
#[derive(Debug, Serialize, ToSchema)]
struct TimeOffView {
    /// Its id.
    id: TimeOffId,
    /// When it begins.
    starts_at: DateTime<Utc>,
    /// When it ends.
    ends_at: DateTime<Utc>,
    /// What it is for.
    note: Option<String>,
    /// Booked sessions that fall into it, when it is added: have somebody take them over.
    sessions_within: Vec<SessionAhead>,
}

impl TimeOffView {
    fn new(row: TimeOffRow, within: Vec<Ahead>) -> Result<Self> {
        Ok(Self {
            id: TimeOffId::from_uuid(row.id),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            note: row.note,
            sessions_within: ahead(within)?,
        })
    }
}

/// Lists the caller's time off that is not over.
#[utoipa::path(
    tag = "assessors",
    responses((status = 200, description = "The time off, soonest first.", body = Page<TimeOffView>)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/assessors/me/time_off")]
async fn list_my_time_off(assessments: Data<Assessments>, caller: Auth<Staff>) -> Outcome {
    let rows = assessments.ctx.db.read(async |conn| assessments.my_time_off(conn, &caller).await).await?;
    let views = rows.into_iter().map(|row| TimeOffView::new(row, Vec::new())).collect::<Result<_>>()?;
    Ok(Reply::ok(&Page::whole(views))?)
}

/// Adds time off.
///
/// No start is offered that would touch it. What is booked stays booked: the answer lists it.
#[utoipa::path(
    tag = "assessors",
    request_body = AddTimeOff,
    responses((status = 201, description = "The time off.", body = TimeOffView)),
    extensions(("x-access" = json!("staff")))
)]
#[post("/v1/assessors/me/time_off")]
async fn add_my_time_off(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    key: IdempotencyKey,
    body: Body<AddTimeOff>,
) -> Outcome {
    let reply = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        let note = body.note.clone().map(Text::into_string);
        let span = (body.starts_at, body.ends_at);
        let (row, within) = assessments.add_time_off_in(conn, &caller, span, note).await?;
        let view = TimeOffView::new(row, within)?;
        Reply::created(format!("/v1/assessors/me/time_off/{}", view.id), &view)
    })
    .await?;
    Ok(reply)
}

/// Takes time off back.
#[utoipa::path(
    tag = "assessors",
    responses((status = 204, description = "It is gone.")),
    extensions(("x-access" = json!("staff")))
)]
#[delete("/v1/assessors/me/time_off/{id}")]
async fn delete_my_time_off(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    id: Path<TimeOffId>,
) -> Outcome {
    assessments.ctx.db.tx(async |conn| assessments.delete_time_off_in(conn, &caller, id.0).await).await?;
    Ok(Reply::no_content())
}
