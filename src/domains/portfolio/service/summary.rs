//! The end of an import: signals, signs of gaming and skills from everything that is stored. No network call.

use std::collections::{BTreeMap, HashMap};

use assay_kernel::ids::AccountId;
use assay_kernel::process::Who;
use assay_kernel::{Error, Result};
use assay_platform::db::Conn;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

use super::imports::tell;
use super::run::Run;
use super::steps::contribution_key;
use super::{Portfolio, count};
use crate::model::facts::{ContributionFact, Facts, RepositoryFact};
use crate::model::item::{Item, ItemKind};
use crate::model::process::{COMPLETE, IMPORT};
use crate::model::{formula, gaming, skills};
use crate::store;
use crate::store::observed::Observed;
use crate::store::portfolios::Outcome;
use crate::store::skills::SkillRow;

/// The key of the one item about reviews.
const REVIEWS_KEY: &str = "github:reviews";

/// Items with their numbers, read.
struct Evidence {
    repositories: Vec<(Uuid, RepositoryFact)>,
    contributions: Vec<(Uuid, ContributionFact)>,
}

fn read<T: DeserializeOwned>(item: &Item) -> Result<T> {
    serde_json::from_value(item.computed.clone()).map_err(Error::internal)
}

impl Evidence {
    fn of(items: &[Item]) -> Result<Self> {
        let mut evidence = Self { repositories: Vec::new(), contributions: Vec::new() };
        for item in items {
            match item.kind {
                ItemKind::Repository => {
                    let fact = RepositoryFact { marks: item.marks.clone(), ..read(item)? };
                    evidence.repositories.push((item.id.uuid(), fact));
                }
                ItemKind::PullRequestContribution => {
                    evidence.contributions.push((item.id.uuid(), read(item)?));
                }
                _ => {}
            }
        }
        Ok(evidence)
    }
}

impl Portfolio {
    /// Computes and completes, in one transaction.
    pub(super) async fn summarise(&self, run: &Run) -> Result<()> {
        self.ctx.db.tx(async |conn| self.summarise_in(conn, run).await).await
    }

    async fn summarise_in(&self, conn: &mut Conn, run: &Run) -> Result<()> {
        let ctx = &self.ctx;
        let now = ctx.clock.now();
        let account = run.import.account_id;
        let seen = run.import.version;
        if store::imports::lock_version(conn, run.import.id).await? != Some(seen) {
            return Ok(());
        }
        let version = store::portfolios::lock(conn, account, now).await? + 1;
        let kept = store::portfolios::find(conn, account).await?;
        let profile = kept.profile.ok_or_else(|| Error::internal("an import without a profile"))?;

        self.observe_reviews(conn, run, now).await?;
        let mut items = store::items::imported(conn, account).await?;
        let withdrawn = withdraw_moved(conn, account, &mut items, now).await?;
        let evidence = Evidence::of(&items)?;
        let merged_at = store::contributions::merged_at(conn, account).await?;
        let facts = Facts {
            account_created_at: profile.created_at,
            observed_at: now,
            repositories: evidence.repositories.iter().map(|(_, fact)| fact.clone()).collect(),
            contributions: evidence.contributions.iter().map(|(_, fact)| fact.clone()).collect(),
            reviews: store::contributions::reviews(conn, account).await?,
            merged_at,
        };
        let signals = formula::signals(&facts);
        let flags = gaming::flags(&facts);
        self.derive_skills(conn, account, &evidence, now).await?;

        let searched_at = run.import.started_at.unwrap_or(now);
        let full = searched_fully(run, kept.fully_searched_at, self.ctx.policy.portfolio.full_search_days);
        let outcome = Outcome {
            signals: &signals,
            flags: &flags,
            searched_at,
            fully_searched_at: full.then_some(searched_at),
            version,
        };
        store::portfolios::put_outcome(conn, account, &outcome, now).await?;

        let mut import = run.import.clone();
        import.state = IMPORT.transition(import.state.as_str(), COMPLETE, &[Who::System])?.to.parse()?;
        import.progress.counts.withdrawn += withdrawn;
        import.resumes_at = None;
        import.progressed_at = now;
        import.finished_at = Some(now);
        import.version += 1;
        store::imports::update(conn, &import, seen).await?;
        let data = json!({ "counts": import.progress.counts, "points": signals.points });
        tell(ctx, conn, account, "portfolio.import_completed", import.id.to_string(), data).await
    }

