//! Drafts, the client's acts, the public listing.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use assay_kernel::ids::{OrganisationId, ProjectId};
use assay_kernel::{Code, Error, Limit, Page, Result};
use assay_platform::acts;
use assay_platform::idempotency;
use assay_platform::web::{
    Anyone, Auth, Body, Cursor, Hirer, IdempotencyKey, IfMatch, MergePatchDocument, Outcome, Path, Query,
    Reader, Reply, Routes, etag,
};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::dto::{ListingView, ProjectSummary, ProjectView};
use crate::model::ProjectState;
use crate::service::content::ProjectContent;
use crate::service::drafts::Readiness;
use crate::service::search::{Match, Search, Sort};
use crate::service::{ProjectDetail, Projects};

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_my_projects)
        .service(create_project)
        .service(update_project)
        .service(get_readiness)
        .service(submit_project)
        .service(withdraw_project)
        .service(pause_project)
        .service(resume_project)
        .service(relist_project);
}

/// The answer that shows a project.
pub fn shown(detail: ProjectDetail) -> Result<Reply> {
    let view = ProjectView::new(detail)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// Query of the public listing.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Skills, comma-separated: slugs, names or aliases.
    #[param(example = "rust,postgresql")]
    skills: Option<String>,
    /// Whether a project must ask for all of the skills, or for any.
    #[serde(default = "any")]
    #[param(inline, default = "any")]
    r#match: Match,
    /// Words to look for. The newest 150 matches take part.
    #[param(min_length = 2, max_length = 200, example = "ledger reconciliation")]
    q: Option<String>,
    /// Smallest budget, US cents.
    #[param(minimum = 0, example = 1000000)]
    budget_min: Option<i64>,
    /// Largest budget, US cents.
    #[param(minimum = 0)]
    budget_max: Option<i64>,
    /// Least effort, hours.
    #[param(minimum = 0)]
    effort_min: Option<i32>,
    /// Most effort, hours.
    #[param(minimum = 0)]
    effort_max: Option<i32>,
    /// Earliest start.
    starts_from: Option<NaiveDate>,
    /// Latest start.
    starts_to: Option<NaiveDate>,
    /// Your IANA zone: projects whose need for shared hours you cannot meet are left out.
    #[param(example = "Europe/Lisbon")]
    time_zone: Option<String>,
    /// The order: `newest`, or `relevance` (the default with `q`, which it needs).
    #[param(inline)]
    sort: Option<Sort>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

fn any() -> Match {
    Match::Any
}

/// Searches the public listing.
///
/// Open projects by skills, budget, effort, start, shared hours and words, newest or best match first.
#[utoipa::path(tag = "projects", params(SearchQuery), responses((status = 200, description = "A page of open projects.", body = Page<ListingView>)), extensions(("x-access" = json!("public"))))]
#[get("/v1/projects")]
pub(super) async fn search_projects(projects: Data<Projects>, query: Query<SearchQuery>) -> Outcome {
    let query = query.0;
    let q = query.q.map(|words| words.trim().to_owned()).filter(|words| !words.is_empty());
    if q.as_ref().is_some_and(|words| words.chars().count() > 200 || words.contains('\0')) {
        return Err(Error::new(Code::MalformedRequest, "`q` may have 200 characters at most.").into());
    }
    let default = if q.is_some() { Sort::Relevance } else { Sort::Newest };
    let search = Search {
        skills: query
            .skills
            .unwrap_or_default()
            .split(',')
            .map(|skill| skill.trim().to_owned())
            .filter(|skill| !skill.is_empty())
            .take(10)
            .collect(),
        matching: query.r#match,
        q,
        budget_min: query.budget_min,
        budget_max: query.budget_max,
        effort_min: query.effort_min,
        effort_max: query.effort_max,
        starts_from: query.starts_from.map(|day| date_in_range(day, "starts_from")).transpose()?,
        starts_to: query.starts_to.map(|day| date_in_range(day, "starts_to")).transpose()?,
        time_zone: query.time_zone,
        sort: query.sort.unwrap_or(default),
    };
    let page = projects.search(&search, query.limit, query.cursor.as_deref()).await?;
    Ok(Reply::page(&page.try_map(ListingView::new)?)?)
}

/// PostgreSQL's dates end before those of the type.
fn date_in_range(day: NaiveDate, name: &str) -> Result<NaiveDate> {
    use chrono::Datelike;
    if (1..=9999).contains(&day.year()) {
        return Ok(day);
    }
    Err(Error::new(Code::MalformedRequest, format!("`{name}` must be a year between 1 and 9999.")))
}

/// Query of one's own projects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MyProjectsQuery {
    /// Of one organisation only.
    #[param(value_type = Option<String>)]
    organisation_id: Option<OrganisationId>,
    /// In one state only.
    #[param(inline)]
    state: Option<ProjectState>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists the projects of one's organisations.
///
/// In every state, newest first.
#[utoipa::path(tag = "projects", params(MyProjectsQuery), responses((status = 200, description = "A page of projects.", body = Page<ProjectSummary>)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/me/projects")]
async fn list_my_projects(
    projects: Data<Projects>,
    caller: Auth<Reader>,
    query: Query<MyProjectsQuery>,
) -> Outcome {
    let query = query.0;
    let filter = (query.organisation_id.map(|id| id.to_string()), query.state, caller.account_id);
    let cursors = Cursor::new(&projects.ctx.keys, "my_projects", &filter);
    let before: Option<Uuid> = query.cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let state = query.state.map(ProjectState::as_str);
    let rows = projects
        .ctx
        .db
        .read(async |conn| {
            projects.mine(conn, &caller, query.organisation_id, state, before, query.limit.fetch()).await
        })
        .await?;
    Ok(Reply::page(&cursors.page(rows, query.limit, |row| row.id)?.try_map(ProjectSummary::new)?)?)
}

/// Creates a project draft.
///
/// Of an organisation for which the caller may hire. Only title and description are needed now; `GET
/// /v1/projects/{id}/readiness` says what submission will want.
#[utoipa::path(tag = "projects", request_body = ProjectContent, responses((status = 201, description = "The draft.", body = ProjectView)), extensions(("x-access" = json!("hirer"))))]
#[post("/v1/organisations/{id}/projects")]
async fn create_project(
    projects: Data<Projects>,
    caller: Auth<Hirer>,
    id: Path<OrganisationId>,
    key: IdempotencyKey,
    body: Body<ProjectContent>,
) -> Outcome {
    let key = key.with(&body);
    let reply = idempotency::run(&projects.ctx, key.as_ref(), async |conn| {
        let detail = projects.create_in(conn, &caller, id.0, body.clone()).await?;
        let view = ProjectView::new(detail)?;
        Ok(Reply::created(format!("/v1/projects/{}", view.id), &view)?.etag(etag(view.version)))
    })
    .await?;
    Ok(reply)
}

/// Shows a project.
///
/// Listed projects are public; others are shown to the client's people, staff, and who bid or was invited. The full
/// text of a confidential project is for approved developers.
#[utoipa::path(tag = "projects", responses((status = 200, description = "The project.", body = ProjectView), (status = 304, description = "Not changed since the version in If-None-Match.")), extensions(("x-access" = json!("public"))))]
#[get("/v1/projects/{id}")]
pub(super) async fn get_project(projects: Data<Projects>, caller: Anyone, id: Path<ProjectId>) -> Outcome {
    let detail = projects.get_batched(caller.actor(), id.0).await?;
    Ok(shown(detail)?)
}

/// Changes a draft.
///
/// A JSON Merge Patch over what was written; possible while the project is a draft or changes are requested.
#[utoipa::path(tag = "projects", request_body(content = ProjectContent, content_type = "application/merge-patch+json", description = "Any of the members."), responses((status = 200, description = "The project.", body = ProjectView)), extensions(("x-access" = json!("hirer")), ("x-if-match" = json!(true))))]
#[patch("/v1/projects/{id}")]
async fn update_project(
    projects: Data<Projects>,
    caller: Auth<Hirer>,
    id: Path<ProjectId>,
    seen: IfMatch,
    body: MergePatchDocument,
) -> Outcome {
    let detail =
        projects.ctx.db.tx(async |conn| projects.edit_in(conn, &caller, id.0, &seen, &body.0).await).await?;
    Ok(shown(detail)?)
}

/// Tells how ready a posting is.
///
/// The eight signals of a good posting, each with its evidence and a fix, and every guard that submission would fail
/// on now.
#[utoipa::path(tag = "projects", responses((status = 200, description = "The signals.", body = Readiness)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/projects/{id}/readiness")]
async fn get_readiness(projects: Data<Projects>, caller: Auth<Reader>, id: Path<ProjectId>) -> Outcome {
    let readiness = projects.ctx.db.read(async |conn| projects.readiness(conn, &caller, id.0).await).await?;
    Ok(Reply::ok(&readiness)?)
}

acts! { Projects, shown, ("projects", 200, "The project.", ProjectView);
    /// Hands a draft to curation.
    ///
    /// All guards are answered at once; staff answer in one business day.
    submit_project(Hirer, ProjectId, IdempotencyKey, IfMatch: seen) "/v1/projects/{id}/submit" = Projects::submit_in;
    /// Takes a project back.
    ///
    /// Its bids are closed and their places returned.
    withdraw_project(Hirer, ProjectId, IdempotencyKey, IfMatch: seen) "/v1/projects/{id}/withdraw" =
        Projects::withdraw_in;
    /// Hides a listed project for now.
    ///
    /// Bids wait; the listing's period goes on.
    pause_project(Hirer, ProjectId, IdempotencyKey, IfMatch: seen) "/v1/projects/{id}/pause" = Projects::pause_in;
    /// Shows a paused project again.
    ///
    /// Possible while the listing's period lasts.
    resume_project(Hirer, ProjectId, IdempotencyKey, IfMatch: seen) "/v1/projects/{id}/resume" = Projects::resume_in;
    /// Makes a draft of an expired project again.
    ///
    /// It goes through curation once more.
    relist_project(Hirer, ProjectId, IdempotencyKey, IfMatch: seen) "/v1/projects/{id}/relist" = Projects::relist_in;
}
