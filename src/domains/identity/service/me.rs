//! The caller's own account: what it is, sign-up, the profile.

use assay_kernel::ids::AccountId;
use assay_kernel::text::{self, Text};
use assay_kernel::{AccountStatus, Actor, Code, Error, Permission, Result, Role, Scope};
use assay_platform::outbox::{self, Audience};
use assay_platform::web::IfMatch;
use assay_platform::{Ctx, audit, input};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use validator::Validate;

use super::consents;
use super::suspensions::{SuspensionView, suspension_of};
use super::typed;
use crate::model::{ConsentAct, ConsentKind, Profile, VerifiedEmail};
use crate::store;
use crate::store::accounts::AccountRow;
use crate::store::{stored, stored_all};

/// The caller's account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Me {
    /// Its id.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: AccountId,
    /// The login at GitHub when the person last signed in.
    #[schema(example = "octocat")]
    pub login: String,
    /// The picture at GitHub.
    pub avatar_url: Option<String>,
    /// Whether the account may act.
    pub status: AccountStatus,
    /// What the person does here; empty before sign-up.
    pub roles: Vec<Role>,
    /// Staff permissions; empty for everybody else.
    pub permissions: Vec<Permission>,
    /// The name they go by; none before sign-up.
    #[schema(example = "Mona Lisa")]
    pub display_name: Option<String>,
    /// What they do, on one line.
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
    /// Where mail reaches them.
    #[schema(example = "mona@example.com")]
    pub contact_email: Option<String>,
    /// The addresses that GitHub had verified when they last signed in.
    pub verified_emails: Vec<VerifiedEmail>,
    /// The version of the terms that they agreed to.
    #[schema(example = "2026-11-01")]
    pub terms_version: Option<String>,
    /// The version of the terms in force.
    #[schema(example = "2026-11-01")]
    pub current_terms_version: String,
    /// Why the account is suspended, and what became of an appeal; none when it is not.
    pub suspension: Option<SuspensionView>,
    /// The version of this resource, as in its ETag.
    #[schema(example = 3)]
    pub version: i64,
    /// When the person first signed in.
    pub created_at: DateTime<Utc>,
}

/// Finishes signing up.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// What the person does here.
    #[validate(length(min = 1, max = 2))]
    #[schema(min_items = 1, max_items = 2, example = json!(["developer"]))]
    pub roles: Vec<Role>,
    /// The name they go by.
    #[validate(length(min = 2, max = 80), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 2, max_length = 80, example = "Mona Lisa")]
    pub display_name: Text,
    /// Where mail reaches them: one of the addresses that GitHub has verified.
    #[validate(length(max = 254))]
    #[schema(max_length = 254, example = "mona@example.com")]
    pub contact_email: String,
    /// The version of the terms that the person agrees to; the one in force.
    #[validate(length(max = 40))]
    #[schema(max_length = 40, example = "2026-11-01")]
    pub accept_terms_version: String,
    /// The version of the consent `product_mail` that the person gives, if they do: without it, only mail that is
    /// needed is sent.
    #[validate(length(max = 40))]
    #[serde(default)]
    #[schema(max_length = 40, example = "2026-11-21")]
    pub accept_product_mail_version: Option<String>,
}

pub(super) fn verified_emails(row: &AccountRow) -> Result<Vec<VerifiedEmail>> {
    serde_json::from_value(row.github_emails.clone()).map_err(Error::internal)
}

fn view(
    ctx: &Ctx,
    row: AccountRow,
    permissions: &[Permission],
    suspension: Option<SuspensionView>,
) -> Result<Me> {
    Ok(Me {
        id: typed(row.id),
        verified_emails: verified_emails(&row)?,
        login: row.login,
        avatar_url: row.avatar_url,
        status: stored(&row.status)?,
        roles: stored_all(&row.roles)?,
        permissions: permissions.to_vec(),
        display_name: row.display_name,
        headline: row.headline,
        bio: row.bio,
        country: row.country,
        time_zone: row.time_zone,
        website: row.website,
        contact_email: row.contact_email,
        terms_version: row.terms_version,
        current_terms_version: ctx.policy.consents.terms.version.clone(),
        suspension,
        version: row.version,
        created_at: row.created_at,
    })
}

