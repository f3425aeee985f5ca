//! Keys that sign access tokens, kept in memory between looks at the database; people's GitHub tokens.

use std::sync::{Arc, Mutex, PoisonError};

use assay_kernel::ids::AccountId;
use assay_kernel::{Code, Error, Result};
use assay_platform::crypto::base64url;
use assay_platform::db::{Conn, advisory_lock};
use assay_platform::{Ctx, personal_data};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use super::Identity;
use crate::model::access_token::SigningKey;
use crate::store;

/// A signing key makes way for a new one after this long.
const ROTATE_DAYS: i64 = 90;
/// A key that signs no more is believed for this long; no token lives longer than ten minutes.
const RETIRE_HOURS: i64 = 24;
/// The signing key is looked up again after this long, so that a rotation is followed.
const SIGNING_SECONDS: i64 = 60;
/// A known key is believed without a look at the database for this long.
const BELIEVED_SECONDS: i64 = 600;
/// For an unknown key the database is asked at most this often: anybody can send unknown keys.
const UNKNOWN_SECONDS: i64 = 5;

#[derive(Debug)]
struct LiveKey {
    key: SigningKey,
    created_at: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
}

impl LiveKey {
    fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.retired_at.is_none_or(|at| at > now)
    }
}

#[derive(Debug, Default)]
struct Loaded {
    keys: Vec<Arc<LiveKey>>,
    at: Option<DateTime<Utc>>,
}

/// The keys in memory.
#[derive(Debug, Default)]
pub struct SigningKeys(Mutex<Loaded>);

impl SigningKeys {
    /// The keys, when they were loaded less than `seconds` ago.
    fn within(&self, now: DateTime<Utc>, seconds: i64) -> Option<Vec<Arc<LiveKey>>> {
        let loaded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now - loaded.at?;
        (age >= Duration::zero() && age < Duration::seconds(seconds)).then(|| loaded.keys.clone())
    }

    fn put(&self, keys: Vec<Arc<LiveKey>>, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Loaded { keys, at: Some(now) };
    }
}

/// A public key as RFC 8037 writes it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Jwk {
    /// Key type.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// Curve.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// Use: signatures.
    #[serde(rename = "use")]
    #[schema(rename = "use", example = "sig")]
    pub usage: &'static str,
    /// Algorithm.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    /// Key id, as in the header of tokens.
    pub kid: String,
    /// The public key, base64url.
    pub x: String,
}

/// The keys with which access tokens are signed (RFC 7517 §5).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Jwks {
    /// The newest first; two while rotating.
    pub keys: Vec<Jwk>,
}

impl Identity {
    /// The key that signs now. The first one is made when it is first wanted.
    pub(super) async fn signing<T>(&self, work: impl FnOnce(&SigningKey) -> Result<T>) -> Result<T> {
        let now = self.ctx.clock.now();
        let keys = match self.keys.within(now, SIGNING_SECONDS) {
            Some(keys) => keys,
            None => self.reload_keys(now).await?,
        };
        match keys.iter().find(|live| live.retired_at.is_none()) {
            Some(live) => work(&live.key),
            None => Err(Error::internal("there is no signing key")),
        }
    }

    /// The public key of a kid, if it is believed.
    pub(super) async fn public_key(&self, kid: &str) -> Result<[u8; 32]> {
        let now = self.ctx.clock.now();
        let find = |keys: &[Arc<LiveKey>]| {
            keys.iter().find(|live| live.key.kid() == kid && live.is_live(now)).map(|live| live.key.public())
        };
        if let Some(public) = self.keys.within(now, BELIEVED_SECONDS).as_deref().and_then(find) {
            return Ok(public);
        }
        let keys = match self.keys.within(now, UNKNOWN_SECONDS) {
            Some(keys) => keys,
            None => self.reload_keys(now).await?,
        };
        find(&keys).ok_or_else(|| {
            Error::new(Code::Unauthenticated, "The access token is not valid or no longer valid.")
        })
    }

    /// The public keys.
    pub async fn jwks(&self) -> Result<Jwks> {
        let now = self.ctx.clock.now();
        let keys = match self.keys.within(now, SIGNING_SECONDS) {
            Some(keys) => keys,
            None => self.reload_keys(now).await?,
        };
        let jwk = |live: &Arc<LiveKey>| Jwk {
            kty: "OKP",
            crv: "Ed25519",
            usage: "sig",
            alg: "EdDSA",
            kid: live.key.kid().to_owned(),
            x: base64url(&live.key.public()),
        };
        Ok(Jwks { keys: keys.iter().filter(|live| live.is_live(now)).map(jwk).collect() })
    }

