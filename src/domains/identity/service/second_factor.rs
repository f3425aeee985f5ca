//! The second factor, and the proof of it that sensitive acts ask for.

use assay_kernel::actor::Credential;
use assay_kernel::ids::{AccountId, SessionId};
use assay_kernel::text::{self, Text};
use assay_kernel::{Actor, Code, Error, Result, Scope};
use assay_platform::db::Conn;
use assay_platform::{Ctx, audit, personal_data};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use totp_rs::Totp;
use validator::Validate;

use crate::model::second_factor::{
    BLOCKED_MINUTES, MAX_FAILURES, RECOVERY_CODES, SECRET_BYTES, is_totp_code, recovery_code, recovery_hash,
    step_of, totp,
};
use crate::policy::{self, RECENT_MINUTES};
use crate::store::second_factors::{self, FactorRow};

/// To what the seal of a secret is bound.
const CONTEXT: &str = "second_factor";
/// Under which name authenticators list it.
const ISSUER: &str = "Assay";

/// A code of the second factor.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorCode {
    /// Six digits of the authenticator, or a recovery code.
    #[validate(length(min = 6, max = 20), custom(function = "text::line"))]
    #[schema(value_type = String, min_length = 6, max_length = 20, example = "287082")]
    pub code: Text,
}

/// A second factor that is being set up.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewSecondFactor {
    /// The secret, base 32, for typing it into an authenticator. Shown once.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub secret: String,
    /// The same as a link, for a QR code.
    #[schema(example = "otpauth://totp/Assay:octocat?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Assay")]
    pub otpauth_url: String,
}

/// The codes for when the authenticator is lost.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RecoveryCodes {
    /// Each takes the place of a code once. Shown once: keep them.
    #[schema(example = json!(["7M2QX-0KD4T"]))]
    pub recovery_codes: Vec<String>,
}

/// A second factor in use.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SecondFactor {
    /// Since when.
    pub confirmed_at: DateTime<Utc>,
    /// Recovery codes that are left.
    #[schema(example = 10)]
    pub recovery_codes_left: i64,
}

/// A session in which a code was given.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SteppedUp {
    /// Until when sensitive acts need no further code.
    pub until: DateTime<Utc>,
}

/// 403 unless the caller has proved anew, within ten minutes and with this session, who they are: by their second
/// factor if they have one, else by a sign-in. Staff need a second factor where the configuration says so.
pub async fn require_step_up(ctx: &Ctx, conn: &mut Conn, actor: &Actor) -> Result<()> {
    let now = ctx.clock.now();
    if second_factors::confirmed_at(conn, actor.account_id).await?.is_none() {
        if actor.is_staff() && ctx.config.auth.staff_second_factor {
            return Err(Error::new(Code::SecondFactorRequired, Code::SecondFactorRequired.meaning()));
        }
        return policy::require_recent_sign_in(actor, now);
    }
    let given = match session_of(actor) {
        Some(session) => second_factors::stepped_up_at(conn, session).await?,
        None => None,
    };
    if given.is_some_and(|at| now - at <= Duration::minutes(RECENT_MINUTES)) {
        return Ok(());
    }
    Err(Error::new(Code::StepUpRequired, Code::StepUpRequired.meaning()))
}

/// The session of the caller; none for an API token.
fn session_of(actor: &Actor) -> Option<SessionId> {
    match actor.credential {
        Credential::Cookie(session) | Credential::AccessToken(session) => Some(session),
        Credential::ApiToken(_) => None,
    }
}

/// Begins to set a second factor up, in place of one that was never confirmed.
pub async fn enrol(ctx: &Ctx, actor: &Actor) -> Result<NewSecondFactor> {
    actor.require_scope(Scope::Account)?;
    let now = ctx.clock.now();
    policy::require_recent_sign_in(actor, now)?;
    let account = actor.account_id;
    ctx.db
        .tx(async |conn| {
            let login = login_of(conn, account).await?;
            if second_factors::lock(conn, account).await?.is_some_and(|row| row.confirmed_at.is_some()) {
                let detail = "A second factor is set up; remove it before setting up another.";
                return Err(Error::new(Code::AlreadyExists, detail));
            }
            let secret: [u8; SECRET_BYTES] = ctx.entropy.bytes();
            let sealed = personal_data::seal(ctx, conn, account, CONTEXT, &secret).await?;
            let row = FactorRow {
                account_id: account.uuid(),
                sealed,
                confirmed_at: None,
                last_step: None,
                failures: 0,
                blocked_until: None,
                created_at: now,
            };
            second_factors::put(conn, &row).await?;
            let totp = totp(&secret, ISSUER, &login)?;
            Ok(NewSecondFactor {
                secret: totp.secret().to_base32(),
                otpauth_url: totp.to_url().map_err(Error::internal)?,
            })
        })
        .await
}

/// Confirms a second factor by its first code.
pub async fn confirm(ctx: &Ctx, actor: &Actor, input: &SecondFactorCode) -> Result<RecoveryCodes> {
    actor.require_scope(Scope::Account)?;
    policy::require_recent_sign_in(actor, ctx.clock.now())?;
    let account = actor.account_id;
    attempt(ctx, actor, input, Use::Confirm, async |conn| {
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code(&ctx.entropy)).collect();
        let hash = |code: &String| recovery_hash(account.uuid().as_bytes(), code);
        second_factors::insert_codes(conn, account, &codes.iter().map(hash).collect::<Vec<_>>()).await?;
        record(ctx, conn, actor, account, "second_factor.confirm", None).await?;
        Ok(RecoveryCodes { recovery_codes: codes })
    })
    .await
}

