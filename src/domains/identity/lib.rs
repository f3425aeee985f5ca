//! Identity: people and how they sign in, their tokens, staff permissions, and the organisations of clients.
//!
//! Owns `accounts`, `consents`, `data_requests`, `github_tokens`, `second_factors`, `recovery_codes`,
//! `staff_permissions`, `sign_in_states`, `identity_chain`, `sessions`, `refresh_tokens`, `api_tokens`, `signing_keys`,
//! `suspensions`, `suspension_appeals`, `organisations`,
//! `organisation_members` and `organisation_invitations`.
//!
//! Invariants:
//! - A person is their GitHub number; logins and e-mail addresses never join two accounts.
//! - Secrets are kept as hashes (states, cookies, refresh and API tokens) or sealed (GitHub tokens, PKCE verifiers,
//!   signing keys, second factors); nothing that can sign somebody in can be read from the database.
//! - Each request asks the database once who the caller is now: an ended session, a revoked token or a suspension
//!   works at once.
//! - An organisation has at least one owner; the service has at least one admin once it has had one.
//! - No one decides about themselves: permissions, suspensions and appeals need another person.
//!
//! Lends: [`Identity`] (the authenticator and the handlers' state), [`membership`], [`memberships`],
//! [`organisation_ref`], [`organisation_by_name`], [`account_ref`], [`has_consent`], [`github_token`], [`grant_permission_by_login`],
//! [`require_step_up`], [`record_presence`] and [`presences`] (chains of who was there), [`verify_presences`],
//! [`retention`], [`rotate_signing_keys`].

mod http;
mod jobs;
mod model;
mod policy;
mod service;
mod store;

use assay_kernel::ids::{AccountId, OrganisationId};
use assay_kernel::process::Machine;
use assay_kernel::{Code, Error, Result};
use assay_platform::db::Conn;

pub use http::routes;
pub use jobs::{jobs, retention};
pub use model::ConsentKind;
pub use model::{AccountRef, Membership, OrganisationRef, OrganisationRole};
pub use model::{Presence, PresenceFlag, PresenceKind, presence_flags};
pub use service::Identity;
pub use service::consents::has_consent;
pub use service::keys::{github_token, rotate as rotate_signing_keys};
pub use service::personal_data::PERSONAL_DATA;
pub use service::presence::{presences, record_presence, verify_presences};
pub use service::second_factor::require_step_up;
pub use service::staff::{grant_permission_by_login, staff_by_login};

/// The state machines of this domain.
pub const MACHINES: &[&Machine] =
    &[&model::ORGANISATION_INVITATION, &model::SUSPENSION_APPEAL, &model::DATA_EXPORT, &model::ERASURE];

/// The person's membership in the organisation; none when they are not a member.
pub async fn membership(
    conn: &mut Conn,
    account: AccountId,
    organisation: OrganisationId,
) -> Result<Option<Membership>> {
    Ok(store::members::membership(conn, account, organisation).await?)
}

/// All memberships of the person, the oldest first.
pub async fn memberships(conn: &mut Conn, account: AccountId) -> Result<Vec<Membership>> {
    Ok(store::members::memberships(conn, account).await?)
}

/// What others may show of an organisation; none when there is no such one.
pub async fn organisation_ref(conn: &mut Conn, id: OrganisationId) -> Result<Option<OrganisationRef>> {
    Ok(store::organisations::reference(conn, id).await?)
}

/// The organisation of that name, letter case aside.
///
/// # Errors
/// `not_found` when there is none; `state_conflict` when several have the name.
pub async fn organisation_by_name(conn: &mut Conn, name: &str) -> Result<OrganisationRef> {
    let mut found = store::organisations::by_name(conn, name).await?;
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => {
            Err(Error::new(Code::StateConflict, format!("Several organisations are named {name:?}.")))
        }
        (None, _) => Err(Error::new(Code::NotFound, format!("No organisation is named {name:?}."))),
    }
}

/// What others may show of a person; none when there is no such one.
pub async fn account_ref(conn: &mut Conn, id: AccountId) -> Result<Option<AccountRef>> {
    Ok(store::accounts::reference(conn, id).await?)
}