    async fn reload_keys(&self, now: DateTime<Utc>) -> Result<Vec<Arc<LiveKey>>> {
        let mut keys = self.ctx.db.read(async |conn| load(&self.ctx, conn, now).await).await?;
        if !keys.iter().any(|live| live.retired_at.is_none()) {
            keys = self.ctx.db.tx(async |conn| ensure(&self.ctx, conn, now).await).await?;
        }
        let keys: Vec<Arc<LiveKey>> = keys.into_iter().map(Arc::new).collect();
        self.keys.put(keys.clone(), now);
        Ok(keys)
    }
}

async fn load(ctx: &Ctx, conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<LiveKey>> {
    let rows = store::keys::live(conn, now).await?;
    rows.into_iter()
        .map(|row| {
            let seed = ctx.keys.open(&seal_context(&row.kid), &row.sealed)?;
            let key = SigningKey::from_seed(&seed)?;
            if key.kid() != row.kid || key.public().as_slice() != row.public {
                return Err(Error::internal("a stored signing key is not the one its row names"));
            }
            Ok(LiveKey { key, created_at: row.created_at, retired_at: row.retired_at })
        })
        .collect()
}

/// Makes the first key; of several processes that find none, one makes it.
async fn ensure(ctx: &Ctx, conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<LiveKey>> {
    advisory_lock(conn, store::keys::LOCK_SIGNING_KEYS).await?;
    let keys = load(ctx, conn, now).await?;
    if keys.iter().any(|live| live.retired_at.is_none()) {
        return Ok(keys);
    }
    make(ctx, conn, now).await?;
    load(ctx, conn, now).await
}

async fn make(ctx: &Ctx, conn: &mut Conn, now: DateTime<Utc>) -> Result<String> {
    let seed: [u8; 32] = ctx.entropy.bytes();
    let key = SigningKey::from_seed(&seed)?;
    let sealed = ctx.keys.seal(&ctx.entropy, &seal_context(key.kid()), &seed)?;
    store::keys::insert(conn, key.kid(), &key.public(), &sealed, now).await?;
    Ok(key.kid().to_owned())
}

/// Makes a new signing key; the others are believed for another day. Call it in a transaction.
pub async fn rotate(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    advisory_lock(conn, store::keys::LOCK_SIGNING_KEYS).await?;
    let now = ctx.clock.now();
    let kid = make(ctx, conn, now).await?;
    store::keys::retire_others(conn, &kid, now + Duration::hours(RETIRE_HOURS)).await?;
    Ok(())
}

/// Rotates when the signing key is old, and deletes keys that ended a week ago.
pub async fn rotate_if_old(ctx: &Ctx, conn: &mut Conn) -> Result<()> {
    let now = ctx.clock.now();
    let signing = load(ctx, conn, now).await?.into_iter().find(|live| live.retired_at.is_none());
    if signing.is_some_and(|live| now - live.created_at > Duration::days(ROTATE_DAYS)) {
        rotate(ctx, conn).await?;
    }
    store::keys::delete_retired(conn, now - Duration::days(7)).await?;
    Ok(())
}

fn seal_context(kid: &str) -> String {
    format!("signing_key/{kid}")
}

/// Keeps a person's GitHub token, sealed.
pub async fn keep_github_token(
    ctx: &Ctx,
    conn: &mut Conn,
    account: AccountId,
    token: &str,
    scopes: &[String],
) -> Result<()> {
    let sealed = personal_data::seal(ctx, conn, account, GITHUB_TOKEN, token.as_bytes()).await?;
    store::keys::put_github_token(conn, account, &sealed, scopes, ctx.clock.now()).await?;
    Ok(())
}

/// A person's GitHub token, opened; none when they have none.
pub async fn github_token(
    ctx: &Ctx,
    conn: &mut Conn,
    account: AccountId,
) -> Result<Option<secrecy::SecretString>> {
    let Some(sealed) = store::keys::github_token(conn, account).await? else { return Ok(None) };
    let Some(token) = personal_data::open(ctx, conn, account, GITHUB_TOKEN, &sealed).await? else {
        return Ok(None);
    };
    let token = String::from_utf8(token).map_err(|_| Error::internal("a sealed token is not text"))?;
    Ok(Some(secrecy::SecretString::from(token)))
}

/// To what the seal of a GitHub token is bound.
const GITHUB_TOKEN: &str = "github_token";
