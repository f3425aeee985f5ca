//! Sessions: refresh with reuse detection, logout, the list, revocation.

use assay_kernel::actor::Credential;
use assay_kernel::ids::{AccountId, SessionId};
use assay_kernel::{Actor, Code, Error, Limit, Page, Result, Scope, string_enum};
use assay_platform::Ctx;
use assay_platform::audit;
use assay_platform::crypto::{random_token, sha256};
use assay_platform::db::Conn;
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use serde_json::json;

use super::sign_in::{Tokens, is_token};
use super::{Identity, page_by_id, position, typed};
use crate::model::refresh::{Shown, Verdict};
use crate::store;
use crate::store::sessions::SessionRow;

string_enum! {
    /// What a session belongs to.
    pub enum SessionKind {
        /// A browser.
        Browser = "browser",
        /// A program that signed in for tokens.
        Program = "program",
    }
}

/// A sign-in that has not ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    /// Its id.
    #[schema(value_type = String, example = "ses_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: SessionId,
    /// What it belongs to.
    pub kind: SessionKind,
    /// It is the one that asks.
    pub current: bool,
    /// What the browser or program calls itself.
    #[schema(example = "curl/8.5.0")]
    pub user_agent: String,
    /// From where it signed in.
    #[schema(example = "203.0.113.9")]
    pub ip: String,
    /// When it signed in.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends at the latest, unless it is renewed.
    pub expires_at: DateTime<Utc>,
}

/// How many sessions ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RevokedSessions {
    /// Sessions that were live and are no longer.
    #[schema(example = 2)]
    pub revoked: usize,
}

enum Refreshed {
    Given { account: AccountId, session: SessionId, secret: String, sign_up_required: bool },
    Refused,
}

fn refused() -> Error {
    Error::new(Code::InvalidRefreshToken, Code::InvalidRefreshToken.meaning())
}

impl Identity {
    /// Gives new tokens for a refresh token, which is then used up.
    ///
    /// # Errors
    /// `invalid_refresh_token`; one that was used before ends the whole session.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Tokens> {
        if !is_token(refresh_token) {
            return Err(refused());
        }
        let now = self.ctx.clock.now();
        let hash = sha256(refresh_token.as_bytes());
        // A refusal is a result here, not an error: what it writes must be committed.
        match self.ctx.db.tx(async |conn| self.rotate(conn, &hash, now).await).await? {
            Refreshed::Given { account, session, secret, sign_up_required } => {
                self.tokens(account, session, secret, sign_up_required, now).await
            }
            Refreshed::Refused => Err(refused()),
        }
    }

    async fn rotate(&self, conn: &mut Conn, hash: &[u8; 32], now: DateTime<Utc>) -> Result<Refreshed> {
        let Some(seen) = store::sessions::refresh_token(conn, hash).await? else {
            return Ok(Refreshed::Refused);
        };
        // One rotation of a family at a time; the token is read again under the lock.
        let Some(session) = store::sessions::lock(conn, seen.session_id).await? else {
            return Ok(Refreshed::Refused);
        };
        let Some(token) = store::sessions::refresh_token(conn, hash).await? else {
            return Ok(Refreshed::Refused);
        };
        let successor_used = match token.successor_id {
            Some(successor) => store::sessions::is_used(conn, successor).await?,
            None => false,
        };
        let live = session.revoked_at.is_none() && session.expires_at > now && token.expires_at > now;
        let account = AccountId::from_uuid(session.account_id);
        match (Shown { live, used_at: token.used_at, successor_used }).verdict(now) {
            Verdict::Dead => Ok(Refreshed::Refused),
            Verdict::Reused => {
                let id: SessionId = typed(session.id);
                store::sessions::revoke(conn, account, id, "refresh_token_reuse", now).await?;
                let entry = audit::Entry {
                    actor: None,
                    action: "session.refresh_token_reuse",
                    subject: id.to_string(),
                    reason: None,
                    data: json!({ "account_id": account }),
                };
                audit::record(&self.ctx, conn, entry).await?;
                Ok(Refreshed::Refused)
            }
            verdict @ (Verdict::Rotate | Verdict::Replace) => {
                let secret = random_token(&self.ctx.entropy);
                let new = self.ctx.ids.uuid();
                let expires_at = now + Duration::days(self.ctx.config.auth.refresh_token_days);
                let new_hash = sha256(secret.as_bytes());
                store::sessions::insert_refresh_token(conn, new, session.id, &new_hash, now, expires_at)
                    .await?;
                if let (Verdict::Replace, Some(lost)) = (verdict, token.successor_id) {
                    // The lost successor counts as used, so that showing it later is noticed.
                    store::sessions::succeed(conn, lost, new, now).await?;
                }
                store::sessions::succeed(conn, token.id, new, token.used_at.unwrap_or(now)).await?;
                store::sessions::prolong(conn, session.id, now, expires_at).await?;
                let row = store::accounts::find(conn, account).await?;
                let sign_up_required = row.is_some_and(|row| row.terms_version.is_none());
                Ok(Refreshed::Given { account, session: typed(session.id), secret, sign_up_required })
            }
        }
    }
}

