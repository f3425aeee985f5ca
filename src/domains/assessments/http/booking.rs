//! Slots, holds, bookings, and the waiting list.

use actix_web::web::Data;
use actix_web::{get, post};
use assay_kernel::Result;
use assay_kernel::ids::AssessmentId;
use assay_platform::acts;
use assay_platform::idempotency;
use assay_platform::web::{
    Auth, Body, Developer, IdempotencyKey, IfMatch, Outcome, Path, Query, Reader, Reply, Routes,
};
use chrono::{DateTime, Duration, FixedOffset, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::dto::{AssessmentView, local};
use crate::service::Assessments;
use crate::service::offer::SlotsWanted;

/// Registers the routes of this file that have no id.
pub fn fixed_routes(routes: &mut Routes<'_>) {
    routes.service(list_assessment_slots);
}

/// Registers the other routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(hold_assessment)
        .service(release_assessment_hold)
        .service(book_assessment)
        .service(reschedule_assessment)
        .service(cancel_assessment)
        .service(wait_for_assessment);
}

/// Which starts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SlotsQuery {
    /// The track: one of the caller's application that is ready for an assessment.
    #[param(max_length = 100, example = "backend")]
    track: String,
    /// The first start; now when left out.
    from: Option<DateTime<Utc>>,
    /// No start from then on; the end of the days that are offered when left out.
    to: Option<DateTime<Utc>>,
    /// The IANA zone in which times are told besides UTC; that of the assessment when left out.
    #[param(value_type = Option<String>, example = "Europe/Lisbon")]
    zone: Option<Tz>,
}

/// A start that can be held.
#[derive(Debug, Serialize, ToSchema)]
struct SlotView {
    /// When the session would begin.
    #[schema(example = "2026-12-01T09:00:00Z")]
    starts_at: DateTime<Utc>,
    /// When it would end.
    #[schema(example = "2026-12-01T11:00:00Z")]
    ends_at: DateTime<Utc>,
    /// The start on the wall clock of the zone.
    #[schema(example = "2026-12-01T10:00:00+01:00")]
    starts_at_local: DateTime<FixedOffset>,
    /// The end on the wall clock of the zone.
    #[schema(example = "2026-12-01T12:00:00+01:00")]
    ends_at_local: DateTime<FixedOffset>,
}

/// The starts that a candidate is offered.
#[derive(Debug, Serialize, ToSchema)]
struct SlotsView {
    /// The starts within the range, soonest first.
    data: Vec<SlotView>,
    /// When the range holds fewer than three: the nearest starts outside it, one a day. With both empty, there is the
    /// waiting list.
    nearest: Vec<SlotView>,
    /// The zone in which times are told.
    #[schema(example = "Europe/Lisbon")]
    zone: &'static str,
    /// No start lies before it.
    bookable_from: DateTime<Utc>,
}

/// Lists the starts that the caller can hold.
///
/// Each has a lead and an observer who are free, with time before and after, and have no tie to the caller. At least 24
/// hours and at most 28 days from now. Who they are is not told.
#[utoipa::path(
    tag = "assessments",
    params(SlotsQuery),
    responses((status = 200, description = "The starts.", body = SlotsView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/assessments/slots")]
async fn list_assessment_slots(
    assessments: Data<Assessments>,
    caller: Auth<Reader>,
    query: Query<SlotsQuery>,
) -> Outcome {
    let SlotsQuery { track, from, to, zone } = query.0;
    let wanted = SlotsWanted { track, from, to, zone };
    let offer = assessments.ctx.db.read(async |conn| assessments.slots(conn, &caller, &wanted).await).await?;
    let view = |starts_at: DateTime<Utc>| {
        let ends_at = starts_at + Duration::minutes(offer.minutes);
        SlotView {
            starts_at,
            ends_at,
            starts_at_local: local(starts_at, offer.zone),
            ends_at_local: local(ends_at, offer.zone),
        }
    };
    Ok(Reply::ok(&SlotsView {
        data: offer.starts.iter().copied().map(view).collect(),
        nearest: offer.nearest.iter().copied().map(view).collect(),
        zone: offer.zone.name(),
        bookable_from: offer.bookable_from,
    })?)
}

/// The answer; when a time was not free, with the nearest that are.
async fn or_alternatives(
    assessments: &Assessments,
    id: AssessmentId,
    near: Option<DateTime<Utc>>,
    done: Result<Reply>,
) -> Outcome {
    match done {
        Ok(reply) => Ok(reply),
        Err(error) => Err(assessments.with_alternatives(error, id, near).await.into()),
    }
}

/// A start to take.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakeStart {
    /// One of the starts that are offered.
    #[schema(example = "2026-12-01T09:00:00Z")]
    starts_at: DateTime<Utc>,
}

/// Holds a start.
///
/// For 10 minutes, in which nobody else gets it; an earlier hold is given back. When the start is not free, the refusal
/// names the nearest that are, and an earlier hold stays.
#[utoipa::path(
    tag = "assessments",
    request_body = TakeStart,
    responses((status = 200, description = "The assessment, with its hold.", body = AssessmentView)),
    extensions(("x-access" = json!("developer")))
)]
#[post("/v1/assessments/{id}/hold")]
async fn hold_assessment(
    assessments: Data<Assessments>,
    caller: Auth<Developer>,
    id: Path<AssessmentId>,
    key: IdempotencyKey,
    body: Body<TakeStart>,
) -> Outcome {
    let done: Result<Reply> = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        AssessmentView::reply(assessments.hold_in(conn, &caller, id.0, body.starts_at).await?)
    })
    .await;
    or_alternatives(&assessments, id.0, Some(body.starts_at), done).await
}

