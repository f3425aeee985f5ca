//! A developer's own side: where they stand, where they were shown, what they say of their capacity.

use actix_web::web::Data;
use actix_web::{get, put};
use assay_kernel::{Limit, Money, Page};
use assay_platform::web::{
    Auth, Body, Cursor, Developer, Manager, Outcome, Query, Reader, Reply, Routes, etag,
};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::{Validate, ValidationError};

use super::dto::{ImpressionView, MatchPreferencesView, OwnMatchView};
use crate::service::Matching;
use crate::service::preferences::Preferences;

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes
        .service(list_my_matches)
        .service(list_my_impressions)
        .service(get_my_match_preferences)
        .service(put_my_match_preferences);
}

/// Query of one's own matches.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnMatchesQuery {
    /// Most items; there is one page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
}

/// Lists the projects that suit one best.
///
/// Open projects that ask for one of your skills: first those for which nothing keeps you out, with your place and why
/// you stand there; then those that one thing keeps you from, with what it would mean if it did not. Nothing is told of
/// others but how many they are.
#[utoipa::path(tag = "matching", params(OwnMatchesQuery), responses((status = 200, description = "Projects, the best first.", body = Page<OwnMatchView>)), extensions(("x-access" = json!("developer"))))]
#[get("/v1/me/matches")]
async fn list_my_matches(
    matching: Data<Matching>,
    caller: Auth<Developer>,
    query: Query<OwnMatchesQuery>,
) -> Outcome {
    let limit = query.0.limit.get();
    let read = matching.ctx.db.read(async |conn| matching.my_matches(conn, &caller, limit).await);
    let own = read.await?.into_iter().map(OwnMatchView::from).collect();
    Ok(Reply::page(&Page::whole(own))?)
}

/// Query of impressions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImpressionsQuery {
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

/// Lists where one was shown.
///
/// Each project and day on which you were among the first ten of a ranking, the latest first.
#[utoipa::path(tag = "matching", params(ImpressionsQuery), responses((status = 200, description = "A page of impressions.", body = Page<ImpressionView>)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/me/impressions")]
async fn list_my_impressions(
    matching: Data<Matching>,
    caller: Auth<Reader>,
    query: Query<ImpressionsQuery>,
) -> Outcome {
    let cursors = Cursor::new(&matching.ctx.keys, "my_impressions", &caller.account_id);
    let before: Option<(i32, Uuid)> =
        query.0.cursor.as_deref().map(|cursor| cursors.decode(cursor)).transpose()?;
    let limit = query.0.limit;
    let read = matching
        .ctx
        .db
        .read(async |conn| matching.my_impressions(conn, &caller, before, limit.fetch()).await);
    let page = cursors.page(read.await?, limit, |row| (row.day, row.project))?;
    Ok(Reply::page(&page.map(ImpressionView::from))?)
}

/// Shows what one has said of one's own capacity.
#[utoipa::path(tag = "matching", responses((status = 200, description = "What was said.", body = MatchPreferencesView)), extensions(("x-access" = json!("reader"))))]
#[get("/v1/me/match_preferences")]
async fn get_my_match_preferences(matching: Data<Matching>, caller: Auth<Reader>) -> Outcome {
    let row = matching.ctx.db.read(async |conn| matching.preferences(conn, &caller).await).await?;
    let view = MatchPreferencesView::of(row)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}

/// What a developer says of their own capacity.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchPreferencesInput {
    /// Hours a week; as in the application when none.
    #[validate(range(min = 1, max = 60))]
    #[schema(minimum = 1, maximum = 60, example = 30)]
    weekly_hours: Option<i32>,
    /// Your floor an hour; as in the application when none. Nobody who pays less is shown you, and no client is told it.
    #[validate(custom(function = "plausible_rate"))]
    rate_per_hour: Option<Money>,
    /// From when you are free; now when none.
    available_from: Option<NaiveDate>,
    /// You take no work now.
    #[serde(default)]
    paused: bool,
}

fn plausible_rate(rate: &Money) -> Result<(), ValidationError> {
    if (1..=10_000_000).contains(&rate.amount) { Ok(()) } else { Err(ValidationError::new("out_of_range")) }
}

/// Says anew what one's own capacity is.
///
/// It counts from the next ranking on, within a second. It replaces what was said before.
#[utoipa::path(tag = "matching", request_body = MatchPreferencesInput, responses((status = 200, description = "What was said.", body = MatchPreferencesView)), extensions(("x-access" = json!("manager"))))]
#[put("/v1/me/match_preferences")]
async fn put_my_match_preferences(
    matching: Data<Matching>,
    caller: Auth<Manager>,
    body: Body<MatchPreferencesInput>,
) -> Outcome {
    let said = Preferences {
        weekly_hours: body.weekly_hours,
        rate: body.rate_per_hour,
        available_from: body.available_from,
        paused: body.paused,
    };
    let row =
        matching.ctx.db.tx(async |conn| matching.put_preferences_in(conn, &caller, &said).await).await?;
    let view = MatchPreferencesView::of(row)?;
    Ok(Reply::ok(&view)?.etag(etag(view.version)))
}
