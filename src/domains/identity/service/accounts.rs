//! People as others see them.

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::typed;
use crate::store;

/// A developer's public profile.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DeveloperProfile {
    /// Their id.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: AccountId,
    /// The login at GitHub when they last signed in.
    #[schema(example = "octocat")]
    pub login: String,
    /// The picture at GitHub.
    pub avatar_url: Option<String>,
    /// The name they go by.
    #[schema(example = "Mona Lisa")]
    pub display_name: String,
    /// What they do, on one line.
    #[schema(example = "Back-end engineer: ledgers and payments")]
    pub headline: Option<String>,
    /// About themselves.
    pub bio: Option<String>,
    /// Where they live, ISO 3166-1.
    #[schema(example = "DE")]
    pub country: Option<String>,
    /// Their time zone, IANA name.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: Option<String>,
    /// Their web page.
    pub website: Option<String>,
    /// The version of this resource, as in its ETag.
    #[schema(example = 3)]
    pub version: i64,
    /// When they first signed in.
    pub created_at: DateTime<Utc>,
}

/// The public profile of an active developer.
pub async fn developer(ctx: &Ctx, id: AccountId) -> Result<DeveloperProfile> {
    let row = ctx
        .db
        .read(async |conn| Ok(store::accounts::active_developer(conn, id).await?))
        .await?
        .ok_or_else(|| Error::not_found("developer"))?;
    Ok(DeveloperProfile {
        id: typed(row.id),
        login: row.login,
        avatar_url: row.avatar_url,
        display_name: row.display_name.unwrap_or_default(),
        headline: row.headline,
        bio: row.bio,
        country: row.country,
        time_zone: row.time_zone,
        website: row.website,
        version: row.version,
        created_at: row.created_at,
    })
}
