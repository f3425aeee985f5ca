//! Identity continuity: each account has an append-only chain of the moments in which it mattered who was there.

use assay_kernel::actor::Credential;
use assay_kernel::ids::{AccountId, ApiTokenId, SessionId};
use assay_kernel::{Actor, Error, Result};
use assay_platform::crypto::sha256;
use assay_platform::db::{self, Conn};
use assay_platform::{Ctx, personal_data};
use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use uuid::Uuid;

use crate::model::{Presence, PresenceKind};
use crate::store;
use crate::store::presence::PresenceRow;

/// To what the seals of GitHub's numbers are bound.
const GITHUB: &str = "presence_github";

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl PresenceRow {
    /// SHA-256 over the previous hash and the canonical JSON array of the fields.
    fn digest(&self) -> Vec<u8> {
        let fields = serde_json::json!([
            self.account_id,
            self.seq,
            text(self.occurred_at),
            self.kind,
            self.subject,
            self.session,
            self.api_token,
            text(self.authenticated_at),
            hex::encode(&self.sealed_github),
        ]);
        sha256(&[self.prev_hash.as_slice(), fields.to_string().as_bytes()].concat()).to_vec()
    }
}

/// One writer of an account's chain at a time, until the transaction ends.
async fn lock(conn: &mut Conn, account: AccountId) -> Result<()> {
    let digest = sha256(&[b"identity_chain".as_slice(), account.uuid().as_bytes()].concat());
    let mut key = [0; 8];
    key.copy_from_slice(digest.get(..8).unwrap_or(&[0; 8]));
    Ok(db::advisory_lock(conn, i64::from_be_bytes(key)).await?)
}

/// Appends to the actor's chain what they do now, about the thing of that prefixed id. Call it late: it serialises the
/// writers of one chain until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn record_presence(
    ctx: &Ctx,
    conn: &mut Conn,
    actor: &Actor,
    kind: PresenceKind,
    subject: &str,
) -> Result<()> {
    let account = actor.account_id;
    let number = store::presence::github_number(conn, account).await?;
    let sealed_github = personal_data::seal(ctx, conn, account, GITHUB, &number.to_be_bytes()).await?;
    lock(conn, account).await?;
    let (seq, prev_hash) = match store::presence::last(conn, account).await? {
        Some(last) => (last.seq.saturating_add(1), last.hash),
        None => (1, vec![0; 32]),
    };
    let (session, api_token) = match actor.credential {
        Credential::Cookie(id) | Credential::AccessToken(id) => (Some(id.uuid()), None),
        Credential::ApiToken(id) => (None, Some(id.uuid())),
    };
    let mut row = PresenceRow {
        account_id: account.uuid(),
        seq,
        // As the database keeps it, or the hash would not hold.
        occurred_at: ctx.clock.now().trunc_subsecs(6),
        kind: kind.to_string(),
        subject: subject.to_owned(),
        session,
        api_token,
        authenticated_at: actor.authenticated_at.trunc_subsecs(6),
        sealed_github,
        prev_hash,
        hash: Vec::new(),
    };
    row.hash = row.digest();
    store::presence::append(conn, &row).await?;
    Ok(())
}

/// What the chains say about a thing, in its order.
///
/// # Errors
/// When the database fails.
pub async fn presences(ctx: &Ctx, conn: &mut Conn, subject: &str) -> Result<Vec<Presence>> {
    let mut found = Vec::new();
    for row in store::presence::of_subject(conn, subject).await? {
        let account = AccountId::from_uuid(row.account_id);
        let number = personal_data::open(ctx, conn, account, GITHUB, &row.sealed_github).await?;
        let number = number.map(<[u8; 8]>::try_from).transpose();
        let number = number.map_err(|_| Error::internal("a sealed number has another length"))?;
        found.push(Presence {
            account_id: account,
            seq: row.seq,
            occurred_at: row.occurred_at,
            kind: row.kind.parse()?,
            subject: row.subject,
            session_id: row.session.map(SessionId::from_uuid),
            api_token_id: row.api_token.map(ApiTokenId::from_uuid),
            authenticated_at: row.authenticated_at,
            github_number: number.map(i64::from_be_bytes),
            hash: hex::encode(row.hash),
        });
    }
    Ok(found)
}

/// Walks every chain. Answers how many links there are.
///
/// # Errors
/// Names the first link that does not follow from the one before.
pub async fn verify_presences(conn: &mut Conn) -> Result<i64> {
    let (mut account, mut seq, mut hash, mut links) = (Uuid::nil(), 0_i64, vec![0; 32], 0_i64);
    loop {
        let rows = store::presence::after(conn, account, seq, 1_000).await?;
        if rows.is_empty() {
            return Ok(links);
        }
        for row in rows {
            if row.account_id != account {
                (account, seq, hash) = (row.account_id, 0, vec![0; 32]);
            }
            seq = seq.saturating_add(1);
            if row.seq != seq || row.prev_hash != hash || row.hash != row.digest() {
                let whose = AccountId::from_uuid(account);
                return Err(Error::internal(format!(
                    "link {seq} of the chain of {whose} does not follow from the one before"
                )));
            }
            hash = row.hash;
            links = links.saturating_add(1);
        }
    }
}
