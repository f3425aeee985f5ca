//! Use cases of identity.

pub mod accounts;
pub mod authenticate;
pub mod consents;
pub mod data_requests;
pub mod invitations;
pub mod keys;
pub mod me;
pub mod members;
pub mod organisations;
pub mod personal_data;
pub mod presence;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;
pub mod staff;
pub mod suspensions;
pub mod tokens;

use std::sync::Arc;

use assay_adapters::github;
use assay_kernel::ids::{Id, Kind};
use assay_kernel::{Currency, Error, Limit, Money, Page, Result};
use assay_platform::Ctx;
use assay_platform::db::batch::Batch;
use assay_platform::personal_data::Registry;
use assay_platform::web::Cursor;
use serde::Serialize;
use uuid::Uuid;

use keys::SigningKeys;

use crate::store::{self, auth::SessionFound};

/// Signs people in and tells who a request comes from. State of the handlers and authenticator of the web edge; cheap
/// to clone, and clones share the signing keys in memory.
#[derive(Clone)]
pub struct Identity {
    ctx: Ctx,
    github: github::Client,
    keys: Arc<SigningKeys>,
    by_cookie: Batch<[u8; 32], SessionFound>,
    by_session: Batch<Uuid, SessionFound>,
    personal_data: Registry,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// With this GitHub, and with what every domain holds about people.
    pub fn new(ctx: Ctx, github: github::Client, personal_data: Registry) -> Self {
        let by_cookie =
            Batch::new(ctx.db.clone(), |conn, hashes| Box::pin(store::auth::by_cookies(conn, hashes)));
        let by_session =
            Batch::new(ctx.db.clone(), |conn, ids| Box::pin(store::auth::by_sessions(conn, ids)));
        Self { ctx, github, keys: Arc::default(), by_cookie, by_session, personal_data }
    }

    /// The surroundings.
    pub fn ctx(&self) -> &Ctx {
        &self.ctx
    }
}

/// A page of rows in the order of their ids; the cursor is the last row's id.
fn page_by_id<T>(
    ctx: &Ctx,
    list: &str,
    filter: &impl Serialize,
    rows: Vec<T>,
    limit: Limit,
    id: impl Fn(&T) -> Uuid,
) -> Result<Page<T>> {
    Cursor::new(&ctx.keys, list, filter).page(rows, limit, id)
}

/// The id in a cursor of [`page_by_id`].
fn position(ctx: &Ctx, list: &str, filter: &impl Serialize, cursor: Option<&str>) -> Result<Option<Uuid>> {
    cursor.map(|cursor| Cursor::new(&ctx.keys, list, filter).decode(cursor)).transpose()
}

/// A limit in US dollars as stored. Other currencies would need a rate that moves, so limits have none.
fn usd_minor(limit: Option<Money>, pointer: &str) -> Result<Option<i64>> {
    let Some(limit) = limit else { return Ok(None) };
    if limit.currency != Currency::USD {
        return Err(Error::invalid_field(&format!("{pointer}/currency"), "not_allowed", "limits are in USD"));
    }
    if limit.amount < 1 {
        return Err(Error::invalid_field(&format!("{pointer}/amount"), "out_of_range", "must be at least 1"));
    }
    Ok(Some(limit.amount))
}

/// A limit as shown.
fn usd(minor: Option<i64>) -> Option<Money> {
    minor.map(|amount| Money::new(amount, Currency::USD))
}

fn typed<K: Kind>(id: Uuid) -> Id<K> {
    Id::from_uuid(id)
}
