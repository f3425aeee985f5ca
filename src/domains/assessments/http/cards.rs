//! The rubric and the rater's own card.

use actix_web::web::Data;
use actix_web::{get, patch, post};
use assay_kernel::error::FieldError;
use assay_kernel::ids::AssessmentId;
use assay_kernel::{Page, Result};
use assay_platform::acts;
use assay_platform::web::{
    Auth, IdempotencyKey, IfMatch, MergePatchDocument, Outcome, Path, Reply, Routes, SignedIn, Staff, etag,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::rating::{CardContent, CardRole, CardState};
use crate::model::rubric::Rubric;
use crate::service::Assessments;
use crate::service::cards::OwnCard;
use crate::store::cards::CardRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_rubric)
        .service(get_rubric_version)
        .service(list_own_cards)
        .service(get_own_card)
        .service(update_own_card)
        .service(submit_own_card);
}

/// Shows the rubric in force.
///
/// Criteria, levels with their anchors, recommendations, reason codes: what a session is rated by, for everybody to read.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The rubric.", body = Rubric)),
    extensions(("x-access" = json!("signed_in")))
)]
#[get("/v1/assessments/rubric")]
async fn get_rubric(_caller: Auth<SignedIn>) -> Outcome {
    Ok(Reply::ok(Rubric::shipped()?)?)
}

/// Shows a version of the rubric.
///
/// Each card names the version that it was filled in by.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The rubric.", body = Rubric)),
    extensions(("x-access" = json!("signed_in")))
)]
#[get("/v1/assessments/rubric/{version}")]
async fn get_rubric_version(
    assessments: Data<Assessments>,
    _caller: Auth<SignedIn>,
    version: Path<String>,
) -> Outcome {
    let rubric = assessments.ctx.db.read(async |conn| assessments.rubric(conn, &version.0).await).await?;
    Ok(Reply::ok(&rubric)?)
}

/// A rater's own card.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardView {
    /// What it rates.
    pub assessment_id: AssessmentId,
    /// As what the caller rates.
    pub role: CardRole,
    /// Does the caller rate from the record, without having been in the session?
    pub from_record: bool,
    /// Where it stands.
    pub state: CardState,
    /// The version of the rubric: `GET /v1/assessments/rubric/{version}`.
    #[schema(example = "2026-11-21")]
    pub rubric_version: String,
    /// What it says.
    #[serde(flatten)]
    pub content: CardContent,
    /// What submission still lacks, as pointers into the card.
    pub lacking: Vec<FieldError>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// Is that time past?
    pub overdue: bool,
    /// When it was submitted.
    pub submitted_at: Option<DateTime<Utc>>,
    /// What the caller can do with it now.
    #[schema(example = json!(["edit", "submit"]))]
    pub allowed_actions: Vec<&'static str>,
    /// Version of the row, as in the ETag.
    #[schema(minimum = 1, example = 1)]
    pub version: i64,
}

impl CardView {
    fn reply(card: OwnCard) -> Result<Reply> {
        let OwnCard { row, lacking, overdue } = card;
        let allowed_actions = match (row.is_open(), lacking.is_empty()) {
            (true, true) => vec!["edit", "submit"],
            (true, false) => vec!["edit"],
            (false, _) => Vec::new(),
        };
        let view = Self {
            assessment_id: AssessmentId::from_uuid(row.assessment_id),
            role: row.role.parse()?,
            from_record: row.from_record,
            state: row.state.parse()?,
            rubric_version: row.rubric_version,
            content: row.content.0,
            lacking,
            opened_at: row.opened_at,
            due_at: row.due_at,
            overdue,
            submitted_at: row.submitted_at,
            allowed_actions,
            version: row.version,
        };
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    }
}

/// A card that waits for the caller.
#[derive(Debug, Serialize, ToSchema)]
struct OpenCard {
    /// What it rates: `GET /v1/assessments/{id}/card`.
    assessment_id: AssessmentId,
    /// As what the caller rates.
    role: CardRole,
    /// From the record, without having been in the session?
    from_record: bool,
    /// When it is due.
    due_at: DateTime<Utc>,
    /// Is that time past?
    overdue: bool,
    /// Version of the card.
    #[schema(minimum = 1, example = 1)]
    version: i64,
}

impl OpenCard {
    fn new(row: &CardRow, now: DateTime<Utc>) -> Result<Self> {
        Ok(Self {
            assessment_id: AssessmentId::from_uuid(row.assessment_id),
            role: row.role.parse()?,
            from_record: row.from_record,
            due_at: row.due_at,
            overdue: row.due_at <= now,
            version: row.version,
        })
    }
}

/// Lists the rating cards that wait for the caller.
///
/// The soonest due first, a hundred at most.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The cards.", body = Page<OpenCard>)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/me/cards")]
async fn list_own_cards(assessments: Data<Assessments>, caller: Auth<Staff>) -> Outcome {
    let ctx = &assessments.ctx;
    let rows = ctx.db.read(async |conn| assessments.open_cards(conn, &caller).await).await?;
    let now = ctx.clock.now();
    let cards = rows.iter().map(|row| OpenCard::new(row, now)).collect::<Result<_>>()?;
    Ok(Reply::ok(&Page::whole(cards))?)
}

/// Shows the caller's own rating card of an assessment.
///
/// Nobody sees another's card before having submitted their own, and nothing here depends on another's card.
#[utoipa::path(
    tag = "assessments",
    responses((status = 200, description = "The card.", body = CardView)),
    extensions(("x-access" = json!("staff")))
)]
#[get("/v1/assessments/{id}/card")]
async fn get_own_card(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    id: Path<AssessmentId>,
) -> Outcome {
    let card = assessments.ctx.db.read(async |conn| assessments.own_card(conn, &caller, id.0).await).await?;
    Ok(CardView::reply(card)?)
}

/// Saves what the caller has on the card so far.
///
/// A JSON Merge Patch; `{"ratings": {"testing": {"level": 3}}}` changes one level. Anything may be missing until the card
/// is submitted.
#[utoipa::path(
    tag = "assessments",
    request_body(content = CardContent, content_type = "application/merge-patch+json", description = "Any of the members."),
    responses((status = 200, description = "The card.", body = CardView)),
    extensions(("x-access" = json!("staff")), ("x-if-match" = json!(true)))
)]
#[patch("/v1/assessments/{id}/card")]
async fn update_own_card(
    assessments: Data<Assessments>,
    caller: Auth<Staff>,
    id: Path<AssessmentId>,
    seen: IfMatch,
    body: MergePatchDocument,
) -> Outcome {
    let save = async |conn: &mut _| assessments.save_card_in(conn, &caller, id.0, &seen, &body.0).await;
    Ok(CardView::reply(assessments.ctx.db.tx(save).await?)?)
}

acts! { Assessments, CardView::reply, ("assessments", 200, "The card.", CardView);
    /// Submits the caller's card.
    ///
    /// Once, and for good: every criterion has a level or is not observed, the levels 0 and 4 have evidence, and there is a
    /// recommendation and a summary. What is missing is told all at once (422).
    submit_own_card(Staff, AssessmentId, IdempotencyKey, IfMatch: seen) "/v1/assessments/{id}/card/submit" =
        Assessments::submit_card_in;
}
