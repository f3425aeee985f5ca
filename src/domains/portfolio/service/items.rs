//! What people do with their items.

use assay_kernel::ids::PortfolioItemId;
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::db::Conn;
use assay_platform::input;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;
use validator::Validate;

use assay_kernel::text::Text;

use super::Portfolio;
use super::imports::tell;
use crate::model::item::{Item, ItemKind, Level, Origin};
use crate::store;
use crate::store::challenges::Challenge;
use crate::store::items::Which;

/// An item with its challenge.
#[derive(Clone, Debug)]
pub struct Shown {
    pub item: Item,
    pub challenge: Option<Challenge>,
}

/// An item that the person tells of.
#[derive(Debug)]
pub struct NewItem {
    pub kind: ItemKind,
    pub title: String,
    pub url: Option<String>,
    pub description: Option<String>,
    pub role: Option<String>,
    pub note: Option<String>,
    pub skills: Vec<String>,
    pub started_on: Option<NaiveDate>,
    pub ended_on: Option<NaiveDate>,
    pub is_public: bool,
}

/// What a person decides about any item of theirs; the document that a merge patch applies to.
#[derive(Debug, Serialize, Deserialize, Validate, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemChoices {
    /// May everybody who is signed in see it?
    #[serde(default)]
    pub public: bool,
    /// What the person says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[validate(length(max = 2000), custom(function = "assay_kernel::text::prose"))]
    #[schema(value_type = Option<String>, max_length = 2000, example = "I wrote the incremental part.")]
    pub note: Option<Text>,
    /// Skills it shows: slugs, names or aliases.
    #[serde(default)]
    #[validate(length(max = 20))]
    #[schema(max_items = 20, example = json!(["rust", "postgresql"]))]
    pub skills: Vec<String>,
}

impl Portfolio {
    /// Items of the caller, newest first, with their challenges.
    pub async fn list_items(
        &self,
        actor: &Actor,
        which: Which<'_>,
        before: Option<PortfolioItemId>,
        limit: i64,
    ) -> Result<Vec<Shown>> {
        self.ctx
            .db
            .read(async |conn| {
                let items = store::items::list(conn, actor.account_id, which, before, limit).await?;
                with_challenges(conn, items).await
            })
            .await
    }

    /// An item of the caller.
    pub async fn get_item(&self, actor: &Actor, id: PortfolioItemId) -> Result<Shown> {
        self.ctx
            .db
            .read(async |conn| {
                let item = store::items::find_own(conn, actor.account_id, id).await?.ok_or_else(missing)?;
                let challenge = store::challenges::find(conn, id).await?;
                Ok(Shown { item, challenge })
            })
            .await
    }

    /// Adds an item that the caller tells of, at the level `claimed`.
    pub async fn add_item_in(&self, conn: &mut Conn, actor: &Actor, new: &NewItem) -> Result<Shown> {
        let ctx = &self.ctx;
        let now = ctx.clock.now();
        self.check_item(new)?;
        let skills = self.known_skills(&new.skills, "/skills")?;
        // The person's row is the lock under which their items are counted.
        store::portfolios::lock(conn, actor.account_id, now).await?;
        let most = ctx.policy.portfolio.max_own_items;
        if store::items::count_own(conn, actor.account_id).await? >= most {
            let detail = format!("A portfolio holds {most} items added by hand at most; delete one first.");
            return Err(Error::new(Code::LimitReached, detail));
        }
        let item = Item {
            id: ctx.ids.id(),
            account_id: actor.account_id,
            kind: new.kind,
            level: Level::Claimed,
            origin: Origin::Person,
            source_key: None,
            url: new.url.clone(),
            title: new.title.clone(),
            description: new.description.clone(),
            role: new.role.clone(),
            note: new.note.clone(),
            skills,
            started_on: new.started_on,
            ended_on: new.ended_on,
            marks: Vec::new(),
            computed: json!({}),
            is_public: new.is_public,
            observed_at: now,
            withdrawn: None,
            verified: None,
            created_at: now,
            version: 1,
        };
        store::items::insert(conn, &item).await?;
        let data = json!({ "kind": item.kind });
        tell(ctx, conn, actor.account_id, "portfolio.item_added", item.id.to_string(), data).await?;
        Ok(Shown { item, challenge: None })
    }

