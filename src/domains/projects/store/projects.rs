//! Project rows.

use assay_kernel::ids::{AccountId, OrganisationId, ProjectId};
use assay_platform::db::schema::{curation_decisions, projects};
use assay_platform::db::{Conn, DbResult, Json};
use assay_platform::statement;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::model::{Milestone, SkillNeed};

/// A project as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = projects, check_for_backend(diesel::pg::Pg))]
#[allow(missing_docs)] // the columns are explained in the migration
pub struct ProjectRow {
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub posted_by_id: Uuid,
    pub state: String,
    pub title: String,
    pub description: String,
    pub outcome: Option<String>,
    pub decision_maker: Option<String>,
    pub budget_amount: Option<i64>,
    pub budget_currency: String,
    pub budget_usd_minor: Option<i64>,
    pub rate_date: Option<NaiveDate>,
    pub effort_hours: Option<i32>,
    pub starts_on: Option<NaiveDate>,
    pub duration_days: Option<i32>,
    pub time_zone: Option<String>,
    pub overlap_hours: i32,
    pub confidentiality: String,
    pub skills: Json<Vec<SkillNeed>>,
    pub milestones: Json<Vec<Milestone>>,
    pub version: i64,
    pub curator_id: Option<Uuid>,
    pub submitted_at: Option<DateTime<Utc>>,
    pub curation_due_at: Option<DateTime<Utc>>,
    pub listed_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_client_act_at: DateTime<Utc>,
    pub import_key: Option<String>,
    pub policy_version: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Stores a new project; `false` when its import key is there already.
pub async fn insert(conn: &mut Conn, row: &ProjectRow) -> DbResult<bool> {
    let inserted = diesel::insert_into(projects::table)
        .values(row)
        .on_conflict((projects::organisation_id, projects::import_key))
        .do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}

/// The project that an import made of this key.
pub async fn by_import_key(
    conn: &mut Conn,
    organisation: OrganisationId,
    key: &str,
) -> DbResult<Option<Uuid>> {
    Ok(projects::table
        .filter(projects::organisation_id.eq(organisation.uuid()))
        .filter(projects::import_key.eq(key))
        .select(projects::id)
        .first(conn)
        .await
        .optional()?)
}

/// The project, without a lock.
pub async fn find(conn: &mut Conn, id: ProjectId) -> DbResult<Option<ProjectRow>> {
    Ok(projects::table.find(id.uuid()).select(ProjectRow::as_select()).first(conn).await.optional()?)
}

/// The project, locked until the end of the transaction. Every act on a project or its bids takes this lock first.
pub async fn lock(conn: &mut Conn, id: ProjectId) -> DbResult<Option<ProjectRow>> {
    Ok(projects::table
        .find(id.uuid())
        .select(ProjectRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// Writes everything that may change, and the next version.
pub async fn update(conn: &mut Conn, row: &ProjectRow) -> DbResult<()> {
    diesel::update(projects::table.find(row.id))
        .set((
            (
                projects::state.eq(&row.state),
                projects::title.eq(&row.title),
                projects::description.eq(&row.description),
                projects::outcome.eq(&row.outcome),
                projects::decision_maker.eq(&row.decision_maker),
                projects::budget_amount.eq(row.budget_amount),
                projects::budget_currency.eq(&row.budget_currency),
                projects::budget_usd_minor.eq(row.budget_usd_minor),
                projects::rate_date.eq(row.rate_date),
                projects::effort_hours.eq(row.effort_hours),
                projects::starts_on.eq(row.starts_on),
                projects::duration_days.eq(row.duration_days),
                projects::time_zone.eq(&row.time_zone),
                projects::overlap_hours.eq(row.overlap_hours),
                projects::confidentiality.eq(&row.confidentiality),
                projects::skills.eq(&row.skills),
            ),
            (
                projects::milestones.eq(&row.milestones),
                projects::version.eq(row.version),
                projects::curator_id.eq(row.curator_id),
                projects::submitted_at.eq(row.submitted_at),
                projects::curation_due_at.eq(row.curation_due_at),
                projects::listed_at.eq(row.listed_at),
                projects::expires_at.eq(row.expires_at),
                projects::last_client_act_at.eq(row.last_client_act_at),
                projects::policy_version.eq(&row.policy_version),
                projects::updated_at.eq(row.updated_at),
            ),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that the client acted, which keeps the listing from pausing.
pub async fn touch_client(conn: &mut Conn, id: Uuid, now: DateTime<Utc>) -> DbResult<()> {
    diesel::update(projects::table.find(id)).set(projects::last_client_act_at.eq(now)).execute(conn).await?;
    Ok(())
}

statement! {
    /// A project with its organisation's name and verification, for showing.
    pub struct OrganisationOf(id: Uuid as SqlUuid) -> (Text, Bool);
    "SELECT o.name, o.verified_at IS NOT NULL FROM projects p JOIN organisations o ON o.id = p.organisation_id WHERE p.id = {}"
}

/// A project and what is shown of its organisation.
pub type Shown = (ProjectRow, String, Option<DateTime<Utc>>);

/// Projects with their organisations, in one statement.
pub async fn shown(conn: &mut Conn, ids: Vec<ProjectId>) -> DbResult<Vec<(ProjectId, Shown)>> {
    use assay_platform::db::schema::organisations;
    let ids: Vec<Uuid> = ids.iter().map(ProjectId::uuid).collect();
    let rows: Vec<Shown> = projects::table
        .inner_join(organisations::table.on(organisations::id.eq(projects::organisation_id)))
        .filter(projects::id.eq_any(ids))
        .select((ProjectRow::as_select(), organisations::name, organisations::verified_at))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|shown| (ProjectId::from_uuid(shown.0.id), shown)).collect())
}

/// A project with its organisation.
pub async fn shown_one(conn: &mut Conn, id: ProjectId) -> DbResult<Option<Shown>> {
    Ok(shown(conn, vec![id]).await?.pop().map(|(_, shown)| shown))
}

/// Is the organisation verified, and what is its name?
pub async fn organisation(conn: &mut Conn, id: ProjectId) -> DbResult<(String, bool)> {
    Ok(OrganisationOf { id: id.uuid() }.get_result(conn).await?)
}

statement! {
    /// What a person is to a project.
    pub struct RelationTo(
        account_a: Uuid as SqlUuid, project_a: Uuid as SqlUuid,
        project_b: Uuid as SqlUuid, account_b: Uuid as SqlUuid,
        project_c: Uuid as SqlUuid, account_c: Uuid as SqlUuid,
        account_d: Uuid as SqlUuid, now: DateTime<Utc> as Timestamptz,
    ) -> (Nullable<Text>, Bool, Bool, Bool);
    "SELECT (SELECT m.role FROM organisation_members m JOIN projects p ON p.organisation_id = m.organisation_id
             WHERE m.account_id = {} AND p.id = {}),
            EXISTS (SELECT FROM bids b WHERE b.project_id = {} AND b.developer_id = {}),
            EXISTS (SELECT FROM invitations i WHERE i.project_id = {} AND i.developer_id = {}),
            EXISTS (SELECT FROM approvals a WHERE a.account_id = {} AND a.state = 'active' AND a.expires_at > {})"
}

/// What a person is to a project: role in its organisation, bidder, invited, approved developer.
pub async fn relation(
    conn: &mut Conn,
    project: ProjectId,
    account: AccountId,
    now: DateTime<Utc>,
) -> DbResult<(Option<String>, bool, bool, bool)> {
    let (project, account) = (project.uuid(), account.uuid());
    Ok(RelationTo {
        account_a: account,
        project_a: project,
        project_b: project,
        account_b: account,
        project_c: project,
        account_c: account,
        account_d: account,
        now,
    }
    .get_result(conn)
    .await?)
}

/// Projects of the organisations of which the person is a member, newest first.
pub async fn of_member(
    conn: &mut Conn,
    account: AccountId,
    organisation: Option<OrganisationId>,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> DbResult<Vec<ProjectRow>> {
    use assay_platform::db::schema::organisation_members as members;
    let mine = members::table.filter(members::account_id.eq(account.uuid())).select(members::organisation_id);
    let mut query = projects::table.filter(projects::organisation_id.eq_any(mine)).into_boxed();
    if let Some(organisation) = organisation {
        query = query.filter(projects::organisation_id.eq(organisation.uuid()));
    }
    if let Some(state) = state {
        query = query.filter(projects::state.eq(state.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(projects::id.lt(before));
    }
    Ok(query.order(projects::id.desc()).limit(limit).select(ProjectRow::as_select()).load(conn).await?)
}

/// Drafts and projects in curation of an organisation.
pub async fn count_unlisted(conn: &mut Conn, organisation: OrganisationId) -> DbResult<i64> {
    Ok(projects::table
        .filter(projects::organisation_id.eq(organisation.uuid()))
        .filter(projects::state.eq_any(["draft", "submitted", "in_curation", "changes_requested"]))
        .count()
        .get_result(conn)
        .await?)
}

/// Projects of an organisation that were awarded.
pub async fn count_awarded(conn: &mut Conn, organisation: Uuid) -> DbResult<i64> {
    Ok(projects::table
        .filter(projects::organisation_id.eq(organisation))
        .filter(projects::state.eq_any(["awarded", "in_contract", "completed", "ended"]))
        .count()
        .get_result(conn)
        .await?)
}

/// The queue of curation, most urgent first.
pub async fn curation_queue(
    conn: &mut Conn,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> DbResult<Vec<ProjectRow>> {
    let mut query = projects::table.filter(projects::state.eq_any(["submitted", "in_curation"])).into_boxed();
    if let Some((due, id)) = after {
        query = query.filter(
            projects::curation_due_at.gt(due).or(projects::curation_due_at.eq(due).and(projects::id.gt(id))),
        );
    }
    Ok(query
        .order((projects::curation_due_at.asc(), projects::id.asc()))
        .limit(limit)
        .select(ProjectRow::as_select())
        .load(conn)
        .await?)
}

/// The organisations of `ids`' projects whose decisions are asked, for the tidy reading of one project's history.
pub async fn decisions(conn: &mut Conn, project: ProjectId) -> DbResult<Vec<super::curation::DecisionRow>> {
    Ok(curation_decisions::table
        .filter(curation_decisions::project_id.eq(project.uuid()))
        .order(curation_decisions::decided_at.desc())
        .select(super::curation::DecisionRow::as_select())
        .load(conn)
        .await?)
}
