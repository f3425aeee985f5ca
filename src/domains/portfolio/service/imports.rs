//! Asking for imports and looking at them.

use assay_kernel::ids::{AccountId, PortfolioImportId};
use assay_kernel::process::Who;
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob};
use assay_platform::outbox::{self, Audience};
use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use super::Portfolio;
use crate::model::process::{FAIL, FailureCode, IMPORT, ImportState};
use crate::model::progress::Progress;
use crate::store;
use crate::store::imports::Import;

/// The kind of the job that runs an import.
pub const JOB: &str = "portfolio.import";
/// An import that has not moved for so long, though nothing holds it, is given up when another is asked for.
const STALE_HOURS: i64 = 1;

impl Portfolio {
    /// Asks for an import. While one of the person is live, that one is given.
    ///
    /// # Errors
    /// `limit_reached` soon after the last one, `guard_failed` without an authorisation at GitHub.
    pub async fn request_import_in(&self, conn: &mut Conn, actor: &Actor) -> Result<Import> {
        let ctx = &self.ctx;
        let account = actor.account_id;
        let now = ctx.clock.now();
        if let Some(live) = store::imports::lock_live(conn, account).await? {
            if !is_stale(&live, now) {
                return Ok(live);
            }
            let detail = "The import stood still for a long time.";
            fail_in(ctx, conn, live, FailureCode::Abandoned, detail).await?;
        }
        let pause = Duration::minutes(ctx.policy.portfolio.reimport_minutes);
        if let Some(last) = store::imports::last_completed(conn, account).await?
            && now < last + pause
        {
            let seconds = u64::try_from((last + pause - now).num_seconds()).unwrap_or(0).saturating_add(1);
            let detail = format!(
                "A portfolio is imported once in {} minutes at most; the next import is possible at {}.",
                pause.num_minutes(),
                (last + pause).to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            );
            return Err(Error::new(Code::LimitReached, detail).with_retry_after(seconds));
        }
        if assay_identity::github_token(ctx, conn, account).await?.is_none() {
            return Err(Error::new(
                Code::GuardFailed,
                "There is no authorisation from GitHub. Sign in with GitHub again, then import.",
            ));
        }
        let import = Import {
            id: ctx.ids.id(),
            account_id: account,
            state: ImportState::Queued,
            progress: Progress::new(),
            failures: 0,
            failure: None,
            resumes_at: None,
            policy_version: ctx.policy.version.clone(),
            requested_at: now,
            started_at: None,
            progressed_at: now,
            finished_at: None,
            version: 1,
        };
        if store::imports::insert(conn, &import).await? {
            enqueue(ctx, conn, &import, None).await?;
            return Ok(import);
        }
        // Another request was first.
        store::imports::lock_live(conn, account).await?.ok_or_else(|| {
            Error::new(Code::Unavailable, Code::Unavailable.meaning()).with_retry_after(1).transient()
        })
    }

    /// An import of the caller.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn get_import(&self, actor: &Actor, id: PortfolioImportId) -> Result<Import> {
        self.ctx
            .db
            .read(async |conn| store::imports::find_own(conn, actor.account_id, id).await)
            .await?
            .ok_or_else(|| Error::not_found("import"))
    }

    /// Imports of the caller, newest first.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn list_imports(
        &self,
        actor: &Actor,
        before: Option<PortfolioImportId>,
        limit: i64,
    ) -> Result<Vec<Import>> {
        self.ctx.db.read(async |conn| store::imports::list(conn, actor.account_id, before, limit).await).await
    }
}

fn is_stale(import: &Import, now: DateTime<Utc>) -> bool {
    let moved = import.resumes_at.unwrap_or(import.progressed_at).max(import.progressed_at);
    now - moved > Duration::hours(STALE_HOURS)
}

/// Enqueues the next stretch of an import, once for each version of it.
pub async fn enqueue(
    ctx: &Ctx,
    conn: &mut Conn,
    import: &Import,
    run_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let job = NewJob {
        kind: JOB,
        payload: json!({ "import": import.id }),
        dedupe_key: Some(format!("{JOB}:{}:{}", import.id, import.version)),
        run_at,
    };
    jobs::enqueue(ctx, conn, job).await?;
    Ok(())
}

/// Gives an import up. Tells whether it was still as the caller saw it.
pub async fn fail_in(
    ctx: &Ctx,
    conn: &mut Conn,
    mut import: Import,
    code: FailureCode,
    detail: &str,
) -> Result<bool> {
    let seen = import.version;
    let now = ctx.clock.now();
    import.state = IMPORT.transition(import.state.as_str(), FAIL, &[Who::System])?.to.parse()?;
    import.failure = Some((code, detail.to_owned()));
    import.resumes_at = None;
    import.progressed_at = now;
    import.finished_at = Some(now);
    import.version += 1;
    if !store::imports::update(conn, &import, seen).await? {
        return Ok(false);
    }
    let data = json!({ "failure": code, "detail": detail });
    tell(ctx, conn, import.account_id, "portfolio.import_failed", import.id.to_string(), data).await?;
    Ok(true)
}

/// Tells the person.
pub async fn tell(
    ctx: &Ctx,
    conn: &mut Conn,
    account: AccountId,
    kind: &str,
    subject: String,
    data: serde_json::Value,
) -> Result<()> {
    outbox::publish(ctx, conn, kind, subject, data, &[Audience::Account(account)]).await
}