    fn check_item(&self, new: &NewItem) -> Result<()> {
        let mut faults = assay_kernel::error::FieldErrors::new();
        let own = matches!(new.kind, ItemKind::Website | ItemKind::Manual | ItemKind::Repository);
        faults.check(own, "/kind", "not_allowed", "only an import makes items of this kind");
        match new.url.as_deref().map(Url::parse) {
            None if new.kind == ItemKind::Manual => {}
            None => faults.push("/url", "required", "an item of this kind needs a link"),
            Some(Ok(url)) if self.sites.check(&url).is_ok() => {
                let named = new.kind != ItemKind::Repository || self.repository_of(&url).is_some();
                faults.check(named, "/url", "invalid_format", "must lead to a repository at GitHub");
            }
            Some(_) => faults.push(
                "/url",
                "invalid_format",
                "must be an https link with a host name, on the standard port and without credentials",
            ),
        }
        let today = self.ctx.clock.now().date_naive();
        let earliest = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap_or(today);
        for (date, pointer) in [(new.started_on, "/started_on"), (new.ended_on, "/ended_on")] {
            let fine = date.is_none_or(|date| (earliest..=today).contains(&date));
            faults.check(fine, pointer, "out_of_range", "must be between 1970-01-01 and today");
        }
        let ordered = new.started_on.zip(new.ended_on).is_none_or(|(start, end)| start <= end);
        faults.check(ordered, "/ended_on", "inconsistent", "must not be before `started_on`");
        faults.finish()
    }

    /// `owner` and `name` of a repository at GitHub that the link leads to.
    pub(super) fn repository_of(&self, url: &Url) -> Option<(String, String)> {
        if url.origin() != self.github_web.origin() {
            return None;
        }
        let mut segments = url.path_segments()?;
        match (segments.next(), segments.next(), segments.next()) {
            (Some(owner), Some(name), None | Some("")) if !owner.is_empty() && !name.is_empty() => {
                Some((owner.to_owned(), name.trim_end_matches(".git").to_owned()))
            }
            _ => None,
        }
    }

    /// Changes visibility, note and skills of an item of the caller.
    pub async fn update_item(
        &self,
        actor: &Actor,
        id: PortfolioItemId,
        patch: &Map<String, Value>,
        seen: impl Fn(i64) -> Result<()>,
    ) -> Result<Shown> {
        self.ctx
            .db
            .tx(async |conn| {
                let mut item =
                    store::items::lock(conn, Some(actor.account_id), id).await?.ok_or_else(missing)?;
                seen(item.version)?;
                let present = ItemChoices {
                    public: item.is_public,
                    note: item.note.as_deref().map(Text::new),
                    skills: item.skills.clone(),
                };
                let choices: ItemChoices = input::merge(&present, patch)?;
                item.is_public = choices.public;
                item.note = choices.note.map(Text::into_string).filter(|note| !note.is_empty());
                item.skills = self.known_skills(&choices.skills, "/skills")?;
                item.version += 1;
                store::items::update_own(conn, &item, self.ctx.clock.now()).await?;
                let challenge = store::challenges::find(conn, id).await?;
                Ok(Shown { item, challenge })
            })
            .await
    }

    /// Deletes an item that the caller had told of.
    pub async fn delete_item(
        &self,
        actor: &Actor,
        id: PortfolioItemId,
        seen: impl Fn(i64) -> Result<()>,
    ) -> Result<()> {
        self.ctx
            .db
            .tx(async |conn| {
                let item = store::items::lock(conn, Some(actor.account_id), id).await?.ok_or_else(missing)?;
                seen(item.version)?;
                if item.origin != Origin::Person {
                    let detail = "What an import found cannot be deleted; it can be hidden: `public` false.";
                    return Err(Error::new(Code::StateConflict, detail));
                }
                store::items::delete(conn, id).await?;
                let data = json!({ "kind": item.kind });
                tell(&self.ctx, conn, actor.account_id, "portfolio.item_deleted", id.to_string(), data).await
            })
            .await
    }
}

pub(super) async fn with_challenges(conn: &mut Conn, items: Vec<Item>) -> Result<Vec<Shown>> {
    let ids: Vec<PortfolioItemId> =
        items.iter().filter(|item| item.origin == Origin::Person).map(|item| item.id).collect();
    let mut challenges = if ids.is_empty() { Vec::new() } else { store::challenges::of(conn, &ids).await? };
    Ok(items
        .into_iter()
        .map(|item| {
            let place = challenges.iter().position(|challenge| challenge.item_id == item.id);
            Shown { challenge: place.map(|place| challenges.swap_remove(place)), item }
        })
        .collect())
}

pub(super) fn missing() -> Error {
    Error::not_found("portfolio item")
}
