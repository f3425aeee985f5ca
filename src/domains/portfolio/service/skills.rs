//! Skills of people: derived, and corrected by them.

use std::collections::BTreeSet;

use assay_kernel::{Actor, Result};
use serde_json::json;

use super::Portfolio;
use super::imports::tell;
use crate::store;
use crate::store::skills::SkillRow;

/// The skills of a person, removed ones too, with the version of the whole.
#[derive(Debug)]
pub struct Skills {
    pub rows: Vec<(SkillRow, String)>,
    pub version: i64,
}

impl Portfolio {
    /// The caller's skills.
    pub async fn get_skills(&self, actor: &Actor) -> Result<Skills> {
        self.ctx
            .db
            .read(async |conn| {
                let version = store::portfolios::find(conn, actor.account_id).await?.version;
                Ok(Skills { rows: store::skills::all(conn, actor.account_id).await?, version })
            })
            .await
    }

    /// Makes the caller's skills exactly those: what is new is claimed, what is missing is removed and stays so.
    pub async fn put_skills(
        &self,
        actor: &Actor,
        given: &[String],
        seen: impl Fn(i64) -> Result<()>,
    ) -> Result<Skills> {
        let wanted: BTreeSet<String> = self.known_skills(given, "/skills")?.into_iter().collect();
        let account = actor.account_id;
        self.ctx
            .db
            .tx(async |conn| {
                let now = self.ctx.clock.now();
                // Before the first import there is no row, and its version reads as 0.
                let shown = store::portfolios::find(conn, account).await?.version;
                let locked = store::portfolios::lock(conn, account, now).await?;
                seen(if shown == 0 && locked == 1 { 0 } else { locked })?;
                let mut missing = wanted.clone();
                for (before, _) in store::skills::all(conn, account).await? {
                    let mut row = before.clone();
                    let is_wanted = missing.remove(&row.skill);
                    row.claimed = is_wanted && !row.derived;
                    row.removed = !is_wanted && (row.derived || row.removed);
                    if !row.is_needed() {
                        store::skills::delete(conn, &row).await?;
                    } else if row != before {
                        row.updated_at = now;
                        store::skills::put(conn, &row).await?;
                    }
                }
                for skill in missing {
                    let row = SkillRow { claimed: true, ..SkillRow::new(account, &skill, now) };
                    store::skills::put(conn, &row).await?;
                }
                let version = locked + 1;
                store::portfolios::put_version(conn, account, version, now).await?;
                let data = json!({ "count": wanted.len() });
                tell(&self.ctx, conn, account, "portfolio.skills_changed", account.to_string(), data).await?;
                Ok(Skills { rows: store::skills::all(conn, account).await?, version })
            })
            .await
    }
}
