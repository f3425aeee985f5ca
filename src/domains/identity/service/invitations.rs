//! Invitations by e-mail to join an organisation.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{OrganisationId, OrganisationInvitationId};
use assay_kernel::process::{Actions, Who};
use assay_kernel::{Actor, Code, Error, Limit, Money, Page, Result, string_enum};
use assay_notifications::{NewMail, Recipient, Template, enqueue_mail};
use assay_platform::crypto::{random_token, sha256};
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use assay_platform::{Ctx, timers};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use validator::Validate;

use super::me::verified_emails;
use super::members::{add_in, full};
use super::organisations::{OrganisationView, lock_as_owner};
use super::sign_in::is_token;
use super::{organisations, page_by_id, position, typed, usd, usd_minor};
use crate::model::{ORGANISATION_INVITATION as MACHINE, OrganisationRole, same_address};
use crate::store;
use crate::store::invitations::{InvitationRow, NewInvitation};
use crate::store::stored;

string_enum! {
    /// Where an invitation stands.
    pub enum OrganisationInvitationState {
        /// Mailed; the link works.
        Sent = "sent",
        /// The invited person is a member.
        Accepted = "accepted",
        /// An owner took it back.
        Revoked = "revoked",
        /// Not answered in time.
        Expired = "expired",
    }
}

/// Invites somebody.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteMember {
    /// Where the invitation goes; it can be accepted only by somebody whose address GitHub has verified this to be.
    #[validate(email, length(max = 254))]
    #[schema(max_length = 254, format = "email", example = "claire@northwind.example.com")]
    pub email: String,
    /// What they may do for the organisation.
    pub role: OrganisationRole,
    /// Most they may commit in one act, USD; none = no limit.
    #[serde(default)]
    pub spending_limit: Option<Money>,
}

/// Accepts an invitation.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The secret of the mailed link.
    #[validate(length(min = 1, max = 100))]
    #[schema(min_length = 1, max_length = 100, example = "p3jK0y9mX2…")]
    pub token: String,
}

/// An invitation to an organisation, as its members see it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OrganisationInvitationView {
    /// Its id.
    #[schema(value_type = String, example = "oiv_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: OrganisationInvitationId,
    /// To which organisation.
    #[schema(value_type = String, example = "org_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub organisation_id: OrganisationId,
    /// Where it went.
    #[schema(example = "claire@northwind.example.com")]
    pub email: String,
    /// What the person will be able to do.
    pub role: OrganisationRole,
    /// Most they will be able to commit in one act; none = no limit.
    pub spending_limit: Option<Money>,
    /// Where it stands.
    pub state: OrganisationInvitationState,
    /// What the caller can do with it.
    pub allowed_actions: Vec<String>,
    /// What only a condition blocks.
    pub why_not: Vec<WhyNot>,
    /// Until when it stands.
    pub expires_at: DateTime<Utc>,
    /// The version of this resource, as in its ETag.
    #[schema(example = 1)]
    pub version: i64,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
}

/// An invitation, as whoever has the mailed link sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InvitationPreview {
    /// To which organisation.
    #[schema(example = "Northwind Robotics GmbH")]
    pub organisation: String,
    /// Who invites.
    #[schema(example = "Mona Lisa")]
    pub inviter: String,
    /// What the person will be able to do.
    pub role: OrganisationRole,
    /// Where it stands.
    pub state: OrganisationInvitationState,
    /// Until when it stands.
    pub expires_at: DateTime<Utc>,
    /// How to accept: sign in as a client, then `POST` the token here.
    #[schema(example = "/v1/organisation_invitations/accept")]
    pub accept_at: &'static str,
}

/// Where an invitation is accepted, and what the mailed link shows.
const ACCEPT_PATH: &str = "/v1/organisation_invitations/accept";

fn missing() -> Error {
    Error::not_found("invitation")
}

/// The state now: the timer that expires an invitation may be late.
fn state_now(row: &InvitationRow, now: DateTime<Utc>) -> Result<OrganisationInvitationState> {
    match stored(&row.state)? {
        OrganisationInvitationState::Sent if row.expires_at <= now => {
            Ok(OrganisationInvitationState::Expired)
        }
        state => Ok(state),
    }
}

/// As an owner sees it; other members can do nothing with it.
fn view(row: InvitationRow, owner: bool, now: DateTime<Utc>) -> Result<OrganisationInvitationView> {
    let state = state_now(&row, now)?;
    let who: &[Who] = if owner { &[Who::Client] } else { &[] };
    let addressee = |guard: &str| {
        (guard == "addressee")
            .then(|| "Only the invited person can accept, with the mailed token.".to_owned())
    };
    let Actions { allowed, why_not } = MACHINE.actions(state.as_str(), who, |_, guard| addressee(guard));
    Ok(OrganisationInvitationView {
        id: typed(row.id),
        organisation_id: typed(row.organisation_id),
        email: row.email,
        role: stored(&row.role)?,
        spending_limit: usd(row.spending_limit_usd_minor),
        state,
        allowed_actions: allowed,
        why_not,
        expires_at: row.expires_at,
        version: row.version,
        created_at: row.created_at,
    })
}

