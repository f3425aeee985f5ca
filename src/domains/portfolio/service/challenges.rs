//! Proof of control: a text in a place where only the owner can put it.

use assay_adapters::github::GithubError;
use assay_kernel::ids::PortfolioItemId;
use assay_kernel::{Actor, Code, Error, Result};
use assay_platform::crypto::base64url;
use assay_platform::db::Conn;
use assay_platform::jobs::{self, NewJob};
use chrono::Duration;
use serde_json::json;
use url::Url;

use super::Portfolio;
use super::imports::tell;
use super::items::{Shown, missing};
use crate::model::item::{Item, Level, Origin};
use crate::model::process::{ChallengePlace, ChallengeState};
use crate::store;
use crate::store::challenges::Challenge;

/// The kind of the job that looks for the file.
pub const JOB: &str = "portfolio.verify";
/// The name of the file.
pub const FILE: &str = "assay-challenge.txt";
/// Longer files are not read.
const LONGEST_FILE: usize = 4_096;

impl Portfolio {
    /// Gives an item a challenge, in place of the one before.
    pub async fn challenge_in(&self, conn: &mut Conn, actor: &Actor, id: PortfolioItemId) -> Result<Shown> {
        let ctx = &self.ctx;
        let now = ctx.clock.now();
        let mut item = store::items::lock(conn, Some(actor.account_id), id).await?.ok_or_else(missing)?;
        let link = challengeable(&item)?;
        let (place, url) = match self.repository_of(&link) {
            Some(_) => {
                let base = link.as_str().trim_end_matches('/').trim_end_matches(".git");
                (ChallengePlace::Repository, format!("{base}/blob/HEAD/{FILE}"))
            }
            None => (ChallengePlace::Site, site_file(&link)?.to_string()),
        };
        let challenge = Challenge {
            item_id: id,
            token: format!("assay-challenge-{}", base64url(&ctx.entropy.bytes::<24>())),
            place,
            url,
            state: ChallengeState::Open,
            failure: None,
            created_at: now,
            expires_at: now + Duration::days(ctx.policy.portfolio.challenge_days),
            asked_at: None,
            checked_at: None,
        };
        store::challenges::put(conn, &challenge).await?;
        item.version = store::items::touch(conn, id, now).await?;
        Ok(Shown { item, challenge: Some(challenge) })
    }

    /// Asks for a look at the place of the challenge.
    pub async fn verify_in(&self, conn: &mut Conn, actor: &Actor, id: PortfolioItemId) -> Result<Shown> {
        let ctx = &self.ctx;
        let now = ctx.clock.now();
        let mut item = store::items::lock(conn, Some(actor.account_id), id).await?.ok_or_else(missing)?;
        challengeable(&item)?;
        let conflict = |detail: &str| Error::new(Code::StateConflict, detail.to_owned());
        let Some(mut challenge) = store::challenges::find(conn, id).await? else {
            return Err(conflict("The item has no challenge yet: ask for one with `challenge`."));
        };
        if challenge.state == ChallengeState::Checking {
            return Ok(Shown { item, challenge: Some(challenge) });
        }
        if challenge.expires_at <= now {
            return Err(conflict("The challenge has expired: ask for another with `challenge`."));
        }
        let pause = Duration::seconds(ctx.policy.portfolio.challenge_pause_seconds);
        if let Some(again) = challenge.asked_at.map(|asked| asked + pause).filter(|again| *again > now) {
            let seconds = u64::try_from((again - now).num_seconds()).unwrap_or(0).saturating_add(1);
            let detail = format!("The place is looked at once in {} seconds at most.", pause.num_seconds());
            return Err(Error::new(Code::LimitReached, detail).with_retry_after(seconds));
        }
        challenge.state = ChallengeState::Checking;
        challenge.failure = None;
        challenge.asked_at = Some(now);
        store::challenges::put(conn, &challenge).await?;
        item.version = store::items::touch(conn, id, now).await?;
        let job = NewJob {
            kind: JOB,
            payload: json!({ "item": id, "token": challenge.token }),
            dedupe_key: Some(format!("{JOB}:{id}:{}", challenge.token)),
            run_at: None,
        };
        jobs::enqueue(ctx, conn, job).await?;
        Ok(Shown { item, challenge: Some(challenge) })
    }

