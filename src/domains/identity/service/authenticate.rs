//! Who a request comes from.

use std::pin::Pin;

use assay_kernel::actor::Credential;
use assay_kernel::ids::{AccountId, ApiTokenId, SessionId};
use assay_kernel::{Actor, Code, Error, Result, Scope};
use assay_platform::crypto::sha256;
use assay_platform::web::auth::{Authenticator, Presented};
use chrono::{DateTime, Duration, Utc};

use super::Identity;
use crate::model::{access_token, api_token};
use crate::store::{self, auth::SessionFound, stored, stored_all};

/// No cookie of ours is longer.
const MAX_COOKIE: usize = 128;
/// The last use is noted at most this often.
const TOUCH_SECONDS: i64 = 60;

impl Authenticator for Identity {
    fn authenticate(&self, presented: Presented) -> Pin<Box<dyn Future<Output = Result<Actor>> + '_>> {
        Box::pin(async move {
            match presented {
                Presented::Cookie(cookie) => self.by_cookie(&cookie).await,
                Presented::Bearer(token) if token.starts_with(api_token::PREFIX) => {
                    self.by_api_token(&token).await
                }
                Presented::Bearer(token) => self.by_access_token(&token).await,
            }
        })
    }
}

fn refused() -> Error {
    Error::new(Code::Unauthenticated, Code::Unauthenticated.meaning())
}

impl Identity {
    /// What claims must say.
    pub(super) fn expected(&self) -> access_token::Expected {
        let iss = self.ctx.config.public_url();
        access_token::Expected { aud: format!("{iss}/v1"), iss }
    }

    async fn by_cookie(&self, cookie: &str) -> Result<Actor> {
        if cookie.is_empty() || cookie.len() > MAX_COOKIE {
            return Err(refused());
        }
        let hash = sha256(cookie.as_bytes());
        let now = self.ctx.clock.now();
        let seen_after = now - Duration::hours(self.ctx.config.auth.session_idle_hours);
        let found = self.by_cookie.get(hash).await?.ok_or_else(refused)?;
        if found.expires_at <= now || found.last_seen_at <= seen_after {
            return Err(refused());
        }
        let session = SessionId::from_uuid(found.session_id);
        self.session_actor(found, Credential::Cookie(session), now).await
    }

    async fn by_access_token(&self, token: &str) -> Result<Actor> {
        let kid = access_token::kid_of(token).ok_or_else(refused)?;
        let public = self.public_key(&kid).await?;
        let now = self.ctx.clock.now();
        let claims = access_token::verify(token, &public, &self.expected(), now)?;
        let found = self.by_session.get(claims.sid.uuid()).await?.ok_or_else(refused)?;
        if found.account_id != claims.sub.uuid() || found.expires_at <= now {
            return Err(refused());
        }
        self.session_actor(found, Credential::AccessToken(claims.sid), now).await
    }

    async fn session_actor(
        &self,
        found: SessionFound,
        credential: Credential,
        now: DateTime<Utc>,
    ) -> Result<Actor> {
        let before = now - Duration::seconds(TOUCH_SECONDS);
        if found.last_seen_at < before {
            let touched = self
                .ctx
                .db
                .read(async |conn| Ok(store::sessions::touch(conn, found.session_id, now, before).await?));
            ignore(touched.await);
        }
        Ok(Actor {
            account_id: AccountId::from_uuid(found.account_id),
            status: stored(&found.status)?,
            roles: stored_all(&found.roles)?,
            permissions: stored_all(&found.permissions)?,
            credential,
            scopes: Scope::ALL.to_vec(),
            spend_limit_usd_minor: None,
            authenticated_at: found.authenticated_at,
        })
    }

    async fn by_api_token(&self, token: &str) -> Result<Actor> {
        let hash = api_token::hash(token).ok_or_else(refused)?;
        let now = self.ctx.clock.now();
        let found = self
            .ctx
            .db
            .read(async |conn| Ok(store::auth::by_api_token(conn, hash, now).await?))
            .await?
            .ok_or_else(refused)?;
        let before = now - Duration::seconds(TOUCH_SECONDS);
        if found.last_used_at.is_none_or(|at| at < before) {
            let touched = self
                .ctx
                .db
                .read(async |conn| Ok(store::tokens::touch(conn, found.token_id, now, before).await?));
            ignore(touched.await);
        }
        Ok(Actor {
            account_id: AccountId::from_uuid(found.account_id),
            status: stored(&found.status)?,
            roles: stored_all(&found.roles)?,
            permissions: stored_all(&found.permissions)?,
            credential: Credential::ApiToken(ApiTokenId::from_uuid(found.token_id)),
            scopes: stored_all(&found.scopes)?,
            spend_limit_usd_minor: found.spend_limit_usd_minor,
            // A token never counts as a recent sign-in.
            authenticated_at: DateTime::<Utc>::UNIX_EPOCH,
        })
    }
}

/// A note of last use that fails must not fail the request.
fn ignore(touched: Result<usize>) {
    if let Err(error) = touched {
        tracing::warn!(cause = %error.chain(), "the last use of a credential was not noted");
    }
}