/// Invites somebody by mail, in the caller's transaction.
pub async fn create_in(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    id: OrganisationId,
    input: &InviteMember,
) -> Result<OrganisationInvitationView> {
    let now = ctx.clock.now();
    let limit = usd_minor(input.spending_limit, "/spending_limit")?;
    let organisation = lock_as_owner(conn, actor, id).await?;
    let members = store::members::count(conn, id).await?;
    let open = store::invitations::count_open(conn, id, now).await?;
    if members.saturating_add(open) >= ctx.policy.organisations.max_members {
        return Err(full(ctx));
    }
    if let Some(old) = store::invitations::open_of(conn, id, &input.email).await? {
        if old.expires_at > now {
            let detail = "There is an open invitation to this address; revoke it to send another.";
            return Err(Error::new(Code::AlreadyExists, detail));
        }
        expire_in(ctx, conn, &old).await?;
    }
    let token = random_token(&ctx.entropy);
    let invitation: OrganisationInvitationId = ctx.ids.id();
    let expires_at = now + Duration::days(ctx.policy.organisations.invitation_days);
    let row = NewInvitation {
        id: invitation.uuid(),
        organisation_id: id.uuid(),
        email: &input.email,
        role: input.role.as_str(),
        spending_limit_usd_minor: limit,
        token_hash: &sha256(token.as_bytes()),
        state: MACHINE.initial,
        invited_by_id: actor.account_id.uuid(),
        expires_at,
        created_at: now,
        updated_at: now,
    };
    let row = store::invitations::insert(conn, &row).await?;
    timers::set(ctx, conn, MACHINE.name, invitation.uuid(), "expire", expires_at).await?;
    let inviter = store::accounts::reference(conn, actor.account_id).await?;
    let inviter = inviter.map_or_else(String::new, |who| who.display_name.unwrap_or(who.login));
    let mail = NewMail {
        to: Recipient::Address(input.email.clone()),
        template: Template::OrganisationInvitation {
            organisation: organisation.name,
            inviter,
            url: format!("{}{ACCEPT_PATH}?token={token}", ctx.config.public_url()),
            expires_at,
        },
    };
    enqueue_mail(ctx, conn, mail).await?;
    publish(ctx, conn, "organisation_invitation.sent", &row).await?;
    view(row, true, now)
}

async fn publish(ctx: &Ctx, conn: &mut Conn, kind: &str, row: &InvitationRow) -> Result<()> {
    let id: OrganisationInvitationId = typed(row.id);
    let organisation: OrganisationId = typed(row.organisation_id);
    let data: Value = json!({ "organisation_id": organisation, "role": row.role });
    outbox::publish(ctx, conn, kind, id.to_string(), data, &[Audience::Organisation(organisation)]).await
}

/// Invitations of an organisation, the newest first; for its members.
pub async fn list(
    ctx: &Ctx,
    actor: &Actor,
    id: OrganisationId,
    limit: Limit,
    cursor: Option<&str>,
) -> Result<Page<OrganisationInvitationView>> {
    let now = ctx.clock.now();
    let before = position(ctx, "organisation_invitations", &id, cursor)?;
    let (rows, owner) = ctx
        .db
        .read(async |conn| {
            let membership = store::members::membership(conn, actor.account_id, id).await?;
            let membership = membership.ok_or_else(|| Error::not_found("organisation"))?;
            let rows = store::invitations::list(conn, id, before, limit.fetch()).await?;
            Ok((rows, membership.role == OrganisationRole::Owner))
        })
        .await?;
    let page = page_by_id(ctx, "organisation_invitations", &id, rows, limit, |row| row.id)?;
    let data = page.data.into_iter().map(|row| view(row, owner, now)).collect::<Result<_>>()?;
    Ok(Page { data, next_cursor: page.next_cursor })
}

/// One invitation, for the organisation's members.
pub async fn read(
    ctx: &Ctx,
    actor: &Actor,
    id: OrganisationInvitationId,
) -> Result<OrganisationInvitationView> {
    let now = ctx.clock.now();
    ctx.db
        .read(async |conn| {
            let row = store::invitations::find(conn, id).await?.ok_or_else(missing)?;
            let organisation = typed(row.organisation_id);
            let membership = store::members::membership(conn, actor.account_id, organisation).await?;
            view(row, membership.ok_or_else(missing)?.role == OrganisationRole::Owner, now)
        })
        .await
}

