//! Sign-in with GitHub: authorization code with PKCE and a one-time state bound to the browser.

use assay_adapters::github::{self, AccountKind, GithubError, Refusal};
use assay_kernel::ids::{AccountId, SessionId};
use assay_kernel::{Code, Error, IdSource, Result, string_enum};
use assay_platform::crypto::{base64url, equal, random_token, sha256};
use chrono::{DateTime, Duration, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use super::Identity;
use super::keys::keep_github_token;
use crate::model::access_token::Claims;
use crate::model::{VerifiedEmail, return_to};
use crate::store;
use crate::store::accounts::FromGithub;
use crate::store::sessions::{NewSession, NewState};

/// Minutes in which a sign-in must be finished.
pub const STATE_MINUTES: i64 = 10;
/// Where GitHub sends the browser back to.
const CALLBACK: &str = "/v1/auth/github/callback";
/// Most characters of a user agent that are kept.
const MAX_USER_AGENT: usize = 200;
/// Most addresses that are kept of a person.
const MAX_EMAILS: usize = 50;

string_enum! {
    /// What a sign-in ends with.
    pub enum Mode {
        /// A session cookie and a redirect.
        Browser = "browser",
        /// An access token and a refresh token in JSON.
        Token = "token",
    }
}

/// Where a request comes from, as shown in the list of sessions.
#[derive(Clone, Debug)]
pub struct Device {
    /// What the browser or program calls itself.
    pub user_agent: String,
    /// Its address.
    pub ip: String,
}

impl Device {
    /// With the user agent cut to what is kept.
    pub fn new(user_agent: &str, ip: String) -> Self {
        let clean = user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT);
        Self { user_agent: clean.collect(), ip }
    }
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Started {
    /// GitHub's page.
    pub location: String,
    /// The secret that binds the state to this browser.
    pub browser: String,
}

/// A sign-in that is done.
#[derive(Debug)]
pub enum SignedIn {
    /// Of a browser.
    Browser {
        /// The session's secret.
        cookie: String,
        /// How long the browser keeps it, seconds.
        max_age: i64,
        /// Where it goes on.
        return_to: String,
    },
    /// Of a program.
    Program(Tokens),
}

/// Tokens of a program.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Tokens {
    /// How to send the access token: `Authorization: Bearer <token>`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// The access token, a JWT.
    pub access_token: String,
    /// Seconds for which the access token holds.
    #[schema(example = 600)]
    pub expires_in: i64,
    /// Gives new tokens, once.
    pub refresh_token: String,
    /// Whose tokens they are.
    #[schema(value_type = String, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub account_id: AccountId,
    /// The person has not signed up yet: `POST /v1/me/sign_up`.
    pub sign_up_required: bool,
}

/// What GitHub sends the browser back with.
#[derive(Debug, Default)]
pub struct Callback {
    /// The code to exchange.
    pub code: Option<String>,
    /// The state that went out.
    pub state: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

fn failed(detail: &str) -> Error {
    Error::new(Code::SignInFailed, detail)
}

impl Identity {
    fn callback_url(&self) -> Result<Url> {
        Url::parse(&format!("{}{CALLBACK}", self.ctx.config.public_url())).map_err(Error::internal)
    }

    /// Begins a sign-in. `browser` is the secret that the browser carries from another sign-in under way, so that two
    /// tabs do not spoil each other's.
    pub async fn start_sign_in(&self, return_to: &str, mode: Mode, browser: Option<&str>) -> Result<Started> {
        if !return_to::is_local(return_to) {
            return Err(Error::new(
                Code::MalformedRequest,
                "Query: return_to must be a path of this service.",
            ));
        }
        let ctx = &self.ctx;
        let state = random_token(&ctx.entropy);
        let state_hash = sha256(state.as_bytes());
        let browser = match browser {
            Some(known) if is_token(known) => known.to_owned(),
            _ => random_token(&ctx.entropy),
        };
        let pkce = self.github.new_pkce();
        let verifier = pkce.verifier.expose_secret().as_bytes();
        let verifier = ctx.keys.seal(&ctx.entropy, &verifier_context(&state_hash), verifier)?;
        let location = self.github.authorize_url(&self.callback_url()?, &state, &pkce.challenge)?;
        let row = NewState {
            state_hash: &state_hash,
            browser_hash: &sha256(browser.as_bytes()),
            verifier: &verifier,
            return_to,
            mode: mode.as_str(),
            created_at: ctx.clock.now(),
        };
        ctx.db.tx(async |conn| Ok(store::sessions::insert_state(conn, &row).await?)).await?;
        Ok(Started { location: location.into(), browser })
    }