/// Moves a booked session.
///
/// To another start that is offered: at least 24 hours before the present one, and twice at most. When the new start is
/// not free, nothing changes, and the refusal names the nearest that are.
#[utoipa::path(
    tag = "assessments",
    request_body = TakeStart,
    responses((status = 200, description = "The assessment, with its new time.", body = AssessmentView)),
    extensions(("x-access" = json!("developer")), ("x-if-match" = json!(true)))
)]
#[post("/v1/assessments/{id}/reschedule")]
async fn reschedule_assessment(
    assessments: Data<Assessments>,
    caller: Auth<Developer>,
    id: Path<AssessmentId>,
    seen: IfMatch,
    key: IdempotencyKey,
    body: Body<TakeStart>,
) -> Outcome {
    let done: Result<Reply> = idempotency::run(&assessments.ctx, key.with(&body).as_ref(), async |conn| {
        AssessmentView::reply(assessments.reschedule_in(conn, &caller, id.0, &seen, body.starts_at).await?)
    })
    .await;
    or_alternatives(&assessments, id.0, Some(body.starts_at), done).await
}

/// Books the start that is held.
///
/// Everybody gets an invitation. Once the hold has run out, it must be held anew.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The assessment, with its time.", body = AssessmentView)),
    extensions(("x-access" = json!("developer")), ("x-if-match" = json!(true)))
)]
#[post("/v1/assessments/{id}/book")]
async fn book_assessment(
    assessments: Data<Assessments>,
    caller: Auth<Developer>,
    id: Path<AssessmentId>,
    seen: IfMatch,
    key: IdempotencyKey,
) -> Outcome {
    let done: Result<Reply> = idempotency::run(&assessments.ctx, key.bare().as_ref(), async |conn| {
        AssessmentView::reply(assessments.book_in(conn, &caller, id.0, &seen).await?)
    })
    .await;
    or_alternatives(&assessments, id.0, None, done).await
}

acts! { Assessments, AssessmentView::reply, ("assessments", 200, "The assessment.", AssessmentView);
    /// Gives the assessment up.
    ///
    /// Before its session begins; everybody who was invited is told. Another can be requested at once.
    cancel_assessment(Developer, AssessmentId, IdempotencyKey, IfMatch: seen) "/v1/assessments/{id}/cancel" =
        Assessments::cancel_in;
}

acts! { Assessments, AssessmentView::reply, ("assessments", 200, "The assessment.", AssessmentView);
    /// Gives a hold back.
    release_assessment_hold(Developer, AssessmentId, IdempotencyKey) "/v1/assessments/{id}/release" =
        Assessments::release_in;
    /// Waits for a start.
    ///
    /// When none can be offered. Staff are told, and those who wait get a mail in their order once there are starts; who
    /// was let down by an assessor comes first. A second call changes nothing.
    wait_for_assessment(Developer, AssessmentId, IdempotencyKey) "/v1/assessments/{id}/wait" = Assessments::wait_in;
}
