//! Private calendar feeds: a person's booked sessions for programs that can send nothing but a URL.

use std::collections::HashMap;

use assay_kernel::ids::{AccountId, CalendarFeedId};
use assay_kernel::{Actor, Code, Error, Result};
use assay_notifications::feed;
use assay_platform::audit;
use assay_platform::crypto::{base64url, random_token, sha256};
use assay_platform::db::Conn;
use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use uuid::Uuid;

use super::Assessments;
use super::session_notify::described;
use crate::store;
use crate::store::feeds::{FedSession, FeedRow, NewFeed};

/// Live feeds that a person may have.
const MAX_FEEDS: usize = 5;
/// Days for which a session stays in the feed.
const DAYS_SHOWN: i64 = 30;
/// Days for which a revoked feed is still known.
const DAYS_REVOKED: i64 = 30;
/// Characters of a token: 256 bits in base64url.
const TOKEN: usize = 43;

/// A feed's text, with the tag that names it.
#[derive(Debug)]
pub struct FeedText {
    /// The iCalendar object.
    pub text: String,
    /// Its strong entity tag.
    pub etag: String,
}

/// A new feed, with its secret.
#[derive(Debug)]
pub struct NewFeedDetail {
    /// The row.
    pub row: FeedRow,
    /// The secret.
    pub token: String,
    /// Where the feed is read.
    pub url: String,
}

impl Assessments {
    /// Makes a feed. Not under an idempotency key: the stored answer would hold the secret.
    pub async fn create_feed(&self, actor: &Actor) -> Result<NewFeedDetail> {
        let (owner, now) = (actor.account_id, self.ctx.clock.now());
        let token = random_token(&self.ctx.entropy);
        let hash = sha256(token.as_bytes());
        let id: CalendarFeedId = self.ctx.ids.id();
        let new = NewFeed { id: id.uuid(), account_id: owner.uuid(), token_hash: &hash, created_at: now };
        let row = self
            .ctx
            .db
            .tx(async |conn| {
                store::feeds::lock_owner(conn, owner).await?;
                if store::feeds::live_of(conn, owner).await?.len() >= MAX_FEEDS {
                    let detail =
                        format!("A person has {MAX_FEEDS} calendar feeds at most; revoke one first.");
                    return Err(Error::new(Code::LimitReached, detail));
                }
                let row = store::feeds::insert(conn, &new).await?;
                self.note_feed(conn, owner, "calendar_feed.create", id).await?;
                Ok(row)
            })
            .await?;
        let url = format!("{}/v1/calendar/{token}.ics", self.ctx.config.public_url());
        Ok(NewFeedDetail { row, token, url })
    }

    async fn note_feed(
        &self,
        conn: &mut Conn,
        owner: AccountId,
        action: &'static str,
        id: CalendarFeedId,
    ) -> Result<()> {
        let entry = audit::Entry {
            actor: Some(owner),
            action,
            subject: id.to_string(),
            reason: None,
            data: json!({}),
        };
        audit::record(&self.ctx, conn, entry).await
    }

    /// The caller's live feeds.
    pub async fn feeds(&self, conn: &mut Conn, actor: &Actor) -> Result<Vec<FeedRow>> {
        Ok(store::feeds::live_of(conn, actor.account_id).await?)
    }

    /// Revokes one of the caller's feeds.
    pub async fn revoke_feed(&self, actor: &Actor, id: CalendarFeedId) -> Result<()> {
        let (owner, now) = (actor.account_id, self.ctx.clock.now());
        self.ctx
            .db
            .tx(async |conn| {
                if store::feeds::revoke(conn, owner, id, now).await? == 0 {
                    return Err(Error::not_found("calendar feed"));
                }
                self.note_feed(conn, owner, "calendar_feed.revoke", id).await
            })
            .await
    }

    /// The feed of that token. Whatever is wrong with it, nobody is told more than that there is none.
    pub async fn feed_of(&self, token: &str) -> Result<FeedText> {
        let missing = || Error::not_found("calendar feed");
        if token.len() != TOKEN {
            return Err(missing());
        }
        let (hash, now) = (sha256(token.as_bytes()), self.ctx.clock.now());
        let (found, text) = self
            .ctx
            .db
            .read(async |conn| {
                let found = store::feeds::by_token(conn, &hash).await?.ok_or_else(missing)?;
                let text = self.calendar_of(conn, AccountId::from_uuid(found.account_id), now).await?;
                Ok::<_, Error>((found, text))
            })
            .await?;
        if found.last_read_at.is_none_or(|read| read + Duration::hours(1) <= now) {
            self.ctx
                .db
                .tx(async |conn| Ok::<_, Error>(store::feeds::touch(conn, found.id, now).await?))
                .await?;
        }
        let etag = format!("\"{}\"", base64url(&sha256(text.as_bytes())));
        Ok(FeedText { text, etag })
    }

    /// A person's sessions as a calendar. Nothing in it moves with what is only staff's: DTSTAMP is when the time was
    /// booked or given to its lead, not when the assessment last changed.
    async fn calendar_of(&self, conn: &mut Conn, person: AccountId, now: DateTime<Utc>) -> Result<String> {
        let sessions = store::feeds::sessions_of(conn, person, now - Duration::days(DAYS_SHOWN)).await?;
        let bookings: Vec<Uuid> = sessions.iter().map(|session| session.booking).collect();
        let leads = store::feeds::leads_of(conn, &bookings).await?;
        let leads: HashMap<_, _> = leads
            .into_iter()
            .map(|(booking, login, name, since)| (booking, (name.unwrap_or(login), since)))
            .collect();
        let candidates: Vec<Uuid> = sessions.iter().map(|session| session.row.candidate_id).collect();
        let names = store::people::names(conn, &candidates).await?;
        let names: HashMap<_, _> =
            names.into_iter().map(|(id, login, name)| (id, name.unwrap_or(login))).collect();
        let mut events = Vec::with_capacity(sessions.len());
        for FedSession { row, booking, booked_at } in &sessions {
            let lead = leads.get(booking);
            let with = match row.candidate() == person {
                true => lead.map(|(name, _)| name.clone()),
                false => names.get(&row.candidate_id).cloned(),
            };
            let with: Vec<String> = with.into_iter().collect();
            let changed_at = lead.map_or(*booked_at, |(_, since)| (*since).max(*booked_at));
            events.push((self.session_event(row, described(row, &with))?, changed_at));
        }
        Ok(feed("Assay", &events))
    }
}

/// Deletes feeds that were revoked long ago.
pub(super) async fn delete_revoked(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    Ok(store::feeds::delete_revoked(conn, now - Duration::days(DAYS_REVOKED)).await?)
}
