//! The audit log: append-only (the database refuses changes), each row hashed over the one before, written in the
//! transaction of the act it records. A reason is sealed with the data key of the person it is about, and the chain
//! hashes the sealed form: erasing a person destroys the key, not the proof.

use assay_kernel::ids::AccountId;
use assay_kernel::{Error, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::crypto::sha256;
use crate::db::schema::audit_log;
use crate::db::{Conn, advisory_lock};
use crate::{Ctx, db, personal_data};

/// To what the seals of reasons are bound.
const REASON: &str = "audit_reason";

/// What is recorded of an act.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Who did it; none for the command line and the worker.
    pub actor: Option<AccountId>,
    /// What was done, e.g. `permission.grant`.
    pub action: &'a str,
    /// To what: a prefixed id.
    pub subject: String,
    /// Why, where a reason is demanded.
    pub reason: Option<&'a str>,
    /// Particulars without personal data beyond ids. When the subject is no account, `account_id` in it names whom
    /// the reason is about.
    pub data: Value,
}

impl Entry<'_> {
    /// Whom the reason is about: their data key seals it.
    fn about(&self) -> Option<AccountId> {
        let named = || self.data.get("account_id")?.as_str()?.parse().ok();
        self.subject.parse().ok().or_else(named).or(self.actor)
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_log, check_for_backend(diesel::pg::Pg))]
struct Row {
    seq: i64,
    occurred_at: DateTime<Utc>,
    actor: Option<uuid::Uuid>,
    action: String,
    subject: String,
    reason: Option<String>,
    data: Value,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
    about: Option<uuid::Uuid>,
    sealed_reason: Option<Vec<u8>>,
}

impl Row {
    /// SHA-256 over the previous hash and the canonical JSON array of the fields.
    fn digest(&self) -> Vec<u8> {
        let mut fields = serde_json::json!([
            self.seq,
            self.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            self.actor,
            self.action,
            self.subject,
            self.reason,
            self.data,
        ]);
        // Entries of before reasons were sealed have none, and keep their hashes.
        if let (Some(sealed), Some(fields)) = (&self.sealed_reason, fields.as_array_mut()) {
            fields.push(serde_json::json!([self.about, hex::encode(sealed)]));
        }
        sha256(&[self.prev_hash.as_slice(), fields.to_string().as_bytes()].concat()).to_vec()
    }
}

/// Appends an entry. Serialises with every other writer of the log until the transaction ends, so call it late.
pub async fn record(ctx: &Ctx, conn: &mut Conn, entry: Entry<'_>) -> Result<()> {
    let about = entry.about();
    let seal_of_reason = match (about, entry.reason) {
        (Some(about), Some(reason)) => {
            Some(personal_data::seal(ctx, conn, about, REASON, reason.as_bytes()).await?)
        }
        _ => None,
    };
    advisory_lock(conn, db::LOCK_AUDIT).await?;
    let last: Option<(i64, Vec<u8>)> = audit_log::table
        .select((audit_log::seq, audit_log::hash))
        .order(audit_log::seq.desc())
        .first(conn)
        .await
        .optional()
        .map_err(db::DbError::from)?;
    let (seq, prev_hash) = last.unwrap_or((0, vec![0; 32]));
    let mut row = Row {
        seq: seq + 1,
        occurred_at: ctx.clock.now(),
        actor: entry.actor.map(|id| id.uuid()),
        action: entry.action.to_owned(),
        subject: entry.subject,
        // What nobody did and is about nobody is a text of ours.
        reason: if seal_of_reason.is_some() { None } else { entry.reason.map(str::to_owned) },
        data: entry.data,
        prev_hash,
        hash: Vec::new(),
        about: seal_of_reason.as_ref().and(about).map(|about| about.uuid()),
        sealed_reason: seal_of_reason,
    };
    row.hash = row.digest();
    diesel::insert_into(audit_log::table).values(&row).execute(conn).await.map_err(db::DbError::from)?;
    Ok(())
}

/// An entry as staff read it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct EntryView {
    /// Its place in the chain, from 1 without gaps.
    #[schema(example = 1)]
    pub seq: i64,
    /// When it was done.
    pub occurred_at: DateTime<Utc>,
    /// Who did it; none for the command line and the worker.
    #[schema(value_type = Option<String>, example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub actor: Option<AccountId>,
    /// What was done.
    #[schema(example = "permission.grant")]
    pub action: String,
    /// To what: a prefixed id.
    #[schema(example = "acc_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    pub subject: String,
    /// Why, where a reason is demanded; none any more when it was about somebody who was erased.
    pub reason: Option<String>,
    /// Particulars.
    #[schema(value_type = Object)]
    pub data: Value,
}

impl From<Row> for EntryView {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            occurred_at: row.occurred_at,
            actor: row.actor.map(AccountId::from_uuid),
            action: row.action,
            subject: row.subject,
            reason: row.reason,
            data: row.data,
        }
    }
}

/// Entries, newest first: all, or those about one thing.
pub async fn list(
    ctx: &Ctx,
    conn: &mut Conn,
    subject: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<EntryView>> {
    let mut query = audit_log::table.into_boxed();
    if let Some(subject) = subject {
        query = query.filter(audit_log::subject.eq(subject.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(audit_log::seq.lt(before));
    }
    let rows: Vec<Row> = query
        .order(audit_log::seq.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(conn)
        .await
        .map_err(db::DbError::from)?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let sealed = row.about.map(AccountId::from_uuid).zip(row.sealed_reason.clone());
        let mut entry = EntryView::from(row);
        if let Some((about, sealed)) = sealed {
            let plain = personal_data::open(ctx, conn, about, REASON, &sealed).await?;
            entry.reason = plain.map(String::from_utf8).transpose().map_err(Error::internal)?;
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Walks the whole chain.
///
/// # Errors
/// Names the first entry that does not follow from the one before.
pub async fn verify(conn: &mut Conn) -> Result<i64> {
    let mut expected_seq = 1;
    let mut prev_hash = vec![0; 32];
    loop {
        let rows: Vec<Row> = audit_log::table
            .filter(audit_log::seq.ge(expected_seq))
            .order(audit_log::seq)
            .limit(1_000)
            .select(Row::as_select())
            .load(conn)
            .await
            .map_err(db::DbError::from)?;
        if rows.is_empty() {
            return Ok(expected_seq - 1);
        }
        for row in rows {
            if row.seq != expected_seq {
                return Err(Error::internal(format!("audit entry {expected_seq} is missing")));
            }
            if row.prev_hash != prev_hash || row.hash != row.digest() {
                return Err(Error::internal(format!(
                    "audit entry {} does not follow from the one before",
                    row.seq
                )));
            }
            prev_hash = row.hash;
            expected_seq += 1;
        }
    }
}
