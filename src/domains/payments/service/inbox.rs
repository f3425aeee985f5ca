//! The inbox: believe, keep once, answer; then look at what each event is about.

use assay_adapters::stripe::Listing;
use assay_adapters::stripe::webhook::{self, Event};
use assay_kernel::{Code, Error, Permission, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob};
use assay_platform::outbox::{self, Audience};
use assay_platform::places;
use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use super::apply::Applied;
use super::{Payments, passing};
use crate::model::command::{LEASE, back_off};
use crate::store;
use crate::store::events::EventRow;
use crate::store::reconciliation::DifferenceRow;

/// The job that looks at what an event is about.
pub const APPLY: &str = "payments.event";
/// For how long an event of nothing that we know is tried.
const PATIENCE: Duration = Duration::days(3);
/// And how often at least: after days without a worker, what it is about may lie behind it in the inbox.
const LOOKS: i32 = 12;
/// Between two looks at what is not complete at the provider.
const SOON: Duration = Duration::seconds(15);
/// How far back a sweep begins before the last one.
const OVERLAP: Duration = Duration::hours(2);
/// For how long the provider lists events.
const LISTED: Duration = Duration::days(29);
/// Events are kept for this long after they were applied.
const KEPT: Duration = Duration::days(90);

/// Which endpoint an event came in at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// For the platform's events.
    Platform,
    /// For connected accounts' events.
    Connect,
}

async fn wake(ctx: &Ctx, conn: &mut Conn, id: &str, at: DateTime<Utc>) -> Result<()> {
    let job = NewJob { kind: APPLY, payload: json!({ "event": id }), dedupe_key: None, run_at: Some(at) };
    jobs::enqueue(ctx, conn, job).await?;
    Ok(())
}

/// The body as told, less the secret by which a payer's browser could go on.
fn without_secret(body: String) -> String {
    const SECRET: &str = "client_secret";
    if !body.contains(SECRET) {
        return body;
    }
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(&body) else { return body };
    let object = value.pointer_mut("/data/object").and_then(|object| object.as_object_mut());
    if object.and_then(|object| object.remove(SECRET)).is_some() { value.to_string() } else { body }
}

impl Payments {
    /// Keeps what a webhook brought, if one of the live secrets signed it. The same event again changes nothing.
    ///
    /// # Errors
    /// `malformed_request` when it is not believed or is no event, else the database's failure: the provider sends it
    /// again.
    pub async fn receive(&self, endpoint: Endpoint, signature: &str, body: &[u8]) -> Result<()> {
        let secrets = match endpoint {
            Endpoint::Platform => &self.secrets.platform,
            Endpoint::Connect => &self.secrets.connect,
        };
        let refused = |detail: String| Error::new(Code::MalformedRequest, detail);
        webhook::verify(body, signature, secrets, self.ctx.clock.now()).map_err(|why| {
            metrics::counter!("provider_webhooks_refused_total").increment(1);
            refused(format!("The delivery is not believed: {why}."))
        })?;
        let event = Event::parse(body).map_err(|_| refused("The body is no event.".to_owned()))?;
        let text = std::str::from_utf8(body).map_err(|_| refused("The body is no text.".to_owned()))?;
        if event.id.is_empty() || event.id.len() > 100 || text.contains("\\u0000") {
            return Err(refused("The body is no event.".to_owned()));
        }
        self.ctx
            .db
            .tx(async |conn| {
                self.keep(conn, &event, text.to_owned(), "webhook").await?;
                places::reached("event.keeping").await;
                Ok(())
            })
            .await?;
        places::reached("event.kept").await;
        Ok(())
    }

    async fn keep(&self, conn: &mut Conn, event: &Event, body: String, source: &str) -> Result<()> {
        let now = self.ctx.clock.now();
        let row = EventRow {
            id: event.id.clone(),
            kind: event.kind.clone(),
            account: event.account.clone(),
            object_kind: event.object_kind().map(str::to_owned),
            object: event.object_id().map(str::to_owned),
            body: without_secret(body),
            state: "new".to_owned(),
            source: source.to_owned(),
            attempts: 0,
            next_at: now,
            lease_until: None,
            said_at: DateTime::from_timestamp(event.created, 0).unwrap_or(now),
            received_at: now,
            done_at: None,
        };
        if store::events::insert(conn, &row).await? {
            wake(&self.ctx, conn, &row.id, now).await?;
        }
        Ok(())
    }

