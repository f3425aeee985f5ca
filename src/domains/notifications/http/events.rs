//! The event feed.

use actix_web::get;
use actix_web::web::Data;
use assay_kernel::Limit;
use assay_kernel::ids::EventId;
use assay_platform::Ctx;
use assay_platform::outbox::Event;
use assay_platform::web::{Auth, Outcome, Query, Reader, Reply, Routes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::service;

pub fn routes(routes: &mut Routes<'_>) {
    routes.service(list_events);
}

/// A place in the feed.
#[derive(Clone, Copy, Debug, Default)]
struct After(i64);

impl<'de> Deserialize<'de> for After {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            after if after >= 0 => Ok(Self(after)),
            _ => Err(de::Error::custom("after must not be negative")),
        }
    }
}

/// Which events to read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListEvents {
    /// `next_after` of the answer before; 0 to begin with the oldest event kept.
    #[serde(default)]
    #[param(value_type = i64, minimum = 0, default = 0)]
    after: After,
    /// How many events at most.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
struct EventView {
    /// The event's id.
    #[schema(value_type = String, example = "evt_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    id: EventId,
    /// Its number: strictly increasing. A number never appears below one already read.
    #[schema(minimum = 1, example = 17)]
    seq: i64,
    /// What happened: a noun and a verb.
    #[schema(example = "approval.granted")]
    kind: String,
    /// To what: a prefixed id.
    #[schema(example = "apv_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")]
    subject: String,
    /// Particulars.
    #[schema(value_type = Object)]
    data: Value,
    /// When it happened.
    occurred_at: DateTime<Utc>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            id: event.id(),
            seq: event.seq,
            kind: event.kind,
            subject: event.subject,
            data: event.data,
            occurred_at: event.occurred_at,
        }
    }
}

/// A stretch of the feed.
#[derive(Debug, Serialize, ToSchema)]
struct EventList {
    /// The events, oldest first.
    data: Vec<EventView>,
    /// Give this as `after` to read on; the same number as before when there is nothing new.
    #[schema(minimum = 0, example = 17)]
    next_after: i64,
}

/// Reads the event feed.
///
/// Events about the caller's account, the organisations they belong to, and, for staff, the work of their permissions.
/// Keep `next_after` and ask again to follow the feed: nothing is missed and nothing comes twice. Events are kept for
/// 90 days.
#[utoipa::path(
    tag = "events",
    params(ListEvents),
    responses((status = 200, description = "Events after the given number.", body = EventList)),
    extensions(("x-access" = json!("reader")))
)]
#[get("/v1/events")]
async fn list_events(ctx: Data<Ctx>, caller: Auth<Reader>, query: Query<ListEvents>) -> Outcome {
    let ListEvents { after: After(after), limit } = query.0;
    let most = i64::try_from(limit.get()).unwrap_or(i64::MAX);
    let events = service::read_events(&ctx, &caller, after, most).await?;
    let next_after = events.last().map_or(after, |event| event.seq);
    Ok(Reply::ok(&EventList { data: events.into_iter().map(EventView::from).collect(), next_after })?)
}
