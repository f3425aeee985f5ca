//! Requests to the provider: written with the change that wants them.

use assay_adapters::stripe::Post;
use assay_kernel::{Error, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob};
use assay_platform::places;
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::model::command::{CommandKind, CommandState};
use crate::store::commands::{self, CommandRow};

/// The job that sends a request.
pub const SEND: &str = "payments.send";

/// Our words on an object of the provider's: what made it, and for which milestone.
pub struct Marks {
    command: String,
    milestone: String,
    contract: String,
}

impl Marks {
    /// Of a request for a milestone.
    pub fn new(command: Uuid, milestone: Uuid, contract: Uuid) -> Self {
        let text = |id: Uuid| id.hyphenated().to_string();
        Self { command: text(command), milestone: text(milestone), contract: text(contract) }
    }

    /// As metadata.
    pub fn metadata(&self) -> [(&str, &str); 2] {
        [("command", &self.command), ("milestone", &self.milestone)]
    }

    /// The group of everything of a contract.
    pub fn group(&self) -> &str {
        &self.contract
    }
}

/// Writes a request and the job that sends it, in the caller's transaction.
pub async fn write<T>(
    ctx: &Ctx,
    conn: &mut Conn,
    id: Uuid,
    kind: CommandKind,
    subject: Uuid,
    post: &Post<T>,
) -> Result<()> {
    let now = ctx.clock.now();
    let row = CommandRow {
        id,
        kind: kind.as_str().to_owned(),
        subject,
        path: post.path().to_owned(),
        body: post.body().to_owned(),
        account: post.account().map(str::to_owned),
        state: CommandState::New.as_str().to_owned(),
        attempts: 0,
        first_sent_at: None,
        next_at: now,
        lease_until: None,
        outcome: None,
        object: None,
        created_at: now,
        settled_at: None,
    };
    commands::insert(conn, &row).await?;
    wake(ctx, conn, id, now).await?;
    places::reached("command.written").await;
    Ok(())
}

/// Has a request looked at, then.
pub async fn wake(ctx: &Ctx, conn: &mut Conn, id: Uuid, at: DateTime<Utc>) -> Result<()> {
    let job = NewJob { kind: SEND, payload: json!({ "command": id }), dedupe_key: None, run_at: Some(at) };
    jobs::enqueue(ctx, conn, job).await?;
    Ok(())
}

/// A row that must be there.
pub fn there<T>(found: Option<T>, what: &'static str) -> Result<T> {
    found.ok_or_else(|| Error::internal(format!("the {what} is not there")))
}
