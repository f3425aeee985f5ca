//! People's requests about their data: a copy of it, or its erasure.

use assay_kernel::error::WhyNot;
use assay_kernel::ids::{AccountId, DataRequestId};
use assay_kernel::process::Who;
use assay_kernel::{AccountStatus, Actor, Code, Error, Result, Scope};
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob};
use assay_platform::outbox::{self, Audience};
use assay_platform::{Ctx, audit, personal_data, timers};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::second_factor::require_step_up;
use super::{Identity, typed};
use crate::model::{DATA_EXPORT, ERASURE};
use crate::store;
use crate::store::data_requests::RequestRow;

/// The job that puts an export together.
pub const EXPORT_JOB: &str = "identity.data_export";
/// The job that ends an erasure: what lies outside the database, and what came in meanwhile.
pub const FORGET_JOB: &str = "identity.forget";

/// A request of the person's that was under way during the erasure has ended after this long; the job of
/// [`FORGET_JOB`] sweeps up what it wrote.
const SWEEP_SECONDS: i64 = 60;

/// The payload of [`EXPORT_JOB`].
#[derive(Debug, Serialize, Deserialize)]
pub struct ExportJob {
    request: DataRequestId,
}

/// The payload of [`FORGET_JOB`].
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetJob {
    account: AccountId,
}

/// A request for a copy of all that is held about the caller.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DataExportView {
    /// Its id.
    #[schema(value_type = String, example = "drq_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: DataRequestId,
    /// `requested`, `ready` or `expired`.
    #[schema(example = "ready")]
    pub state: String,
    /// Where the copy is fetched, while it is ready.
    pub download_url: Option<String>,
    /// Until when it can be fetched.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was requested.
    pub created_at: DateTime<Utc>,
}

/// A request that everything about the caller be erased.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErasureView {
    /// Its id.
    #[schema(value_type = String, example = "drq_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub id: DataRequestId,
    /// `cooling`, `held`, `cancelled` or `erased`.
    #[schema(example = "cooling")]
    pub state: String,
    /// What the caller can do with it.
    pub allowed_actions: Vec<String>,
    /// What stands in the way of it now.
    pub why_not: Vec<WhyNot>,
    /// When it will be done, or tried again.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was requested.
    pub created_at: DateTime<Utc>,
}

/// Who the person is to their own request.
const SELF: &[Who] = &[Who::Developer, Who::Client];

fn export_view(row: RequestRow) -> DataExportView {
    let id: DataRequestId = typed(row.id);
    let ready = row.state == "ready";
    DataExportView {
        id,
        download_url: ready.then(|| format!("/v1/me/data_exports/{id}/download")),
        state: row.state,
        expires_at: row.expires_at,
        created_at: row.created_at,
    }
}

fn seal_context(id: Uuid) -> String {
    format!("data_export/{}", id.simple())
}