    /// Ends a sign-in: the state is taken exactly once, the code exchanged, the account made or refreshed, the session
    /// begun.
    ///
    /// # Errors
    /// `sign_in_failed`, `provider_unavailable`.
    pub async fn finish_sign_in(
        &self,
        callback: Callback,
        browser: Option<&str>,
        device: &Device,
    ) -> Result<SignedIn> {
        let ctx = &self.ctx;
        let now = ctx.clock.now();
        let unknown = || failed("The sign-in is unknown, already finished or too old. Start again.");
        let state = callback.state.filter(|state| is_token(state)).ok_or_else(unknown)?;
        let hash = sha256(state.as_bytes());
        let since = now - Duration::minutes(STATE_MINUTES);
        // Taken before anything else is looked at, so that whatever happens next it cannot be tried again.
        let row = ctx
            .db
            .tx(async |conn| Ok(store::sessions::consume_state(conn, &hash, since, now).await?))
            .await?
            .ok_or_else(unknown)?;
        let same_browser =
            browser.is_some_and(|browser| equal(&sha256(browser.as_bytes()), &row.browser_hash));
        if !same_browser {
            return Err(failed("The sign-in was started in another browser. Start again in this one."));
        }
        if let Some(error) = callback.error {
            return Err(GithubError::Refused(Refusal::parse(&error)).into());
        }
        let code = callback.code.ok_or_else(|| failed("GitHub sent no code. Start again."))?;
        let verifier = ctx.keys.open(&verifier_context(&hash), &row.verifier)?;
        let verifier =
            String::from_utf8(verifier).map_err(|_| Error::internal("a sealed verifier is not text"))?;
        let token =
            self.github.exchange_code(&code, &SecretString::from(verifier), &self.callback_url()?).await?;
        let from = self.read_person(&token).await?;

        let mode: Mode = row.mode.parse()?;
        let secret = random_token(&ctx.entropy);
        let session: SessionId = ctx.ids.id();
        let (account, sign_up_required) = ctx
            .db
            .tx(async |conn| {
                let (account, status, terms) =
                    store::accounts::upsert(conn, ctx.ids.id(), &from, now).await?;
                if status == "erased" {
                    return Err(failed("The account was erased."));
                }
                store::accounts::forget_login_of_others(conn, &from.login, from.github_id).await?;
                keep_github_token(ctx, conn, account, token.token.expose_secret(), &token.scopes).await?;
                let begun = self.begin_session(conn, session, account, mode, &secret, device, now);
                begun.await?;
                Ok((account, terms.is_none()))
            })
            .await?;
        match mode {
            Mode::Browser => Ok(SignedIn::Browser {
                cookie: secret,
                max_age: ctx.config.auth.session_absolute_hours.saturating_mul(3_600),
                return_to: row.return_to,
            }),
            Mode::Token => {
                Ok(SignedIn::Program(self.tokens(account, session, secret, sign_up_required, now).await?))
            }
        }
    }

    /// The person behind a token. GitHub's answers are untrusted; the adapter has checked their form.
    async fn read_person(&self, token: &github::AccessToken) -> Result<FromGithub> {
        let api = self.github.signed_in(&token.token);
        let gone = || failed("GitHub did not say who signed in. Start again.");
        let user = api.user(None).await?.into_value().ok_or_else(gone)?;
        if user.kind != AccountKind::User {
            return Err(failed("Only people can sign in."));
        }
        let emails = match api.emails().await {
            Ok(emails) => emails,
            // The person withheld the scope: they can sign in, but not sign up before they grant it.
            Err(GithubError::NotFound { .. } | GithubError::Forbidden { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let verified: Vec<VerifiedEmail> = emails
            .into_iter()
            .filter(|one| one.verified && !one.email.to_lowercase().ends_with("@users.noreply.github.com"))
            .take(MAX_EMAILS)
            .map(|one| VerifiedEmail { email: one.email, primary: one.primary })
            .collect();
        Ok(FromGithub {
            github_id: user.id,
            login: user.login,
            avatar_url: user.avatar_url.into(),
            emails: serde_json::to_value(verified).map_err(Error::internal)?,
        })
    }

    #[allow(clippy::too_many_arguments)] // the parts of one row
    async fn begin_session(
        &self,
        conn: &mut assay_platform::db::Conn,
        session: SessionId,
        account: AccountId,
        mode: Mode,
        secret: &str,
        device: &Device,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let auth = &self.ctx.config.auth;
        let hash = sha256(secret.as_bytes());
        let (kind, token_hash, expires_at) = match mode {
            Mode::Browser => ("browser", Some(&hash[..]), now + Duration::hours(auth.session_absolute_hours)),
            Mode::Token => ("program", None, now + Duration::days(auth.refresh_token_days)),
        };
        let row = NewSession {
            id: session.uuid(),
            account_id: account.uuid(),
            kind,
            token_hash,
            user_agent: &device.user_agent,
            ip: &device.ip,
            created_at: now,
            authenticated_at: now,
            last_seen_at: now,
            expires_at,
        };
        store::sessions::insert(conn, &row).await?;
        if mode == Mode::Token {
            let id = self.ctx.ids.uuid();
            store::sessions::insert_refresh_token(conn, id, session.uuid(), &hash, now, expires_at).await?;
        }
        Ok(())
    }

    /// A program's answer: a fresh access token beside its refresh token.
    pub(super) async fn tokens(
        &self,
        account: AccountId,
        session: SessionId,
        refresh_token: String,
        sign_up_required: bool,
        now: DateTime<Utc>,
    ) -> Result<Tokens> {
        let expires_in = self.ctx.config.auth.access_token_seconds.min(600);
        let expected = self.expected();
        let claims = Claims {
            iss: expected.iss,
            aud: expected.aud,
            sub: account,
            sid: session,
            jti: jti(&self.ctx.ids),
            iat: now.timestamp(),
            nbf: None,
            exp: now.timestamp().saturating_add(expires_in),
        };
        let access_token = self.signing(|key| key.sign(&claims)).await?;
        Ok(Tokens {
            token_type: "Bearer",
            access_token,
            expires_in,
            refresh_token,
            account_id: account,
            sign_up_required,
        })
    }
}

fn jti(ids: &IdSource) -> String {
    base64url(ids.uuid().as_bytes())
}

/// Is it a secret as we make them: 32 bytes, base64url?
pub(super) fn is_token(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn verifier_context(state_hash: &[u8; 32]) -> String {
    format!("sign_in_state/{}", base64url(state_hash))
}
