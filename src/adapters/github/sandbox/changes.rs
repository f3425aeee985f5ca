//! What happens to repositories after the start of the sandbox: how tests and demonstrations make them vanish, turn
//! private, be pushed to, and hold files.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::payload;
use super::state::State;
use super::world::Found;

/// `POST /_sandbox/repositories`: a member that is not given stays as it was.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    full_name: String,
    gone: Option<bool>,
    private: Option<bool>,
    exposed: Option<bool>,
    template: Option<bool>,
    mirror: Option<bool>,
    archived: Option<bool>,
    #[serde(default)]
    pushed: bool,
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// What has become of a repository.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    /// Deleted.
    pub gone: bool,
    /// Seen by nobody but its owner's tokens with the scope `repo`, which the sandbox does not give out.
    pub private: bool,
    /// Private, but shown all the same, as a client must be ready for.
    pub exposed: bool,
    pub template: Option<bool>,
    pub mirror: bool,
    pub archived: Option<bool>,
    pub pushed: Option<DateTime<Utc>>,
    /// Files at the root of the default branch.
    pub files: BTreeMap<String, String>,
}

impl Change {
    /// May strangers see it?
    pub fn is_visible(&self) -> bool {
        !self.gone && !self.private
    }
}

pub(super) async fn order(state: Data<State>, order: Json<Order>) -> HttpResponse {
    let order = order.into_inner();
    let name = order.full_name.split_once('/');
    let Some(Found::Here(repo)) = name.map(|(owner, name)| state.world.repo(owner, name)) else {
        return HttpResponse::NotFound().json(payload::error(404, "Not Found", "rest"));
    };
    let now = state.clock.now();
    let mut memory = state.memory();
    let change = memory.changes.entry(repo.id).or_default();
    for (told, kept) in [
        (order.gone, &mut change.gone),
        (order.private, &mut change.private),
        (order.exposed, &mut change.exposed),
    ] {
        *kept = told.unwrap_or(*kept);
    }
    change.mirror = order.mirror.unwrap_or(change.mirror);
    change.template = order.template.or(change.template);
    change.archived = order.archived.or(change.archived);
    if order.pushed {
        change.pushed = Some(now);
    }
    change.files.extend(order.files);
    HttpResponse::NoContent().finish()
}
