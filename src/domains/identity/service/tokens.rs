//! Personal API tokens.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::ApiTokenId;
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Limit, Money, Page, Result, Scope};
use assay_platform::{Ctx, audit};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

use super::second_factor::require_step_up;
use super::{page_by_id, position, typed, usd, usd_minor};
use crate::model::{MAX_API_TOKENS, api_token};
use crate::store;
use crate::store::stored_all;
use crate::store::tokens::{NewToken, TokenRow};

/// Longest life of a token, days.
const MAX_DAYS: i64 = 366;

/// Makes an API token.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiToken {
    /// By which its owner knows it.
    #[validate(length(min = 1, max = 80), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 1, max_length = 80, example = "nightly report")]
    pub name: Text,
    /// What it may do: `read`, `bid`, `hire`, `spend`.
    #[validate(length(min = 1, max = 4))]
    #[schema(min_items = 1, max_items = 4, example = json!(["read", "bid"]))]
    pub scopes: Vec<Scope>,
    /// Most it may commit in one act, in USD; goes with the scope `spend`.
    #[serde(default)]
    pub spend_limit: Option<Money>,
    /// When it ends, 366 days ahead at most.
    #[schema(example = "2027-06-30T00:00:00Z")]
    pub expires_at: DateTime<Utc>,
}

/// An API token without its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ApiTokenView {
    /// Its id.
    #[schema(value_type = String, example = "tok_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: ApiTokenId,
    /// By which its owner knows it.
    #[schema(example = "nightly report")]
    pub name: String,
    /// The end of the token.
    #[schema(example = "x7Qf")]
    pub last_four: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Most it may commit in one act.
    pub spend_limit: Option<Money>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A new API token, with its secret: the only time it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewApiToken {
    /// The token; keep it, it cannot be shown again.
    #[schema(example = "asy_pat_3fV9…")]
    pub token: String,
    /// Everything else.
    #[serde(flatten)]
    pub details: ApiTokenView,
}

fn view(row: TokenRow) -> Result<ApiTokenView> {
    Ok(ApiTokenView {
        id: typed(row.id),
        name: row.name,
        last_four: row.last_four,
        scopes: stored_all(&row.scopes)?,
        spend_limit: usd(row.spend_limit_usd_minor),
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    })
}

/// Makes a token. Not under an idempotency key: the stored answer would hold the secret.
pub async fn create(ctx: &Ctx, actor: &Actor, input: &CreateApiToken) -> Result<NewApiToken> {
    let now = ctx.clock.now();
    ctx.db.read(async |conn| require_step_up(ctx, conn, actor).await).await?;
    let limit = check(input, now)?;
    let token = api_token::generate(&ctx.entropy);
    let hash = api_token::hash(&token).ok_or_else(|| Error::internal("a new token is not one"))?;
    let id: ApiTokenId = ctx.ids.id();
    let row = NewToken {
        id: id.uuid(),
        account_id: actor.account_id.uuid(),
        name: &input.name,
        last_four: api_token::last_four(&token),
        token_hash: &hash,
        scopes: input.scopes.iter().map(|scope| scope.as_str()).collect(),
        spend_limit_usd_minor: limit,
        created_at: now,
        expires_at: input.expires_at,
    };
    let details = ctx
        .db
        .tx(async |conn| {
            // The lock makes the count hold.
            store::accounts::lock(conn, actor.account_id).await?;
            if store::tokens::count_live(conn, actor.account_id, now).await? >= MAX_API_TOKENS {
                let detail =
                    format!("A person has {MAX_API_TOKENS} live API tokens at most; revoke one first.");
                return Err(Error::new(Code::LimitReached, detail));
            }
            let row = store::tokens::insert(conn, &row).await?;
            let entry = audit::Entry {
                actor: Some(actor.account_id),
                action: "api_token.create",
                subject: id.to_string(),
                reason: None,
                data: json!({ "scopes": input.scopes, "expires_at": input.expires_at }),
            };
            audit::record(ctx, conn, entry).await?;
            view(row)
        })
        .await?;
    Ok(NewApiToken { token, details })
}

fn check(input: &CreateApiToken, now: DateTime<Utc>) -> Result<Option<i64>> {
    let mut faults = FieldErrors::new();
    let mut scopes = input.scopes.clone();
    scopes.sort_unstable();
    scopes.dedup();
    faults.check(scopes.len() == input.scopes.len(), "/scopes", "duplicate", "names a scope twice");
    let tokens_may = !scopes.contains(&Scope::Account);
    faults.check(tokens_may, "/scopes", "not_allowed", "an API token never carries the scope `account`");
    let spends = scopes.contains(&Scope::Spend);
    faults.check(
        spends == input.spend_limit.is_some(),
        "/spend_limit",
        if spends { "required" } else { "inconsistent" },
        "goes with the scope `spend`, and the scope with it",
    );
    let ahead = input.expires_at > now && input.expires_at <= now + Duration::days(MAX_DAYS);
    faults.check(ahead, "/expires_at", "out_of_range", "must be in the future, 366 days ahead at most");
    let limit = match usd_minor(input.spend_limit, "/spend_limit") {
        Ok(limit) => limit,
        Err(error) => {
            for fault in error.fields() {
                faults.push(fault.pointer.as_str(), &fault.code, fault.detail.as_str());
            }
            None
        }
    };
    faults.finish()?;
    Ok(limit)
}

/// The caller's live tokens, the newest first.
pub async fn list(
    ctx: &Ctx,
    actor: &Actor,
    limit: Limit,
    cursor: Option<&str>,
) -> Result<Page<ApiTokenView>> {
    let now = ctx.clock.now();
    let before = position(ctx, "api_tokens", &actor.account_id, cursor)?;
    let rows = ctx
        .db
        .read(async |conn| Ok(store::tokens::list(conn, actor.account_id, now, before, limit.fetch()).await?))
        .await?;
    page_by_id(ctx, "api_tokens", &actor.account_id, rows, limit, |row| row.id)?.try_map(view)
}

/// Ends one of the caller's tokens.
pub async fn revoke(ctx: &Ctx, actor: &Actor, id: ApiTokenId) -> Result<()> {
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            if store::tokens::revoke(conn, actor.account_id, id, now).await? == 0 {
                return Err(Error::not_found("API token"));
            }
            let entry = audit::Entry {
                actor: Some(actor.account_id),
                action: "api_token.revoke",
                subject: id.to_string(),
                reason: None,
                data: json!({}),
            };
            audit::record(ctx, conn, entry).await
        })
        .await
}
