//! What the tables say of developers and of projects: the truth that the columns are a copy of.

use std::collections::HashMap;

use assay_kernel::ids::{AccountId, ProjectId};
use assay_kernel::{Currency, Money};
use assay_platform::db::{Conn, DbResult, Json};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use diesel::sql_types::{
    Array, BigInt, Bool, Date, Int4, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::facts::{Raw, RawProject, Wanted};

/// Everything that is read in one transaction is of one moment. Planned anew each time: pages are large, and a plan from
/// when the tables were small would scan them for each developer.
pub async fn read_one_moment(conn: &mut Conn) -> DbResult<()> {
    diesel::sql_query("SET LOCAL plan_cache_mode = force_custom_plan").execute(conn).await?;
    diesel::sql_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(conn).await?;
    Ok(())
}

assay_platform::statement! {
    /// Approved developers, a page at a time.
    struct ApprovedAfter(now: DateTime<Utc> as Timestamptz, after: Uuid as SqlUuid, limit: i64 as BigInt) -> (SqlUuid);
    "SELECT account_id FROM approvals WHERE state = 'active' AND expires_at > {} AND account_id > {}
     ORDER BY account_id LIMIT {}"
}

/// A page of approved developers, by id.
pub async fn approved(conn: &mut Conn, now: DateTime<Utc>, after: Uuid, limit: i64) -> DbResult<Vec<Uuid>> {
    let rows: Vec<(Uuid,)> = ApprovedAfter { now, after, limit }.load(conn).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// What is known of developers who are approved now; `$page` tells which as `first` and `last` or as `ids`, and `now` and
/// `recent`, and `$is` compares with that. Sets joined by key: over a page of a full read each table is walked once. The
/// sums are MATERIALIZED: without statistics, as after a restore, the planner takes them for a row and would add them up
/// anew for each developer.
macro_rules! facts_of {
    ($page:literal, $is:literal) => {
        concat!(
            "WITH page AS MATERIALIZED (SELECT ", $page, ", {} AS now, {} AS recent),
     working AS MATERIALIZED (
        SELECT c.developer_id, sum(least(40, ceil(p.effort_hours * 7.0 / greatest(p.duration_days, 7)))) AS busy
        FROM contracts c JOIN projects p ON p.id = c.project_id
        WHERE c.developer_id ", $is, " AND c.state IN ('awaiting_funding', 'active', 'paused', 'completing')
        GROUP BY c.developer_id),
     skilled AS MATERIALIZED (
        SELECT account_id,
            string_agg(skill || ' ' || match_level(derived, share_bps, repositories, pull_requests), ',') AS skills
        FROM portfolio_skills WHERE account_id ", $is, " AND NOT removed
        GROUP BY account_id),
     invited AS MATERIALIZED (
        SELECT developer_id, count(*) FILTER (WHERE state IN ('sent', 'viewed')) AS unanswered,
            count(*) FILTER (WHERE created_at > (SELECT recent FROM page)) AS recent
        FROM invitations WHERE developer_id ", $is, "
        GROUP BY developer_id),
     excluded AS MATERIALIZED (
        SELECT DISTINCT ON (developer_id) developer_id, reason FROM match_exclusions
        WHERE developer_id ", $is, " AND project_id IS NULL AND lifted_at IS NULL
            AND (until IS NULL OR until > (SELECT now FROM page))
        ORDER BY developer_id, id DESC)
     SELECT a.id, a.time_zone, w.weekly_hours, o.hours_per_week, coalesce(k.busy, 0)::bigint,
        coalesce(w.rate_amount, o.rate_amount),
        CASE WHEN w.rate_amount IS NULL THEN o.rate_currency ELSE w.rate_currency END,
        w.available_from, o.tracks, s.skills, coalesce(b.open_bids, 0)::bigint, coalesce(i.unanswered, 0)::bigint,
        coalesce(i.recent, 0)::bigint, coalesce(w.paused, false), x.reason, v.expires_at
     FROM accounts a
     JOIN approvals v ON v.account_id = a.id AND v.state = 'active' AND v.expires_at > (SELECT now FROM page)
        AND v.account_id ", $is, "
     JOIN applications o ON o.id = v.application_id
     LEFT JOIN match_preferences w ON w.account_id = a.id
     LEFT JOIN developer_bid_slots b ON b.developer_id = a.id
     LEFT JOIN working k ON k.developer_id = a.id
     LEFT JOIN skilled s ON s.account_id = a.id
     LEFT JOIN invited i ON i.developer_id = a.id
     LEFT JOIN excluded x ON x.developer_id = a.id
     WHERE a.status = 'active' AND a.id ", $is
        )
    };
}

assay_platform::statement! {
    /// Of a few developers.
    struct FactsOf(ids: Vec<Uuid> as Array<SqlUuid>, now: DateTime<Utc> as Timestamptz, recent: DateTime<Utc> as Timestamptz)
        -> (SqlUuid, Nullable<Text>, Nullable<Int4>, Nullable<Int4>, BigInt, Nullable<BigInt>, Nullable<Text>,
            Nullable<Date>, Array<Text>, Nullable<Text>, BigInt, BigInt, BigInt, Bool, Nullable<Text>, Timestamptz);
    facts_of!("{} AS ids", "= ANY ((SELECT ids FROM page)::uuid[])")
}

assay_platform::statement! {
    /// From one developer to another.
    struct FactsBetween(first: Uuid as SqlUuid, last: Uuid as SqlUuid, now: DateTime<Utc> as Timestamptz,
        recent: DateTime<Utc> as Timestamptz)
        -> (SqlUuid, Nullable<Text>, Nullable<Int4>, Nullable<Int4>, BigInt, Nullable<BigInt>, Nullable<Text>,
            Nullable<Date>, Array<Text>, Nullable<Text>, BigInt, BigInt, BigInt, Bool, Nullable<Text>, Timestamptz);
    facts_of!("{} AS first, {} AS last", "BETWEEN (SELECT first FROM page) AND (SELECT last FROM page)")
}

type FactsRow = (
    Uuid,
    Option<String>,
    Option<i32>,
    Option<i32>,
    i64,
    Option<i64>,
    Option<String>,
    Option<NaiveDate>,
    Vec<String>,
    Option<String>,
    i64,
    i64,
    i64,
    bool,
    Option<String>,
    DateTime<Utc>,
);

/// What is known of those of these developers who are approved now.
pub async fn of_developers(conn: &mut Conn, ids: Vec<Uuid>, now: DateTime<Utc>) -> DbResult<Vec<Raw>> {
    let rows: Vec<FactsRow> = FactsOf { ids, now, recent: recent(now) }.load(conn).await?;
    raw(conn, rows, now).await
}

/// What is known of everybody from `first` to `last` who is approved now.
pub async fn between(conn: &mut Conn, first: Uuid, last: Uuid, now: DateTime<Utc>) -> DbResult<Vec<Raw>> {
    let rows: Vec<FactsRow> = FactsBetween { first, last, now, recent: recent(now) }.load(conn).await?;
    raw(conn, rows, now).await
}

/// Invitations are counted from here.
fn recent(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::days(30)
}

async fn raw(conn: &mut Conn, rows: Vec<FactsRow>, now: DateTime<Utc>) -> DbResult<Vec<Raw>> {
    let foreign = rows.iter().any(|row| row.6.as_deref().is_some_and(|currency| currency != "USD"));
    let rates = if foreign { rates(conn, now.date_naive()).await? } else { HashMap::new() };
    let usd = |amount: Option<i64>, currency: Option<String>| {
        let currency = Currency::parse(&currency?)?;
        if currency == Currency::USD {
            return amount;
        }
        Money::new(amount?, currency).to_usd_minor(*rates.get(currency.code())?)
    };
    let raw = |row: FactsRow| Raw {
        id: row.0,
        time_zone: row.1,
        own_hours: row.2,
        stated_hours: row.3,
        busy_hours: row.4,
        rate_usd_minor: usd(row.5, row.6),
        available_from: row.7,
        tracks: row.8,
        skills: row.9,
        live_bids: row.10,
        open_invitations: row.11,
        recent_invitations: row.12,
        paused: row.13,
        excluded: row.14,
        approved_until: row.15,
    };
    Ok(rows.into_iter().map(raw).collect())
}

assay_platform::statement! {
    /// The latest rate of each currency.
    struct Rates(on: NaiveDate as Date) -> (Text, BigInt);
    "SELECT DISTINCT ON (currency) currency, usd_per_unit_e9 FROM currency_rates WHERE rate_date <= {}
     ORDER BY currency, rate_date DESC"
}

/// The latest rate of each currency.
pub async fn rates(conn: &mut Conn, on: NaiveDate) -> DbResult<HashMap<String, i64>> {
    let rows: Vec<(String, i64)> = Rates { on }.load(conn).await?;
    Ok(rows.into_iter().collect())
}

/// A project that is ranked for, and what the caller is to it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ProjectRow {
    pub id: Uuid,
    pub organisation: Uuid,
    pub state: String,
    pub title: String,
    pub raw: RawProject,
    /// The caller's role in the client's organisation.
    pub role: Option<String>,
}

/// What is read of a project `p`, but for the caller's role.
macro_rules! project {
    () => {
        "p.id, p.organisation_id, p.state, p.title, p.skills, p.budget_usd_minor, p.effort_hours, p.starts_on,
        p.duration_days, p.time_zone, p.overlap_hours"
    };
}

type ProjectSql = (
    SqlUuid,
    SqlUuid,
    Text,
    Text,
    Jsonb,
    Nullable<BigInt>,
    Nullable<Int4>,
    Nullable<Date>,
    Nullable<Int4>,
    Nullable<Text>,
    Int4,
    Nullable<Text>,
);

type ProjectTuple = (
    Uuid,
    Uuid,
    String,
    String,
    Json<Vec<Wanted>>,
    Option<i64>,
    Option<i32>,
    Option<NaiveDate>,
    Option<i32>,
    Option<String>,
    i32,
    Option<String>,
);

impl From<ProjectTuple> for ProjectRow {
    fn from(row: ProjectTuple) -> Self {
        Self {
            id: row.0,
            organisation: row.1,
            state: row.2,
            title: row.3,
            raw: RawProject {
                skills: row.4.0,
                budget_usd_minor: row.5,
                effort_hours: row.6,
                starts_on: row.7,
                duration_days: row.8,
                time_zone: row.9,
                overlap_hours: row.10,
            },
            role: row.11,
        }
    }
}

assay_platform::statement! {
    /// A project with the caller's role in its client's organisation.
    struct ProjectFor(caller: Uuid as SqlUuid, id: Uuid as SqlUuid)
        -> (ProjectSql);
    concat!(
        "SELECT ", project!(), ", m.role
     FROM projects p LEFT JOIN organisation_members m ON m.organisation_id = p.organisation_id AND m.account_id = {}
     WHERE p.id = {}"
    )
}

/// A project, with the caller's role in its client's organisation.
pub async fn project(conn: &mut Conn, id: ProjectId, caller: AccountId) -> DbResult<Option<ProjectRow>> {
    let rows: Vec<(ProjectTuple,)> = ProjectFor { caller: caller.uuid(), id: id.uuid() }.load(conn).await?;
    Ok(rows.into_iter().next().map(|(row,)| row.into()))
}

assay_platform::statement! {
    /// Open projects that want at least one of these skills, the newest first.
    struct OpenFor(skills: Vec<String> as Array<Text>, limit: i64 as BigInt)
        -> (ProjectSql);
    concat!(
        "SELECT ", project!(), ", NULL::text
     FROM projects p WHERE p.state IN ('listed', 'shortlisting')
       AND p.id IN (SELECT project_id FROM listing_skills WHERE skill = ANY({}))
     ORDER BY p.listed_at DESC, p.id DESC LIMIT {}"
    )
}

/// Open projects that want at least one of these skills, the newest first.
pub async fn open_projects(conn: &mut Conn, skills: Vec<String>, limit: i64) -> DbResult<Vec<ProjectRow>> {
    let rows: Vec<(ProjectTuple,)> = OpenFor { skills, limit }.load(conn).await?;
    Ok(rows.into_iter().map(|(row,)| row.into()).collect())
}

/// Who is out of the question for the project `p`, and why; asks from when on a declined invitation counts, and for the
/// present moment.
macro_rules! out_of_the_question {
    () => {
        "SELECT developer_id, 'invited' AS why FROM invitations
        WHERE project_id = p.id AND state IN ('sent', 'viewed', 'accepted')
     UNION ALL
     SELECT i.developer_id, 'declined' FROM projects o JOIN invitations i ON i.project_id = o.id
        WHERE o.organisation_id = p.organisation_id AND i.state = 'declined' AND i.updated_at > {}
     UNION ALL
     SELECT developer_id, 'bid' FROM bids
        WHERE project_id = p.id AND state NOT IN ('declined', 'withdrawn', 'expired', 'closed')
     UNION ALL
     SELECT account_id, 'member' FROM organisation_members WHERE organisation_id = p.organisation_id
     UNION ALL
     SELECT developer_id, 'excluded' FROM match_exclusions
        WHERE project_id = p.id AND lifted_at IS NULL AND (until IS NULL OR until > {})"
    };
}

assay_platform::statement! {
    /// Who is out of the question for a project, and why.
    struct WithoutFor(since: DateTime<Utc> as Timestamptz, now: DateTime<Utc> as Timestamptz, project: Uuid as SqlUuid)
        -> (SqlUuid, Text);
    concat!(
        "SELECT o.developer_id, o.why FROM projects p, LATERAL (", out_of_the_question!(), ") o WHERE p.id = {}"
    )
}

/// Who is out of the question for a project, and why: invited already, has bid, declined this client lately, belongs to
/// it, excluded by staff.
pub async fn without(
    conn: &mut Conn,
    project: Uuid,
    declined_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DbResult<Vec<(Uuid, String)>> {
    Ok(WithoutFor { since: declined_since, now, project }.load(conn).await?)
}

assay_platform::statement! {
    /// A project with the caller's role in its client's organisation, and who is out of the question for it.
    struct ProjectToRank(since: DateTime<Utc> as Timestamptz, now: DateTime<Utc> as Timestamptz,
        caller: Uuid as SqlUuid, id: Uuid as SqlUuid)
        -> (ProjectSql, Array<SqlUuid>);
    concat!(
        "SELECT ", project!(), ", m.role,
        ARRAY(SELECT o.developer_id FROM (", out_of_the_question!(), ") o)
     FROM projects p LEFT JOIN organisation_members m ON m.organisation_id = p.organisation_id AND m.account_id = {}
     WHERE p.id = {}"
    )
}

/// A project, with the caller's role in its client's organisation, and who is out of the question for it.
pub async fn project_to_rank(
    conn: &mut Conn,
    id: ProjectId,
    caller: AccountId,
    declined_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DbResult<Option<(ProjectRow, Vec<Uuid>)>> {
    let statement = ProjectToRank { since: declined_since, now, caller: caller.uuid(), id: id.uuid() };
    let rows: Vec<(ProjectTuple, Vec<Uuid>)> = statement.load(conn).await?;
    Ok(rows.into_iter().next().map(|(row, without)| (row.into(), without)))
}