    async fn observe_reviews(&self, conn: &mut Conn, run: &Run, now: DateTime<Utc>) -> Result<()> {
        let account = run.import.account_id;
        let reviews = store::contributions::reviews(conn, account).await?;
        if reviews.reviewed == 0 {
            return Ok(());
        }
        let observed = Observed {
            id: self.ctx.ids.uuid(),
            kind: ItemKind::ReviewActivity.as_str(),
            source_key: REVIEWS_KEY.to_owned(),
            url: self.github_web.to_string(),
            title: format!("{} reviewed pull requests of others", reviews.reviewed),
            description: None,
            marks: Vec::new(),
            computed: super::json(&reviews)?,
            proof: "GitHub names the person as reviewer.",
        };
        store::observed::upsert(conn, account, run.import.id, now, vec![observed]).await?;
        Ok(())
    }

    /// Brings the person's skills up to what the evidence shows. What they added or removed stays so.
    async fn derive_skills(
        &self,
        conn: &mut Conn,
        account: AccountId,
        evidence: &Evidence,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let repositories: Vec<_> = evidence.repositories.iter().map(|(id, fact)| (*id, fact)).collect();
        let contributions: Vec<_> = evidence.contributions.iter().map(|(id, fact)| (*id, fact)).collect();
        let resolve = |name: &str| self.taxonomy.resolve(name).map(|skill| skill.slug.clone());
        let derived = skills::derive(&repositories, &contributions, resolve);
        let mut derived: BTreeMap<String, skills::Derived> =
            derived.into_iter().map(|derived| (derived.skill.clone(), derived)).collect();
        for (before, _) in store::skills::all(conn, account).await? {
            let mut row = before.clone();
            row.derive(derived.remove(&before.skill));
            if !row.is_needed() {
                store::skills::delete(conn, &row).await?;
            } else if row != before {
                row.updated_at = now;
                store::skills::put(conn, &row).await?;
            }
        }
        for (slug, found) in derived {
            let mut row = SkillRow::new(account, &slug, now);
            row.derive(Some(found));
            store::skills::put(conn, &row).await?;
        }
        Ok(())
    }
}

/// Did the import search from the beginning, and not only for what is new?
fn searched_fully(run: &Run, last_full: Option<DateTime<Utc>>, days: i64) -> bool {
    let started = run.import.started_at.unwrap_or(run.import.requested_at);
    last_full.is_none_or(|full| full < started - chrono::Duration::days(days))
}

/// Withdraws items about repositories in which no pull request of the person is known any more: a renamed repository
/// has an item of its own.
async fn withdraw_moved(
    conn: &mut Conn,
    account: AccountId,
    items: &mut Vec<Item>,
    now: DateTime<Utc>,
) -> Result<u64> {
    let groups = store::contributions::groups(conn, account).await?;
    let known: HashMap<String, ()> = groups.iter().map(|group| (contribution_key(&group.0), ())).collect();
    let is_moved = |item: &Item| {
        item.kind == ItemKind::PullRequestContribution
            && item.source_key.as_ref().is_some_and(|key| !known.contains_key(key))
    };
    let mut withdrawn = 0;
    for key in items.iter().filter(|item| is_moved(item)).filter_map(|item| item.source_key.as_deref()) {
        let why = "Its pull requests are in a repository of another name now.";
        withdrawn += count(store::observed::withdraw(conn, account, key, why, now).await?);
    }
    items.retain(|item| !is_moved(item));
    Ok(withdrawn)
}
