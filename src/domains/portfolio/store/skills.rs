//! Skills of people.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::{portfolio_skills, skills};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::skills::Derived;

/// A skill of the person.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, PartialEq, Eq)]
#[diesel(table_name = portfolio_skills, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct SkillRow {
    pub account_id: Uuid,
    pub skill: String,
    pub derived: bool,
    pub claimed: bool,
    pub removed: bool,
    pub share_bps: Option<i32>,
    pub repositories: i32,
    pub pull_requests: i32,
    pub evidence: Vec<Uuid>,
    pub updated_at: DateTime<Utc>,
}

impl SkillRow {
    /// A skill about which nothing is known.
    pub fn new(account: AccountId, skill: &str, now: DateTime<Utc>) -> Self {
        Self {
            account_id: account.uuid(),
            skill: skill.to_owned(),
            derived: false,
            claimed: false,
            removed: false,
            share_bps: None,
            repositories: 0,
            pull_requests: 0,
            evidence: Vec::new(),
            updated_at: now,
        }
    }

    /// Takes over (or, with none, takes away) what follows from evidence.
    pub fn derive(&mut self, derived: Option<Derived>) {
        self.derived = derived.is_some();
        let known = derived.unwrap_or(Derived {
            skill: String::new(),
            share_bps: None,
            repositories: 0,
            pull_requests: 0,
            evidence: Vec::new(),
        });
        self.share_bps = known.share_bps;
        self.repositories = known.repositories;
        self.pull_requests = known.pull_requests;
        self.evidence = known.evidence;
    }

    /// Does anything still speak for keeping the row?
    pub fn is_needed(&self) -> bool {
        self.derived || self.claimed || self.removed
    }
}

/// The person's skills with their names, removed ones too, by slug.
pub async fn all(conn: &mut Conn, account: AccountId) -> DbResult<Vec<(SkillRow, String)>> {
    Ok(portfolio_skills::table
        .inner_join(skills::table)
        .filter(portfolio_skills::account_id.eq(account.uuid()))
        .order(portfolio_skills::skill)
        .select((SkillRow::as_select(), skills::name))
        .load(conn)
        .await?)
}

/// Adds a skill or writes it anew.
pub async fn put(conn: &mut Conn, row: &SkillRow) -> DbResult<()> {
    diesel::insert_into(portfolio_skills::table)
        .values(row)
        .on_conflict((portfolio_skills::account_id, portfolio_skills::skill))
        .do_update()
        .set(row)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes a skill of which nothing is left to keep.
pub async fn delete(conn: &mut Conn, row: &SkillRow) -> DbResult<()> {
    diesel::delete(portfolio_skills::table.find((row.account_id, &row.skill))).execute(conn).await?;
    Ok(())
}