/// The session of the caller; none for an API token.
pub fn session_of(actor: &Actor) -> Option<SessionId> {
    match actor.credential {
        Credential::Cookie(id) | Credential::AccessToken(id) => Some(id),
        Credential::ApiToken(_) => None,
    }
}

/// Ends the caller's session; its tokens die with it.
pub async fn logout(ctx: &Ctx, actor: &Actor) -> Result<()> {
    actor.require_scope(Scope::Account)?;
    let Some(session) = session_of(actor) else { return Ok(()) };
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| Ok(store::sessions::revoke(conn, actor.account_id, session, "logout", now).await?))
        .await?;
    Ok(())
}

/// The caller's live sessions, the newest first.
pub async fn list(ctx: &Ctx, actor: &Actor, limit: Limit, cursor: Option<&str>) -> Result<Page<SessionView>> {
    let now = ctx.clock.now();
    let seen_after = now - Duration::hours(ctx.config.auth.session_idle_hours);
    let before = position(ctx, "sessions", &actor.account_id, cursor)?;
    let rows = ctx
        .db
        .read(async |conn| {
            let rows = store::sessions::list(conn, actor.account_id, now, seen_after, before, limit.fetch());
            Ok(rows.await?)
        })
        .await?;
    let current = session_of(actor);
    let page = page_by_id(ctx, "sessions", &actor.account_id, rows, limit, |row| row.id)?;
    let data = page.data.into_iter().map(|row| view(row, current)).collect::<Result<_>>()?;
    Ok(Page { data, next_cursor: page.next_cursor })
}

fn view(row: SessionRow, current: Option<SessionId>) -> Result<SessionView> {
    let id: SessionId = typed(row.id);
    Ok(SessionView {
        id,
        kind: row.kind.parse()?,
        current: current == Some(id),
        user_agent: row.user_agent,
        ip: row.ip,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
    })
}

/// Ends one of the caller's sessions.
pub async fn revoke(ctx: &Ctx, actor: &Actor, id: SessionId) -> Result<()> {
    let now = ctx.clock.now();
    let ended = ctx
        .db
        .tx(async |conn| Ok(store::sessions::revoke(conn, actor.account_id, id, "revoked", now).await?))
        .await?;
    if ended == 0 { Err(Error::not_found("session")) } else { Ok(()) }
}

/// Ends all of the caller's sessions, the one that asks too.
pub async fn revoke_all(ctx: &Ctx, actor: &Actor) -> Result<RevokedSessions> {
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            let revoked = store::sessions::revoke_all(conn, actor.account_id, "revoked", now).await?;
            let entry = audit::Entry {
                actor: Some(actor.account_id),
                action: "session.revoke_all",
                subject: actor.account_id.to_string(),
                reason: None,
                data: json!({ "revoked": revoked }),
            };
            audit::record(ctx, conn, entry).await?;
            Ok(RevokedSessions { revoked })
        })
        .await
}

/// Ends all sessions and API tokens of somebody.
pub(super) async fn end_everything(
    conn: &mut Conn,
    account: AccountId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    store::sessions::revoke_all(conn, account, reason, now).await?;
    store::tokens::revoke_all(conn, account, now).await?;
    Ok(())
}

/// Deletes what sign-ins leave behind.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let now = ctx.clock.now();
    let old = now - Duration::days(ctx.policy.retention.ended_credential_days);
    let states =
        store::sessions::delete_states(conn, now - Duration::hours(ctx.policy.retention.sign_in_hours))
            .await?;
    let refresh = store::sessions::delete_refresh_tokens(conn, now).await?;
    let sessions = store::sessions::delete_ended(conn, old).await?;
    let tokens = store::tokens::delete_ended(conn, old).await?;
    Ok([states, refresh, sessions, tokens].into_iter().sum())
}
