//! Staff's view of background jobs.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::ids::JobId;
use assay_kernel::{Error, Limit, Page};
use assay_platform::Ctx;
use assay_platform::audit::{self, Entry};
use assay_platform::jobs::{self, JobView};
use assay_platform::web::{Admin, Auth, Body, Cursor, Outcome, Path, Query, Reply, Routes, Staff};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

/// Registers the routes.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_jobs).service(replay_job);
}

/// Which jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// All tries used up.
    #[default]
    Dead,
    /// Still to run.
    Live,
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// Which jobs; the dead ones unless told.
    #[serde(default)]
    #[param(inline)]
    state: JobState,
    /// Items on a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Why a job is to run again.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayJob {
    /// The reason, for the audit log.
    #[validate(length(min = 3, max = 500), custom(function = "assay_kernel::text::line"))]
    #[schema(value_type = String, min_length = 3, max_length = 500, example = "The mail server is back.")]
    reason: assay_kernel::text::Text,
}

/// Lists background jobs.
///
/// Newest first.
#[utoipa::path(
    tag = "operations",
    params(JobQuery),
    responses((status = 200, description = "A page of jobs.", body = Page<JobView>)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/jobs")]
async fn list_jobs(ctx: Data<Ctx>, _caller: Auth<Staff>, query: Query<JobQuery>) -> Outcome {
    let query = query.0;
    let cursor = Cursor::new(&ctx.keys, "jobs", &query.state);
    let before: Option<Uuid> = query.cursor.as_deref().map(|text| cursor.decode(text)).transpose()?;
    let dead = query.state == JobState::Dead;
    let rows = ctx.db.read(async |conn| jobs::list(conn, dead, before, query.limit.fetch()).await).await?;
    Ok(Reply::page(&cursor.page(rows, query.limit, |last| last.id.uuid())?)?)
}

/// Runs a dead job again.
///
/// It gets all its tries back. Only for admins; the act is in the audit log.
#[utoipa::path(
    tag = "operations",
    request_body = ReplayJob,
    responses((status = 200, description = "The job, live again.", body = JobView)),
    extensions(("x-access" = json!("admin")))
)]
#[post("/v1/jobs/{id}/replay")]
async fn replay_job(ctx: Data<Ctx>, caller: Auth<Admin>, id: Path<JobId>, body: Body<ReplayJob>) -> Outcome {
    let job = ctx
        .db
        .tx(async |conn| {
            let job = jobs::replay(&ctx, conn, id.0).await?;
            audit::record(
                &ctx,
                conn,
                Entry {
                    actor: Some(caller.account_id),
                    action: "job.replay",
                    subject: id.0.to_string(),
                    reason: Some(&body.reason),
                    data: json!({ "kind": job.kind }),
                },
            )
            .await?;
            Ok::<_, Error>(job)
        })
        .await?;
    Ok(Reply::ok(&job)?)
}
