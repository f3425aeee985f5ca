//! Private calendar feeds.

use actix_web::web::Data;
use actix_web::{delete, get, post};
use assay_kernel::Page;
use assay_kernel::ids::CalendarFeedId;
use assay_platform::web::{Anyone, Auth, Manager, Outcome, Path, Reply, Routes};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::Assessments;
use crate::store::feeds::FeedRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_calendar_feeds)
        .service(create_calendar_feed)
        .service(revoke_calendar_feed)
        .service(read_calendar_feed);
}

/// A calendar feed, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct CalendarFeedView {
    /// Its id.
    id: CalendarFeedId,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When a program last read it, to the hour.
    last_read_at: Option<DateTime<Utc>>,
}

impl From<FeedRow> for CalendarFeedView {
    fn from(row: FeedRow) -> Self {
        Self {
            id: CalendarFeedId::from_uuid(row.id),
            created_at: row.created_at,
            last_read_at: row.last_read_at,
        }
    }
}

/// A new calendar feed, with its secret: the only time it is shown.
#[derive(Debug, Serialize, ToSchema)]
struct NewCalendarFeed {
    /// The secret in the URL.
    #[schema(example = "kR0vW3o1sZ2T9yq5xg8mJc7bLh4nFd6uAe1iPzQtYwE")]
    token: String,
    /// Give this to a calendar program. Whoever has it sees the sessions.
    #[schema(example = "https://assay.example/v1/calendar/kR0vW3o1sZ2T9yq5xg8mJc7bLh4nFd6uAe1iPzQtYwE.ics")]
    url: String,
    /// Everything else.
    #[serde(flatten)]
    details: CalendarFeedView,
}

/// Makes a private calendar feed.
///
/// With the caller's booked sessions, as candidate or of the staff, from 30 days back on. Its URL is shown once, here;
/// therefore the answer is not kept under an `Idempotency-Key`. Up to five live ones a person. Programs look into feeds
/// every few hours only: the invitations by mail are what counts.
#[utoipa::path(
    tag = "me",
    responses((status = 201, description = "The feed, with its URL.", body = NewCalendarFeed)),
    extensions(("x-access" = json!("manager")))
)]
#[post("/v1/me/calendar_feeds")]
async fn create_calendar_feed(assessments: Data<Assessments>, caller: Auth<Manager>) -> Outcome {
    let made = assessments.create_feed(&caller).await?;
    let view = NewCalendarFeed { token: made.token, url: made.url, details: made.row.into() };
    Ok(Reply::created("/v1/me/calendar_feeds", &view)?.header("cache-control", "no-store"))
}

/// Lists the caller's calendar feeds.
///
/// Those that are not revoked, newest first, without their URLs; at most five, so on one page.
#[utoipa::path(
    tag = "me",
    responses((status = 200, description = "All of them.", body = Page<CalendarFeedView>)),
    extensions(("x-access" = json!("manager")))
)]
#[get("/v1/me/calendar_feeds")]
async fn list_calendar_feeds(assessments: Data<Assessments>, caller: Auth<Manager>) -> Outcome {
    let rows = assessments.ctx.db.read(async |conn| assessments.feeds(conn, &caller).await).await?;
    Ok(Reply::ok(&Page::whole(rows).map(CalendarFeedView::from))?)
}

/// Revokes a calendar feed.
///
/// Its URL names nothing from now on.
#[utoipa::path(
    tag = "me",
    responses((status = 204, description = "The feed is revoked.")),
    extensions(("x-access" = json!("manager")))
)]
#[delete("/v1/me/calendar_feeds/{id}")]
async fn revoke_calendar_feed(
    assessments: Data<Assessments>,
    caller: Auth<Manager>,
    id: Path<CalendarFeedId>,
) -> Outcome {
    assessments.revoke_feed(&caller, id.0).await?;
    Ok(Reply::no_content())
}

/// Reads a private calendar feed.
///
/// The token is the only credential; it may be followed by `.ics`. An iCalendar object (RFC 5545) with `METHOD:PUBLISH`
/// and nobody's address. 404 when the feed is unknown or revoked, or its owner is suspended.
#[utoipa::path(
    tag = "assessments",
    responses(
        (status = 200, description = "The calendar.", content_type = "text/calendar", body = String),
        (status = 304, description = "It is as the caller has it.")
    ),
    extensions(("x-access" = json!("public")))
)]
#[get("/v1/calendar/{token}")]
async fn read_calendar_feed(assessments: Data<Assessments>, _caller: Anyone, token: Path<String>) -> Outcome {
    let token = token.0.strip_suffix(".ics").unwrap_or(&token.0);
    let feed = assessments.feed_of(token).await?;
    let reply = Reply::text("text/calendar; charset=utf-8; method=PUBLISH", feed.text);
    Ok(reply.etag(feed.etag).header("cache-control", "private, max-age=300"))
}