/// The caller's account.
pub async fn me(ctx: &Ctx, actor: &Actor) -> Result<Me> {
    ctx.db
        .read(async |conn| {
            let row = store::accounts::find(conn, actor.account_id).await?;
            let row = row.ok_or_else(|| Error::not_found("account"))?;
            let suspension = match actor.status {
                AccountStatus::Suspended => suspension_of(conn, actor.account_id).await?,
                _ => None,
            };
            view(ctx, row, &actor.permissions, suspension)
        })
        .await
}

/// Turns the account of somebody who has signed in into that of a member.
pub async fn sign_up(ctx: &Ctx, actor: &Actor, input: &SignUp) -> Result<Me> {
    actor.require_scope(Scope::Account)?;
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            let row = store::accounts::lock(conn, actor.account_id).await?;
            let row = row.ok_or_else(|| Error::not_found("account"))?;
            match stored(&row.status)? {
                AccountStatus::Pending => {}
                AccountStatus::Active => {
                    return Err(Error::new(Code::AlreadyExists, "The account has signed up already."));
                }
                AccountStatus::Suspended | AccountStatus::Erased => actor.require_active()?,
            }
            let profile = Profile {
                roles: input.roles.clone(),
                display_name: input.display_name.clone(),
                headline: None,
                bio: None,
                country: None,
                time_zone: None,
                website: None,
                contact_email: input.contact_email.clone(),
            };
            let mut faults = match profile.check(&verified_emails(&row)?, None) {
                Ok(()) => Vec::new(),
                Err(error) => error.fields().to_vec(),
            };
            let consents = [
                (ConsentKind::Terms, Some(&input.accept_terms_version), "/accept_terms_version"),
                (
                    ConsentKind::ProductMail,
                    input.accept_product_mail_version.as_ref(),
                    "/accept_product_mail_version",
                ),
            ];
            for (kind, version, pointer) in consents {
                faults.extend(version.and_then(|version| consents::outdated(ctx, kind, version, pointer)));
            }
            if !faults.is_empty() {
                return Err(Error::invalid(faults));
            }
            let terms = &ctx.policy.consents.terms.version;
            let row = store::accounts::sign_up(conn, actor.account_id, &profile, terms, now).await?;
            for (kind, version, _) in consents {
                if version.is_some() {
                    consents::record(ctx, conn, actor.account_id, kind, ConsentAct::Given).await?;
                }
            }
            let audience = [Audience::Account(actor.account_id), Audience::Staff(Permission::Admin)];
            let data = json!({ "roles": profile.roles });
            let subject = actor.account_id.to_string();
            outbox::publish(ctx, conn, "account.signed_up", subject, data, &audience).await?;
            view(ctx, row, &actor.permissions, None)
        })
        .await
}

/// Changes the caller's profile by a merge patch.
pub async fn update(ctx: &Ctx, actor: &Actor, seen: &IfMatch, patch: &Map<String, Value>) -> Result<Me> {
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            let row = store::accounts::lock(conn, actor.account_id).await?;
            let row = row.ok_or_else(|| Error::not_found("account"))?;
            seen.check(row.version)?;
            let present = profile_of(&row)?;
            let profile: Profile = input::merge(&present, patch)?;
            profile.check(&verified_emails(&row)?, Some(&present))?;
            if profile == present {
                return view(ctx, row, &actor.permissions, None);
            }
            let row = store::accounts::update_profile(conn, actor.account_id, &profile, now).await?;
            let audience = [Audience::Account(actor.account_id)];
            outbox::publish(ctx, conn, "account.updated", actor.account_id.to_string(), json!({}), &audience)
                .await?;
            if profile.contact_email != present.contact_email {
                let entry = audit::Entry {
                    actor: Some(actor.account_id),
                    action: "account.contact_email",
                    subject: actor.account_id.to_string(),
                    reason: None,
                    data: json!({}),
                };
                audit::record(ctx, conn, entry).await?;
            }
            view(ctx, row, &actor.permissions, None)
        })
        .await
}

fn profile_of(row: &AccountRow) -> Result<Profile> {
    let missing = || Error::internal("an active account lacks a name or an address");
    Ok(Profile {
        roles: stored_all(&row.roles)?,
        display_name: Text::new(row.display_name.as_deref().ok_or_else(missing)?),
        headline: row.headline.as_deref().map(Text::new),
        bio: row.bio.as_deref().map(Text::new),
        country: row.country.clone(),
        time_zone: row.time_zone.clone(),
        website: row.website.clone(),
        contact_email: row.contact_email.clone().ok_or_else(missing)?,
    })
}