/// Takes a code; sensitive acts of the session are open for ten minutes.
pub async fn step_up(ctx: &Ctx, actor: &Actor, input: &SecondFactorCode) -> Result<SteppedUp> {
    let until = ctx.clock.now() + Duration::minutes(RECENT_MINUTES);
    attempt(ctx, actor, input, Use::StepUp, async |_| Ok(SteppedUp { until })).await
}

/// The caller's second factor.
pub async fn shown(ctx: &Ctx, actor: &Actor) -> Result<SecondFactor> {
    ctx.db
        .read(async |conn| {
            let confirmed_at = second_factors::confirmed_at(conn, actor.account_id).await?;
            Ok(SecondFactor {
                confirmed_at: confirmed_at.ok_or_else(|| Error::not_found("second factor"))?,
                recovery_codes_left: second_factors::codes_left(conn, actor.account_id).await?,
            })
        })
        .await
}

/// Removes the caller's second factor.
pub async fn remove(ctx: &Ctx, actor: &Actor) -> Result<()> {
    actor.require_scope(Scope::Account)?;
    ctx.db
        .tx(async |conn| {
            if second_factors::lock(conn, actor.account_id).await?.is_none() {
                return Err(Error::not_found("second factor"));
            }
            require_step_up(ctx, conn, actor).await?;
            second_factors::delete(conn, actor.account_id).await?;
            record(ctx, conn, actor, actor.account_id, "second_factor.remove", None).await
        })
        .await
}

/// Removes the second factor of somebody who lost it and their recovery codes.
pub async fn reset(ctx: &Ctx, actor: &Actor, account: AccountId, reason: &str) -> Result<()> {
    policy::require_another(actor, account, "reset the second factor of")?;
    ctx.db
        .tx(async |conn| {
            require_step_up(ctx, conn, actor).await?;
            if second_factors::delete(conn, account).await? == 0 {
                return Err(Error::not_found("second factor"));
            }
            record(ctx, conn, actor, account, "second_factor.reset", Some(reason)).await
        })
        .await
}

/// For what a code is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Confirm,
    StepUp,
}

/// Takes a code and does what it was given for. A failure counts, and is committed although the request fails.
async fn attempt<T>(
    ctx: &Ctx,
    actor: &Actor,
    input: &SecondFactorCode,
    wanted: Use,
    then: impl AsyncFn(&mut Conn) -> Result<T>,
) -> Result<T> {
    let account = actor.account_id;
    let Some(session) = session_of(actor) else {
        return Err(Error::new(Code::Forbidden, "An API token gives no codes; use a session."));
    };
    let now = ctx.clock.now();
    let done = ctx.db.tx(async |conn| {
        let mut row =
            second_factors::lock(conn, account).await?.ok_or_else(|| Error::not_found("second factor"))?;
        if row.confirmed_at.is_some() == (wanted == Use::Confirm) {
            let detail = match wanted {
                Use::Confirm => "The second factor is confirmed already.",
                Use::StepUp => "The second factor was never confirmed: POST /v1/me/second_factor/confirm.",
            };
            return Err(Error::new(Code::StateConflict, detail));
        }
        if let Some(until) = row.blocked_until.filter(|until| *until > now) {
            let seconds = u64::try_from((until - now).num_seconds()).unwrap_or(0).max(1);
            let detail = "Too many wrong codes; wait before the next.";
            return Err(Error::new(Code::RateLimited, detail).with_retry_after(seconds));
        }
        let code = input.code.trim();
        let good = if is_totp_code(code) {
            let step = step_of(&opened(ctx, conn, &row).await?, code, now, row.last_step);
            row.last_step = step.or(row.last_step);
            step.is_some()
        } else {
            let hash = recovery_hash(account.uuid().as_bytes(), code);
            wanted == Use::StepUp && second_factors::use_code(conn, account, hash, now).await? > 0
        };
        if !good {
            row.failures = row.failures.saturating_add(1);
            if row.failures >= MAX_FAILURES {
                row.failures = 0;
                row.blocked_until = Some(now + Duration::minutes(BLOCKED_MINUTES));
                record(ctx, conn, actor, account, "second_factor.block", None).await?;
            }
            second_factors::put(conn, &row).await?;
            return Ok(None);
        }
        (row.failures, row.blocked_until) = (0, None);
        row.confirmed_at = row.confirmed_at.or(Some(now));
        second_factors::put(conn, &row).await?;
        second_factors::step_up(conn, session, now).await?;
        then(conn).await.map(Some)
    });
    if let Some(answer) = done.await? {
        return Ok(answer);
    }
    Err(Error::invalid_field("/code", "wrong_code", "is not a code of now, or was used before"))
}

async fn opened(ctx: &Ctx, conn: &mut Conn, row: &FactorRow) -> Result<Totp> {
    let account = AccountId::from_uuid(row.account_id);
    let secret = personal_data::open(ctx, conn, account, CONTEXT, &row.sealed).await?;
    let secret = secret.ok_or_else(|| Error::internal("a second factor outlived its person's key"))?;
    totp(&secret, ISSUER, &login_of(conn, account).await?)
}

async fn login_of(conn: &mut Conn, account: AccountId) -> Result<String> {
    let found = crate::store::accounts::reference(conn, account).await?;
    Ok(found.ok_or_else(|| Error::not_found("account"))?.login)
}

async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    account: AccountId,
    action: &str,
    reason: Option<&str>,
) -> Result<()> {
    let entry = audit::Entry {
        actor: Some(actor.account_id),
        action,
        subject: account.to_string(),
        reason,
        data: json!({}),
    };
    audit::record(ctx, conn, entry).await
}