/// What the mailed link shows. Whoever has the secret may look; only the addressee may accept.
pub async fn preview(ctx: &Ctx, token: &str) -> Result<InvitationPreview> {
    if !is_token(token) {
        return Err(missing());
    }
    let hash = sha256(token.as_bytes());
    let found = ctx.db.read(async |conn| Ok(store::invitations::by_token(conn, &hash).await?)).await?;
    let (row, organisation, login, name) = found.ok_or_else(missing)?;
    Ok(InvitationPreview {
        organisation,
        inviter: name.unwrap_or(login),
        role: stored(&row.role)?,
        state: state_now(&row, ctx.clock.now())?,
        expires_at: row.expires_at,
        accept_at: ACCEPT_PATH,
    })
}

/// Takes an invitation back.
pub async fn revoke(
    ctx: &Ctx,
    actor: &Actor,
    id: OrganisationInvitationId,
) -> Result<OrganisationInvitationView> {
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            let row = store::invitations::find(conn, id).await?.ok_or_else(missing)?;
            let organisation = typed(row.organisation_id);
            lock_as_owner(conn, actor, organisation)
                .await
                .map_err(|error| if error.code() == Code::NotFound { missing() } else { error })?;
            let row = store::invitations::lock(conn, id).await?.ok_or_else(missing)?;
            let state = state_now(&row, now)?;
            let step = MACHINE.transition(state.as_str(), "revoke", &[Who::Client])?;
            let row = store::invitations::set_state(conn, row.id, step.to, None, now).await?;
            timers::clear(conn, MACHINE.name, row.id, &[]).await?;
            publish(ctx, conn, "organisation_invitation.revoked", &row).await?;
            view(row, true, now)
        })
        .await
}

/// Accepts an invitation: the caller becomes a member.
///
/// # Errors
/// `not_found` also when the caller's verified addresses do not include the invited one: a forwarded link tells
/// strangers nothing.
pub async fn accept_in(ctx: &Ctx, conn: &mut Conn, actor: &Actor, token: &str) -> Result<OrganisationView> {
    if !is_token(token) {
        return Err(missing());
    }
    let now = ctx.clock.now();
    let found = store::invitations::by_token(conn, &sha256(token.as_bytes())).await?;
    let (seen, ..) = found.ok_or_else(missing)?;
    let account = store::accounts::find(conn, actor.account_id).await?.ok_or_else(missing)?;
    if !verified_emails(&account)?.iter().any(|own| same_address(&own.email, &seen.email)) {
        return Err(missing());
    }
    // The organisation first, as every other change of its members locks.
    let organisation = typed(seen.organisation_id);
    store::organisations::lock(conn, organisation).await?.ok_or_else(missing)?;
    let row = store::invitations::lock(conn, typed(seen.id)).await?.ok_or_else(missing)?;
    let state = state_now(&row, now)?;
    let step = MACHINE.transition(state.as_str(), "accept", &[Who::Client])?;
    MACHINE.check(step, |_| None)?;
    add_in(ctx, conn, organisation, actor.account_id, stored(&row.role)?, row.spending_limit_usd_minor)
        .await?;
    let row = store::invitations::set_state(conn, row.id, step.to, Some(actor.account_id), now).await?;
    timers::clear(conn, MACHINE.name, row.id, &[]).await?;
    publish(ctx, conn, "organisation_invitation.accepted", &row).await?;
    organisations::read_in(conn, actor, organisation).await
}

/// Expires an invitation whose time is over; does nothing when something else came first.
pub async fn expire(ctx: &Ctx, subject: Uuid) -> Result<()> {
    ctx.db
        .tx(async |conn| {
            let Some(row) = store::invitations::lock(conn, typed(subject)).await? else { return Ok(()) };
            if row.state != MACHINE.initial || row.expires_at > ctx.clock.now() {
                return Ok(());
            }
            expire_in(ctx, conn, &row).await
        })
        .await
}

async fn expire_in(ctx: &Ctx, conn: &mut Conn, row: &InvitationRow) -> Result<()> {
    let step = MACHINE.transition(&row.state, "expire", &[Who::System])?;
    let row = store::invitations::set_state(conn, row.id, step.to, None, ctx.clock.now()).await?;
    timers::clear(conn, MACHINE.name, row.id, &[]).await?;
    publish(ctx, conn, "organisation_invitation.expired", &row).await
}

/// Deletes invitations that came to nothing long ago.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    Ok(store::invitations::delete_dead(
        conn,
        ctx.clock.now() - Duration::days(ctx.policy.retention.ended_credential_days),
    )
    .await?)
}
