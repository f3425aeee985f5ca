//! What people tell of themselves for the report on adverse impact, by consent.

use actix_web::web::Data;
use actix_web::{delete, get, put};
use assay_kernel::{Result, string_enum};
use assay_platform::Ctx;
use assay_platform::web::{Auth, Body, IfMatch, Manager, Outcome as Answer, Reader, Reply, Routes, etag};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::service::reports::{Told, demographics, take_back_in, tell_in};
use crate::store::demographics::DemographicsRow;

/// Registers the routes of this file.
pub fn routes(routes: &mut Routes<'_>) {
    routes.service(get_my_demographics).service(give_my_demographics).service(delete_my_demographics);
}

string_enum! {
    /// A gender, as somebody tells it.
    pub enum Gender {
        /// A woman.
        Woman = "woman",
        /// A man.
        Man = "man",
        /// Another.
        Another = "another",
    }
}

string_enum! {
    /// An age, as somebody tells it.
    pub enum Age {
        /// Younger than forty.
        Under40 = "under_40",
        /// Forty or older.
        From40 = "from_40",
    }
}

string_enum! {
    /// Whether somebody lives with a disability.
    pub enum Disability {
        /// They do.
        Yes = "yes",
        /// They do not.
        No = "no",
    }
}

/// What somebody tells of themselves. What they would rather not tell is left out.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct GiveDemographics {
    /// The version of the text that is agreed to: `scoring.demographics` of the policy.
    #[validate(length(min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "2026-11-21")]
    consent_version: String,
    /// Gender.
    #[serde(default)]
    #[schema(inline)]
    gender: Option<Gender>,
    /// Age.
    #[serde(default)]
    #[schema(inline)]
    age: Option<Age>,
    /// Disability.
    #[serde(default)]
    #[schema(inline)]
    disability: Option<Disability>,
}

/// What somebody told of themselves; shown to them alone.
#[derive(Debug, Serialize, ToSchema)]
struct DemographicsView {
    /// Gender.
    #[schema(inline)]
    gender: Option<Gender>,
    /// Age.
    #[schema(inline)]
    age: Option<Age>,
    /// Disability.
    #[schema(inline)]
    disability: Option<Disability>,
    /// The version of the text that was agreed to.
    #[schema(example = "2026-11-21")]
    consent_version: String,
    /// When.
    consented_at: DateTime<Utc>,
    /// Version of the row, as in the ETag.
    #[schema(minimum = 1, example = 1)]
    version: i64,
}

impl DemographicsView {
    fn reply(row: DemographicsRow) -> Result<Reply> {
        let view = Self {
            gender: row.gender.map(|text| text.parse()).transpose()?,
            age: row.age.map(|text| text.parse()).transpose()?,
            disability: row.disability.map(|text| text.parse()).transpose()?,
            consent_version: row.consent_version,
            consented_at: row.consented_at,
            version: row.version,
        };
        Ok(Reply::ok(&view)?.etag(etag(view.version)))
    }
}

/// Shows what the caller told of themselves.
#[utoipa::path(
    tag = "scores",
    responses((status = 200, description = "What was told.", body = DemographicsView)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/me/demographics")]
async fn get_my_demographics(ctx: Data<Ctx>, caller: Auth<Reader>) -> Answer {
    let row = ctx.db.read(async |conn| demographics(conn, caller.account_id).await).await?;
    Ok(DemographicsView::reply(row)?)
}

/// Tells of oneself, for the report on adverse impact.
///
/// By consent, named by the version of its text, and in the place of what was told before. Kept apart, counted by groups of
/// five or more, and shown beside nobody.
#[utoipa::path(
    tag = "scores",
    request_body = GiveDemographics,
    responses((status = 200, description = "What was told.", body = DemographicsView)),
    extensions(("x-access" = json!("manager")))
)]
#[put("/v1/me/demographics")]
async fn give_my_demographics(ctx: Data<Ctx>, caller: Auth<Manager>, body: Body<GiveDemographics>) -> Answer {
    let told = Told {
        gender: body.gender.map(Gender::as_str),
        age: body.age.map(Age::as_str),
        disability: body.disability.map(Disability::as_str),
        consent_version: &body.consent_version,
    };
    let row = ctx.db.tx(async |conn| tell_in(&ctx, conn, caller.account_id, &told).await).await?;
    Ok(DemographicsView::reply(row)?)
}

/// Takes back what the caller told of themselves.
///
/// It is deleted, and the consent with it.
#[utoipa::path(
    tag = "scores",
    responses((status = 204, description = "Deleted.")),
    extensions(("x-access" = json!("manager")), ("x-if-match" = json!(true)))
)]
#[delete("/v1/me/demographics")]
async fn delete_my_demographics(ctx: Data<Ctx>, caller: Auth<Manager>, seen: IfMatch) -> Answer {
    ctx.db.tx(async |conn| take_back_in(conn, caller.account_id, &seen).await).await?;
    Ok(Reply::no_content())
}