    /// Looks for the file and raises the item when it is there. A challenge that has changed since is left alone.
    pub async fn check_challenge(&self, id: PortfolioItemId, token: &str) -> Result<()> {
        let found = self
            .ctx
            .db
            .read(async |conn| {
                let challenge = store::challenges::find(conn, id).await?;
                let item = store::items::find(conn, id).await?;
                Ok(challenge.zip(item))
            })
            .await?;
        let asked =
            |challenge: &Challenge| challenge.token == token && challenge.state == ChallengeState::Checking;
        let Some((challenge, item)) = found.filter(|(challenge, _)| asked(challenge)) else { return Ok(()) };
        let looked = match challenge.place {
            ChallengePlace::Site => self.look_at_site(&challenge).await,
            ChallengePlace::Repository => self.look_at_repository(&item).await?,
        };
        let looked = looked.and_then(|text| match text.trim() == challenge.token {
            true => Ok(()),
            false => Err("The file is there, but its text is not the challenge.".to_owned()),
        });
        self.ctx
            .db
            .tx(async |conn| {
                let Some(item) = store::items::lock(conn, None, id).await? else { return Ok(()) };
                let Some(challenge) = store::challenges::find(conn, id).await?.filter(asked) else {
                    return Ok(());
                };
                self.settle(conn, &item, challenge, looked.clone()).await
            })
            .await
    }

    async fn settle(
        &self,
        conn: &mut Conn,
        item: &Item,
        mut challenge: Challenge,
        looked: Result<(), String>,
    ) -> Result<()> {
        let ctx = &self.ctx;
        let now = ctx.clock.now();
        challenge.checked_at = Some(now);
        challenge.state = if looked.is_ok() { ChallengeState::Met } else { ChallengeState::Failed };
        challenge.failure = looked.err();
        store::challenges::put(conn, &challenge).await?;
        let (kind, data) = match &challenge.failure {
            None => {
                let what = format!("The challenge was found at {}.", challenge.url);
                store::items::verify(conn, item.id, &what, now).await?;
                ("portfolio.item_verified", json!({ "url": challenge.url }))
            }
            Some(failure) => {
                store::items::touch(conn, item.id, now).await?;
                ("portfolio.challenge_failed", json!({ "failure": failure }))
            }
        };
        tell(ctx, conn, item.account_id, kind, item.id.to_string(), data).await
    }

    async fn look_at_site(&self, challenge: &Challenge) -> Result<String, String> {
        let url = Url::parse(&challenge.url).map_err(|_| "The link cannot be read.".to_owned())?;
        self.sites.text(&url).await.map_err(|error| format!("The file was not found: {error}."))
    }

    /// The outer failure is ours or passing, and the queue tries again.
    async fn look_at_repository(&self, item: &Item) -> Result<Result<String, String>> {
        let link = item.url.as_deref().and_then(|url| Url::parse(url).ok());
        let Some((owner, name)) = link.and_then(|link| self.repository_of(&link)) else {
            return Ok(Err("The link leads to no repository.".to_owned()));
        };
        let account = item.account_id;
        let token = self
            .ctx
            .db
            .read(async |conn| assay_identity::github_token(&self.ctx, conn, account).await)
            .await?;
        let api = token.map_or_else(|| self.github.anonymous(), |token| self.github.signed_in(&token));
        let repo = match api.repo(&owner, &name, None).await {
            Ok(fetched) => fetched.into_value(),
            Err(error) => return refused(error),
        };
        if repo.is_none_or(|repo| repo.private) {
            return Ok(Err("The repository is not public.".to_owned()));
        }
        match api.root_file(&owner, &name, FILE, LONGEST_FILE).await {
            Ok(Some(text)) => Ok(Ok(text)),
            Ok(None) => Ok(Err("The file is not a short text.".to_owned())),
            Err(error) => refused(error),
        }
    }
}

fn refused(error: GithubError) -> Result<Result<String, String>> {
    match error {
        GithubError::NotFound { .. } => Ok(Err("GitHub has no such file or repository.".to_owned())),
        GithubError::Forbidden { .. } => Ok(Err("GitHub does not allow the look.".to_owned())),
        GithubError::Unauthorized => {
            Ok(Err("GitHub no longer accepts the authorisation. Sign in with GitHub again.".to_owned()))
        }
        passing => Err(passing.into()),
    }
}

/// The link of an item for which control can still be shown.
fn challengeable(item: &Item) -> Result<Url> {
    let conflict = |detail: &str| Error::new(Code::StateConflict, detail.to_owned());
    if item.level != Level::Claimed || item.origin != Origin::Person {
        return Err(conflict("The item is verified already."));
    }
    item.url
        .as_deref()
        .and_then(|url| Url::parse(url).ok())
        .ok_or_else(|| conflict("The item has no link at which control could be shown."))
}

/// Where the file goes on the site of a link.
fn site_file(link: &Url) -> Result<Url> {
    let mut url = link.clone();
    url.set_path(&format!("/.well-known/{FILE}"));
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}