    /// Looks at what an event is about, and applies what is so now.
    ///
    /// # Errors
    /// What no later look can cure: the job shows it to staff.
    pub async fn handle(&self, id: &str) -> Result<()> {
        let ctx = &self.ctx;
        let now = ctx.clock.now();
        let claim = async |conn: &mut Conn| Ok(store::events::claim(conn, id, now, now + LEASE).await?);
        let Some(row) = ctx.db.read(claim).await? else { return Ok(()) };
        places::reached("event.claimed").await;
        let applied = match (&row.object_kind, &row.object) {
            (Some(kind), Some(object)) => self.refresh(kind, object, row.account.as_deref()).await,
            _ => Ok(Applied::Ignored),
        };
        places::reached("event.applied").await;
        ctx.db.tx(async |conn| self.after(conn, row.clone(), &applied).await).await?;
        match applied {
            Err(error) if !passing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    async fn after(&self, conn: &mut Conn, mut row: EventRow, applied: &Result<Applied>) -> Result<()> {
        let now = self.ctx.clock.now();
        row.lease_until = None;
        let back_off = back_off(row.attempts, &self.ctx.entropy);
        let again = match applied {
            Ok(Applied::Done) => {
                row.state = "done".to_owned();
                None
            }
            Ok(Applied::Ignored) => {
                row.state = "ignored".to_owned();
                None
            }
            Ok(Applied::NotOurs) if now - row.received_at >= PATIENCE && row.attempts >= LOOKS => {
                row.state = "unmatched".to_owned();
                self.differ(conn, "unmatched_event", &row.id, None).await?;
                None
            }
            Ok(Applied::NotOurs) => Some(now + back_off),
            Ok(Applied::NotYet) => Some(now + back_off.min(SOON)),
            Err(error) if passing(error) => Some(now + back_off),
            // The job's own tries go on, and end where staff see it.
            Err(_) => return Ok(store::events::update(conn, &row).await?),
        };
        match again {
            Some(at) => {
                row.next_at = at;
                wake(&self.ctx, conn, &row.id, at).await?;
            }
            None => row.done_at = Some(now),
        }
        Ok(store::events::update(conn, &row).await?)
    }

    /// Notes that ledger and provider differ, once, and tells the finance staff.
    pub(crate) async fn differ(
        &self,
        conn: &mut Conn,
        kind: &str,
        subject: &str,
        amounts: Option<(i64, i64, String)>,
    ) -> Result<()> {
        let (expected, found, currency) = match amounts {
            Some((expected, found, currency)) => (Some(expected), Some(found), Some(currency)),
            None => (None, None, None),
        };
        let row = DifferenceRow {
            id: self.ctx.ids.uuid(),
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            expected,
            found,
            currency,
            version: 1,
            found_at: self.ctx.clock.now(),
            resolved_at: None,
            resolved_by_id: None,
            reason: None,
        };
        if store::reconciliation::note(conn, &row).await? {
            tracing::error!(kind, subject, "ledger and payment provider differ");
            metrics::counter!("provider_differences_total", "kind" => row.kind.clone()).increment(1);
            let id = assay_kernel::ids::DifferenceId::from_uuid(row.id).to_string();
            let data = json!({ "kind": kind, "about": subject });
            let finance = [Audience::Staff(Permission::Finance)];
            outbox::publish(&self.ctx, conn, "provider_difference.found", id, data, &finance).await?;
        }
        Ok(())
    }

    /// Fetches the events that no webhook brought, wakes what was left lying, and deletes what is old.
    ///
    /// # Errors
    /// `provider_unavailable`, or the database's failure.
    pub async fn sweep(&self) -> Result<()> {
        const CURSOR: &str = "events";
        let ctx = &self.ctx;
        let began = ctx.clock.now();
        let cursor = async |conn: &mut Conn| Ok(store::events::cursor(conn, CURSOR).await?);
        let since = ctx.db.read(cursor).await?.map_or(began - LISTED, |upto| upto - OVERLAP);
        let listing = Listing::events().since(since.timestamp());
        let mut after: Option<String> = None;
        loop {
            let page = self.stripe.page::<Event>(&listing, after.as_deref()).await?;
            ctx.db
                .tx(async |conn| {
                    for event in &page.data {
                        let body = json!({ "id": event.id, "type": event.kind, "account": event.account,
                            "created": event.created, "data": { "object": event.data.object } });
                        self.keep(conn, event, body.to_string(), "sweep").await?;
                    }
                    Ok(())
                })
                .await?;
            places::reached("sweep.page").await;
            after = page.data.last().map(|event| event.id.clone());
            if !page.has_more || after.is_none() {
                break;
            }
        }
        ctx.db
            .tx(async |conn| {
                // What connected accounts say is listed on each of them; what matters of it is asked for instead.
                for (kind, id, account) in store::reconciliation::unfinished_on_accounts(conn).await? {
                    let payload = json!({ "kind": kind, "id": id, "account": account });
                    let job = NewJob { kind: super::apply::REFRESH, payload, dedupe_key: None, run_at: None };
                    jobs::enqueue(ctx, conn, job).await?;
                }
                for id in store::commands::overdue(conn, began - LEASE).await? {
                    super::commands::wake(ctx, conn, id, began).await?;
                }
                for id in store::events::overdue(conn, began - LEASE).await? {
                    wake(ctx, conn, &id, began).await?;
                }
                store::events::delete_old(conn, began - KEPT).await?;
                Ok(store::events::set_cursor(conn, CURSOR, began).await?)
            })
            .await
    }
}
