//! Everything that is held about a person: shown, and deleted.

use assay_kernel::ids::AccountId;
use assay_platform::db::schema::{
    portfolio_contributions, portfolio_etags, portfolio_imports, portfolio_items, portfolio_skills,
    portfolios,
};
use assay_platform::db::{Conn, DbResult};
use diesel::prelude::*;
use diesel::sql_types::{Jsonb, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

assay_platform::statement! {
    /// Everything about a person as one document.
    struct Export(account: Uuid as SqlUuid) -> (Jsonb);
    "SELECT jsonb_build_object(
        'portfolio', (SELECT to_jsonb(p) - 'flags' FROM portfolios p WHERE p.account_id = a.id),
        'imports', (SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.id), '[]') FROM portfolio_imports i
            WHERE i.account_id = a.id),
        'items', (SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.id), '[]') FROM portfolio_items i
            WHERE i.account_id = a.id),
        'contributions', (SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.at), '[]') FROM portfolio_contributions c
            WHERE c.account_id = a.id),
        'skills', (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.skill), '[]') FROM portfolio_skills s
            WHERE s.account_id = a.id))
     FROM (SELECT {}::uuid AS id) a"
}

/// Everything about a person, but for signs of gaming, which are the reviewers'.
pub async fn export(conn: &mut Conn, account: AccountId) -> DbResult<Value> {
    let (document,): (Value,) = Export { account: account.uuid() }.get_result(conn).await?;
    Ok(document)
}

macro_rules! delete {
    ($($(#[$doc:meta])* $name:ident from $table:ident;)*) => {$(
        $(#[$doc])*
        pub async fn $name(conn: &mut Conn, account: AccountId) -> DbResult<usize> {
            let of_person = $table::table.filter($table::account_id.eq(account.uuid()));
            Ok(diesel::delete(of_person).execute(conn).await?)
        }
    )*};
}

delete! {
    /// Deletes the person's items, with their challenges.
    delete_items from portfolio_items;
    /// Deletes the person's pull requests.
    delete_contributions from portfolio_contributions;
    /// Deletes the validators of what was read.
    delete_etags from portfolio_etags;
    /// Deletes the person's skills.
    delete_skills from portfolio_skills;
    /// Deletes the person's imports; a worker on one of them finds that it has lost it.
    delete_imports from portfolio_imports;
    /// Deletes what is kept once a person.
    delete_portfolio from portfolios;
}
