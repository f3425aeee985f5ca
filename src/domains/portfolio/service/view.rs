//! Portfolios as others see them, and one's own in sum.

use assay_kernel::ids::{AccountId, PortfolioItemId};
use assay_kernel::{Actor, Error, Result};

use super::Portfolio;
use super::items::{Shown, with_challenges};
use crate::policy;
use crate::store;
use crate::store::items::Which;
use crate::store::portfolios::Kept;
use crate::store::skills::SkillRow;

/// A developer's portfolio as the caller may see it.
#[derive(Debug)]
pub struct Seen {
    /// What only the person themselves and reviewers see.
    pub kept: Option<Kept>,
    /// Signs of gaming are for reviewers.
    pub shows_flags: bool,
    pub items: Vec<Shown>,
    pub skills: Vec<(SkillRow, String)>,
}

impl Portfolio {
    /// The caller's own portfolio in sum, with the number of items that are not withdrawn.
    pub async fn get_portfolio(&self, actor: &Actor) -> Result<(Kept, i64)> {
        self.ctx
            .db
            .read(async |conn| {
                let kept = store::portfolios::find(conn, actor.account_id).await?;
                Ok((kept, store::items::count(conn, actor.account_id).await?))
            })
            .await
    }

    /// A developer's portfolio as the caller may see it: everything for reviewers and the person, else what was made
    /// public. Who has made nothing public is as good as nobody.
    pub async fn get_developer(
        &self,
        actor: &Actor,
        account: AccountId,
        before: Option<PortfolioItemId>,
        limit: i64,
    ) -> Result<Seen> {
        let (all, flags) = (policy::sees_all(actor, account), policy::sees_flags(actor, account));
        let missing = || Error::not_found("portfolio");
        self.ctx
            .db
            .read(async |conn| {
                if !store::items::is_developer(conn, account).await? {
                    return Err(missing());
                }
                let which = Which { only_public: !all, ..Which::default() };
                let items = store::items::list(conn, account, which, before, limit).await?;
                if !all && items.is_empty() && before.is_none() {
                    return Err(missing());
                }
                let mut skills = store::skills::all(conn, account).await?;
                skills.retain(|(row, _)| !row.removed);
                let kept = match all {
                    true => Some(store::portfolios::find(conn, account).await?),
                    false => None,
                };
                let items = with_challenges(conn, items).await?;
                Ok(Seen { kept, shows_flags: flags, items, skills })
            })
            .await
    }
}