fn new_request(ctx: &Ctx, account: AccountId, kind: &str, state: &str) -> RequestRow {
    let now = ctx.clock.now();
    RequestRow {
        id: ctx.ids.uuid(),
        account_id: account.uuid(),
        kind: kind.to_owned(),
        state: state.to_owned(),
        due_at: None,
        expires_at: None,
        sealed: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

async fn write(ctx: &Ctx, conn: &mut Conn, row: &mut RequestRow, state: &str) -> Result<()> {
    row.state = state.to_owned();
    row.version = row.version.saturating_add(1);
    row.updated_at = ctx.clock.now();
    store::data_requests::update(conn, row).await?;
    Ok(())
}

/// These acts also work for who is suspended or has not signed up: the right does not depend on it.
async fn require_self(ctx: &Ctx, conn: &mut Conn, actor: &Actor) -> Result<()> {
    actor.require_scope(Scope::Account)?;
    require_step_up(ctx, conn, actor).await
}

async fn record(ctx: &Ctx, conn: &mut Conn, account: AccountId, action: &str, request: Uuid) -> Result<()> {
    let id: DataRequestId = typed(request);
    let entry = audit::Entry {
        actor: Some(account),
        action,
        subject: account.to_string(),
        reason: None,
        data: json!({ "request": id }),
    };
    audit::record(ctx, conn, entry).await
}

/// Requests a copy, in the caller's transaction.
pub async fn request_export_in(ctx: &Ctx, conn: &mut Conn, actor: &Actor) -> Result<DataExportView> {
    require_self(ctx, conn, actor).await?;
    let row = new_request(ctx, actor.account_id, "export", DATA_EXPORT.initial);
    let row = store::data_requests::insert(conn, &row).await?.ok_or_else(|| {
        Error::new(Code::AlreadyExists, "A copy is being put together already; it will be ready soon.")
    })?;
    let payload = serde_json::to_value(ExportJob { request: typed(row.id) }).map_err(Error::internal)?;
    jobs::enqueue(ctx, conn, NewJob { kind: EXPORT_JOB, payload, dedupe_key: None, run_at: None }).await?;
    record(ctx, conn, actor.account_id, "data_export.request", row.id).await?;
    Ok(export_view(row))
}

/// The state of an export of the caller's.
pub async fn read_export(ctx: &Ctx, actor: &Actor, id: DataRequestId) -> Result<DataExportView> {
    Ok(export_view(own_export(ctx, actor, id).await?))
}

async fn own_export(ctx: &Ctx, actor: &Actor, id: DataRequestId) -> Result<RequestRow> {
    actor.require_scope(Scope::Account)?;
    ctx.db
        .read(async |conn| Ok(store::data_requests::find(conn, actor.account_id, id.uuid()).await?))
        .await?
        .filter(|row| row.kind == "export")
        .ok_or_else(|| Error::not_found("data export"))
}

/// The copy itself, JSON.
pub async fn download(ctx: &Ctx, actor: &Actor, id: DataRequestId) -> Result<String> {
    ctx.db.read(async |conn| require_self(ctx, conn, actor).await).await?;
    let row = own_export(ctx, actor, id).await?;
    let live = row.expires_at.is_some_and(|at| at > ctx.clock.now());
    let Some(sealed) = row.sealed.filter(|_| live) else {
        let detail = format!("The copy cannot be fetched: it is {}.", row.state);
        return Err(Error::new(Code::StateConflict, detail));
    };
    let context = seal_context(id.uuid());
    ctx.db
        .tx(async |conn| {
            let plain = personal_data::open(ctx, conn, actor.account_id, &context, &sealed).await?;
            let plain = plain.ok_or_else(|| Error::not_found("data export"))?;
            record(ctx, conn, actor.account_id, "data_export.download", id.uuid()).await?;
            String::from_utf8(plain).map_err(Error::internal)
        })
        .await
}

/// Deletes a copy whose time is over.
pub async fn expire_export(ctx: &Ctx, subject: Uuid) -> Result<()> {
    ctx.db
        .tx(async |conn| {
            let Some(mut row) = store::data_requests::lock(conn, subject).await? else { return Ok(()) };
            if row.state != "ready" {
                return Ok(());
            }
            let step = DATA_EXPORT.transition(&row.state, "expire", &[Who::System])?;
            row.sealed = None;
            write(ctx, conn, &mut row, step.to).await
        })
        .await
}

/// Takes the request for an erasure back.
pub async fn cancel_erasure(identity: &Identity, ctx: &Ctx, actor: &Actor) -> Result<ErasureView> {
    actor.require_scope(Scope::Account)?;
    ctx.db
        .tx(async |conn| {
            let newest = store::data_requests::newest(conn, actor.account_id, "erasure").await?;
            let missing = || Error::not_found("request for an erasure");
            let id = newest.ok_or_else(missing)?.id;
            let mut row = store::data_requests::lock(conn, id).await?.ok_or_else(missing)?;
            let step = ERASURE.transition(&row.state, "cancel", SELF)?;
            timers::clear(conn, ERASURE.name, row.id, &[]).await?;
            row.due_at = None;
            write(ctx, conn, &mut row, step.to).await?;
            record(ctx, conn, actor.account_id, "erasure.cancel", row.id).await?;
            tell(ctx, conn, &row, "erasure.cancelled").await?;
            identity.erasure_view(conn, row).await
        })
        .await
}

async fn tell(ctx: &Ctx, conn: &mut Conn, row: &RequestRow, kind: &str) -> Result<()> {
    let (id, account): (DataRequestId, AccountId) = (typed(row.id), typed(row.account_id));
    let data = json!({ "state": row.state, "due_at": row.due_at });
    outbox::publish(ctx, conn, kind, id.to_string(), data, &[Audience::Account(account)]).await
}

/// Deletes requests that ended long ago.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let before = ctx.clock.now() - Duration::days(ctx.policy.retention.data_request_days);
    Ok(store::data_requests::delete_ended(conn, before).await?)
}

impl Identity {
    async fn erasure_view(&self, conn: &mut Conn, row: RequestRow) -> Result<ErasureView> {
        let actions = ERASURE.actions(&row.state, SELF, |_, _| None);
        let open = matches!(row.state.as_str(), "cooling" | "held");
        let why_not = match open {
            true => personal_data::blockers(self.personal_data, conn, typed(row.account_id)).await?,
            false => Vec::new(),
        };
        Ok(ErasureView {
            id: typed(row.id),
            allowed_actions: actions.allowed,
            why_not,
            state: row.state,
            due_at: row.due_at,
            created_at: row.created_at,
        })
    }

    /// Requests an erasure, in the caller's transaction.
    ///
    /// # Errors
    /// `guard_failed` with everything that is open and stands in the way.
    pub async fn request_erasure_in(&self, ctx: &Ctx, conn: &mut Conn, actor: &Actor) -> Result<ErasureView> {
        require_self(ctx, conn, actor).await?;
        let account = actor.account_id;
        let blockers = personal_data::blockers(self.personal_data, conn, account).await?;
        if !blockers.is_empty() {
            let detail = "Something is open that must end first; why_not lists it.";
            return Err(Error::new(Code::GuardFailed, detail).with_why_not(blockers));
        }
        let due_at = ctx.clock.now() + Duration::days(ctx.policy.rights.erasure_cooling_days);
        let mut row = new_request(ctx, account, "erasure", ERASURE.initial);
        row.due_at = Some(due_at);
        let row = store::data_requests::insert(conn, &row).await?.ok_or_else(|| {
            let there = Error::new(Code::AlreadyExists, "The erasure is requested already.");
            there.with_allowed_actions(vec!["cancel".to_owned()])
        })?;
        timers::set(ctx, conn, ERASURE.name, row.id, "erase", due_at).await?;
        record(ctx, conn, account, "erasure.request", row.id).await?;
        tell(ctx, conn, &row, "erasure.requested").await?;
        self.erasure_view(conn, row).await
    }

    /// The caller's newest request for an erasure.
    pub async fn read_erasure(&self, ctx: &Ctx, actor: &Actor) -> Result<ErasureView> {
        ctx.db
            .read(async |conn| {
                let newest = store::data_requests::newest(conn, actor.account_id, "erasure").await?;
                let row = newest.ok_or_else(|| Error::not_found("request for an erasure"))?;
                self.erasure_view(conn, row).await
            })
            .await
    }

    /// Puts a copy together; a second run changes nothing.
    pub async fn make_export(&self, ctx: &Ctx, job: ExportJob) -> Result<()> {
        let now = ctx.clock.now();
        ctx.db
            .tx(async |conn| {
                let found = store::data_requests::lock(conn, job.request.uuid()).await?;
                let Some(mut row) = found.filter(|row| row.state == DATA_EXPORT.initial) else {
                    return Ok(());
                };
                let account = typed(row.account_id);
                let step = DATA_EXPORT.transition(&row.state, "finish", &[Who::System])?;
                let data = personal_data::export(self.personal_data, conn, account).await?;
                let copy = json!({ "account_id": account, "made_at": now, "data": data });
                let plain = serde_json::to_vec_pretty(&copy).map_err(Error::internal)?;
                row.sealed =
                    Some(personal_data::seal(ctx, conn, account, &seal_context(row.id), &plain).await?);
                let expires_at = now + Duration::days(ctx.policy.rights.export_days);
                row.expires_at = Some(expires_at);
                write(ctx, conn, &mut row, step.to).await?;
                timers::set(ctx, conn, DATA_EXPORT.name, row.id, "expire", expires_at).await?;
                tell(ctx, conn, &row, "data_export.ready").await
            })
            .await
    }

    /// Erases a person whose time has come, unless something open stands in the way: then it is tried again later.
    pub async fn erase_if_due(&self, ctx: &Ctx, subject: Uuid) -> Result<()> {
        let now = ctx.clock.now();
        ctx.db
            .tx(async |conn| {
                let Some(seen) = store::data_requests::lock(conn, subject).await? else { return Ok(()) };
                let account: AccountId = typed(seen.account_id);
                let Some(person) = store::accounts::lock(conn, account).await? else { return Ok(()) };
                let mut row = seen;
                let open = matches!(row.state.as_str(), "cooling" | "held");
                if !open
                    || row.due_at.is_none_or(|at| at > now)
                    || person.status == AccountStatus::Erased.as_str()
                {
                    return Ok(());
                }
                let blockers = personal_data::blockers(self.personal_data, conn, account).await?;
                if !blockers.is_empty() {
                    let step = ERASURE.transition(&row.state, "hold", &[Who::System])?;
                    let due_at = now + Duration::days(ctx.policy.rights.erasure_retry_days);
                    row.due_at = Some(due_at);
                    write(ctx, conn, &mut row, step.to).await?;
                    timers::set(ctx, conn, ERASURE.name, row.id, "erase", due_at).await?;
                    return tell(ctx, conn, &row, "erasure.held").await;
                }
                let step = ERASURE.transition(&row.state, "erase", &[Who::System])?;
                personal_data::erase(self.personal_data, ctx, conn, account).await?;
                row.due_at = None;
                write(ctx, conn, &mut row, step.to).await?;
                let payload = serde_json::to_value(ForgetJob { account }).map_err(Error::internal)?;
                let run_at = Some(now + Duration::seconds(SWEEP_SECONDS));
                let job = NewJob { kind: FORGET_JOB, payload, dedupe_key: None, run_at };
                jobs::enqueue(ctx, conn, job).await?;
                record(ctx, conn, account, "erasure.done", row.id).await
            })
            .await
    }

    /// Erases what lies outside the database, and once more what lies in it.
    pub async fn forget(&self, ctx: &Ctx, job: ForgetJob) -> Result<()> {
        ctx.db
            .tx(async |conn| personal_data::erase(self.personal_data, ctx, conn, job.account).await)
            .await?;
        personal_data::forget(self.personal_data, ctx, job.account).await
    }
}
