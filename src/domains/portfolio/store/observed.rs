//! What imports write: many rows a statement, each found again under its key.

use assay_kernel::ids::{AccountId, PortfolioImportId};
use assay_platform::db::schema::{portfolio_etags, portfolio_items};
use assay_platform::db::{Conn, DbResult};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

/// An object as GitHub shows it.
#[derive(Clone, Debug)]
pub struct Observed {
    pub id: Uuid,
    pub kind: &'static str,
    pub source_key: String,
    pub url: String,
    pub title: String,
    pub description: Option<String>,
    pub marks: Vec<&'static str>,
    /// Members that were observed now; others that are stored stay.
    pub computed: Value,
    /// What shows that it is the person's.
    pub proof: &'static str,
}

assay_platform::statement! {
    /// Adds objects or renews them under their keys.
    struct Upsert(
        account: Uuid as SqlUuid, import: Uuid as SqlUuid, now: DateTime<Utc> as Timestamptz,
        ids: Vec<Uuid> as Array<SqlUuid>, kinds: Vec<&'static str> as Array<Text>, keys: Vec<String> as Array<Text>,
        urls: Vec<String> as Array<Text>, titles: Vec<String> as Array<Text>,
        descriptions: Vec<Option<String>> as Array<Nullable<Text>>, marks: Vec<String> as Array<Text>,
        computed: Vec<Value> as Array<Jsonb>, proofs: Vec<&'static str> as Array<Text>,
    ) -> ();
    "INSERT INTO portfolio_items (account_id, seen_by, observed_at, verified_at, created_at, updated_at, id, kind, level,
        origin, source_key, url, title, description, marks, computed, verified_what)
     SELECT given.account, given.import, given.now, given.now, given.now, given.now, o.id, o.kind, 'platform_verified',
        'github', o.key, o.url, o.title, o.description, string_to_array(o.marks, ','), o.computed, o.proof
     FROM (SELECT {}::uuid AS account, {}::uuid AS import, {}::timestamptz AS now) given,
        unnest({}, {}, {}, {}, {}, {}, {}, {}, {})
            AS o (id, kind, key, url, title, description, marks, computed, proof)
     ON CONFLICT (account_id, source_key) DO UPDATE SET
        seen_by = excluded.seen_by, observed_at = excluded.observed_at, updated_at = excluded.updated_at,
        url = excluded.url, title = excluded.title, description = excluded.description, marks = excluded.marks,
        computed = portfolio_items.computed || excluded.computed, withdrawn_at = NULL, withdrawn_why = NULL,
        version = portfolio_items.version + 1"
}

/// Adds objects or renews them; what was withdrawn is there again.
pub async fn upsert(
    conn: &mut Conn,
    account: AccountId,
    import: PortfolioImportId,
    now: DateTime<Utc>,
    mut rows: Vec<Observed>,
) -> DbResult<()> {
    // One statement cannot touch a row twice.
    rows.sort_by(|a, b| a.source_key.cmp(&b.source_key));
    rows.dedup_by(|a, b| a.source_key == b.source_key);
    let mut upsert = Upsert {
        account: account.uuid(),
        import: import.uuid(),
        now,
        ids: Vec::new(),
        kinds: Vec::new(),
        keys: Vec::new(),
        urls: Vec::new(),
        titles: Vec::new(),
        descriptions: Vec::new(),
        marks: Vec::new(),
        computed: Vec::new(),
        proofs: Vec::new(),
    };
    for row in rows {
        upsert.ids.push(row.id);
        upsert.kinds.push(row.kind);
        upsert.keys.push(row.source_key);
        upsert.urls.push(row.url);
        upsert.titles.push(row.title);
        upsert.descriptions.push(row.description);
        upsert.marks.push(row.marks.join(","));
        upsert.computed.push(row.computed);
        upsert.proofs.push(row.proof);
    }
    upsert.execute(conn).await?;
    Ok(())
}

assay_platform::statement! {
    /// Adds members to what was computed of items.
    struct Amend(account: Uuid as SqlUuid, now: DateTime<Utc> as Timestamptz, ids: Vec<Uuid> as Array<SqlUuid>,
        patches: Vec<Value> as Array<Jsonb>) -> ();
    "UPDATE portfolio_items i SET computed = i.computed || p.patch, version = i.version + 1, observed_at = p.now,
        updated_at = p.now
     FROM (SELECT {}::uuid AS account, {}::timestamptz AS now, p.* FROM unnest({}, {}) AS p (id, patch)) p
     WHERE i.id = p.id AND i.account_id = p.account"
}

/// Adds what was found out about items.
pub async fn amend(
    conn: &mut Conn,
    account: AccountId,
    now: DateTime<Utc>,
    patches: Vec<(Uuid, Value)>,
) -> DbResult<()> {
    let (ids, patches) = patches.into_iter().unzip();
    Amend { account: account.uuid(), now, ids, patches }.execute(conn).await?;
    Ok(())
}

/// Marks an object as gone. Tells whether it was there until now.
pub async fn withdraw(
    conn: &mut Conn,
    account: AccountId,
    source_key: &str,
    why: &str,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    Ok(diesel::update(
        portfolio_items::table
            .filter(portfolio_items::account_id.eq(account.uuid()))
            .filter(portfolio_items::source_key.eq(source_key))
            .filter(portfolio_items::withdrawn_at.is_null()),
    )
    .set((
        portfolio_items::withdrawn_at.eq(now),
        portfolio_items::withdrawn_why.eq(why),
        portfolio_items::updated_at.eq(now),
        portfolio_items::version.eq(portfolio_items::version + 1),
    ))
    .execute(conn)
    .await?)
}

/// A repository of which something is to be asked: item, key, `owner/name`, `pushed_at`.
pub type Wanted = (Uuid, String, String, String);

assay_platform::statement! {
    /// Own repositories that are not withdrawn and that the import has not met.
    struct Unseen(account: Uuid as SqlUuid, import: Uuid as SqlUuid, limit: i64 as BigInt)
        -> (SqlUuid, Text, Text, Text);
    "SELECT id, source_key, computed->>'name', computed->>'pushed_at' FROM portfolio_items
     WHERE account_id = {} AND kind = 'repository' AND origin = 'github' AND withdrawn_at IS NULL
        AND seen_by IS DISTINCT FROM {}
     ORDER BY id LIMIT {}"
}

/// Own repositories that the import has not met.
pub async fn unseen(
    conn: &mut Conn,
    account: AccountId,
    import: PortfolioImportId,
    limit: i64,
) -> DbResult<Vec<Wanted>> {
    Ok(Unseen { account: account.uuid(), import: import.uuid(), limit }.load(conn).await?)
}

assay_platform::statement! {
    /// Counting repositories with commits newer than the languages known.
    struct WithoutLanguages(account: Uuid as SqlUuid, limit: i64 as BigInt) -> (SqlUuid, Text, Text, Text);
    "SELECT id, source_key, computed->>'name', computed->>'pushed_at' FROM portfolio_items
     WHERE account_id = {} AND kind = 'repository' AND origin = 'github' AND withdrawn_at IS NULL AND cardinality(marks) = 0
        AND computed->>'languages_of' IS DISTINCT FROM computed->>'pushed_at'
     ORDER BY id LIMIT {}"
}

assay_platform::statement! {
    /// Of the counting repositories with the most stars, those with commits newer than the authorship known.
    struct WithoutAuthorship(account: Uuid as SqlUuid, of: i64 as BigInt, limit: i64 as BigInt)
        -> (SqlUuid, Text, Text, Text);
    "SELECT id, source_key, computed->>'name', computed->>'pushed_at' FROM (
        SELECT * FROM portfolio_items
        WHERE account_id = {} AND kind = 'repository' AND origin = 'github' AND withdrawn_at IS NULL AND cardinality(marks) = 0
        ORDER BY (computed->>'stars')::bigint DESC, id LIMIT {}) best
     WHERE computed->>'commits_of' IS DISTINCT FROM computed->>'pushed_at'
     ORDER BY id LIMIT {}"
}

/// Counting repositories whose languages are to be asked for.
pub async fn without_languages(conn: &mut Conn, account: AccountId, limit: i64) -> DbResult<Vec<Wanted>> {
    Ok(WithoutLanguages { account: account.uuid(), limit }.load(conn).await?)
}

/// Of the `of` counting repositories with the most stars, those whose authorship is to be asked for.
pub async fn without_authorship(
    conn: &mut Conn,
    account: AccountId,
    of: i64,
    limit: i64,
) -> DbResult<Vec<Wanted>> {
    Ok(WithoutAuthorship { account: account.uuid(), of, limit }.load(conn).await?)
}

assay_platform::statement! {
    /// Own repositories that are there.
    struct Present(account: Uuid as SqlUuid) -> (BigInt);
    "SELECT count(*) FROM portfolio_items
     WHERE account_id = {} AND kind = 'repository' AND origin = 'github' AND withdrawn_at IS NULL"
}

/// How many own repositories are there.
pub async fn present(conn: &mut Conn, account: AccountId) -> DbResult<i64> {
    let (count,): (i64,) = Present { account: account.uuid() }.get_result(conn).await?;
    Ok(count)
}

/// The validators stored for some resources.
pub async fn etags(
    conn: &mut Conn,
    account: AccountId,
    resources: &[String],
) -> DbResult<Vec<(String, String)>> {
    Ok(portfolio_etags::table
        .filter(portfolio_etags::account_id.eq(account.uuid()))
        .filter(portfolio_etags::resource.eq_any(resources))
        .select((portfolio_etags::resource, portfolio_etags::etag))
        .load(conn)
        .await?)
}

assay_platform::statement! {
    /// Keeps validators.
    struct PutEtags(account: Uuid as SqlUuid, now: DateTime<Utc> as Timestamptz,
        resources: Vec<String> as Array<Text>, etags: Vec<String> as Array<Text>) -> ();
    "INSERT INTO portfolio_etags (account_id, at, resource, etag)
     SELECT {}, {}, e.resource, e.etag FROM unnest({}, {}) AS e (resource, etag)
     ON CONFLICT (account_id, resource) DO UPDATE SET etag = excluded.etag, at = excluded.at"
}

/// Keeps validators.
pub async fn put_etags(
    conn: &mut Conn,
    account: AccountId,
    now: DateTime<Utc>,
    etags: Vec<(String, String)>,
) -> DbResult<()> {
    let (resources, etags) = etags.into_iter().unzip();
    PutEtags { account: account.uuid(), now, resources, etags }.execute(conn).await?;
    Ok(())
}
