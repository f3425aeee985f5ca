//! What identity holds about a person.

use assay_kernel::ids::{AccountId, OrganisationId};
use assay_platform::db::schema::accounts;
use assay_platform::db::{Conn, DbResult};
use assay_platform::personal_data::Tables;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

/// The tables, but for the account itself.
pub const TABLES: Tables = Tables {
    domain: "identity",
    export: &[
        (
            "account",
            "SELECT id, github_id, login, avatar_url, status, roles, display_name, headline, bio, country, time_zone,
                website, contact_email, github_emails, terms_version, created_at, updated_at
             FROM accounts WHERE id = $1",
        ),
        ("consents", "SELECT kind, version, act, at FROM consents WHERE account_id = $1 ORDER BY at"),
        (
            "sessions",
            "SELECT id, kind, user_agent, ip, created_at, last_seen_at, expires_at, revoked_at, revoked_reason
             FROM sessions WHERE account_id = $1 ORDER BY id",
        ),
        ("second_factor", "SELECT confirmed_at, created_at FROM second_factors WHERE account_id = $1"),
        (
            "api_tokens",
            "SELECT id, name, last_four, scopes, spend_limit_usd_minor, created_at, expires_at, last_used_at, revoked_at
             FROM api_tokens WHERE account_id = $1 ORDER BY id",
        ),
        (
            "identity_chain",
            "SELECT seq, occurred_at, kind, subject, session, api_token, authenticated_at FROM identity_chain
             WHERE account_id = $1 ORDER BY seq",
        ),
        ("github_access", "SELECT scopes, at FROM github_tokens WHERE account_id = $1"),
        ("staff_permissions", "SELECT permission, granted_at, reason FROM staff_permissions WHERE account_id = $1"),
        (
            "suspensions",
            "SELECT id, reason_code, reason, suspended_at, ended_at, end_reason FROM suspensions WHERE account_id = $1",
        ),
        (
            "suspension_appeals",
            "SELECT id, suspension_id, text, state, decided_at, answer, created_at
             FROM suspension_appeals WHERE account_id = $1",
        ),
        (
            "organisations",
            "SELECT o.id, o.name, o.country, o.website, m.role, m.spending_limit_usd_minor, m.created_at AS joined_at
             FROM organisation_members m JOIN organisations o ON o.id = m.organisation_id WHERE m.account_id = $1",
        ),
        (
            "organisation_invitations",
            "SELECT id, organisation_id, email, role, state, created_at FROM organisation_invitations
             WHERE invited_by_id = $1 OR accepted_by_id = $1",
        ),
        (
            "data_requests",
            "SELECT id, kind, state, due_at, expires_at, created_at FROM data_requests WHERE account_id = $1",
        ),
    ],
    blockers: &[
        (
            "suspended",
            "A suspended account is erased after the suspension has ended: appeal against it, or wait for the decision.",
            "SELECT count(*) FROM accounts WHERE id = $1 AND status = 'suspended'",
        ),
        (
            "staff",
            "Have your staff permissions revoked first.",
            "SELECT count(*) FROM staff_permissions WHERE account_id = $1",
        ),
        (
            "last_owner",
            "You are the last owner of an organisation that has other members: make one of them an owner, or remove them.",
            "SELECT count(*) FROM organisation_members m WHERE m.account_id = $1 AND m.role = 'owner'
                AND EXISTS (SELECT 1 FROM organisation_members o
                    WHERE o.organisation_id = m.organisation_id AND o.account_id <> $1)
                AND NOT EXISTS (SELECT 1 FROM organisation_members o
                    WHERE o.organisation_id = m.organisation_id AND o.account_id <> $1 AND o.role = 'owner')",
        ),
    ],
    erase: &[
        "DELETE FROM github_tokens WHERE account_id = $1",
        "DELETE FROM second_factors WHERE account_id = $1",
        "DELETE FROM sessions WHERE account_id = $1",
        "DELETE FROM api_tokens WHERE account_id = $1",
        "UPDATE suspensions SET reason = '', end_reason = CASE WHEN end_reason IS NOT NULL THEN '' END
         WHERE account_id = $1",
        "UPDATE suspension_appeals SET text = '', answer = CASE WHEN answer IS NOT NULL THEN '' END
         WHERE account_id = $1",
        // To the person: those accepted stay without the address, the others go.
        "DELETE FROM organisation_invitations WHERE state <> 'accepted' AND lower(email) IN (
            SELECT lower(verified ->> 'email') FROM accounts, jsonb_array_elements(github_emails) verified
            WHERE accounts.id = $1 UNION SELECT lower(contact_email) FROM accounts WHERE id = $1)",
        "UPDATE organisation_invitations SET email = '', version = version + 1 WHERE accepted_by_id = $1",
        // An organisation of one goes with the person.
        "DELETE FROM organisation_invitations WHERE organisation_id IN (SELECT organisations_of_one($1))",
        "UPDATE organisations SET name = 'erased', website = NULL, version = version + 1 WHERE id IN (SELECT organisations_of_one($1))",
        "DELETE FROM organisation_members WHERE account_id = $1",
        "UPDATE data_requests SET state = 'expired', sealed = NULL, version = version + 1
         WHERE account_id = $1 AND kind = 'export'",
    ],
};

/// Organisations of which the person is the only member.
pub async fn organisations_of_one(conn: &mut Conn, account: AccountId) -> DbResult<Vec<OrganisationId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
    }
    let rows: Vec<Row> = diesel::sql_query("SELECT organisations_of_one($1) AS id")
        .bind::<sql_types::Uuid, _>(account.uuid())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| OrganisationId::from_uuid(row.id)).collect())
}

/// Leaves of an account what others' records point to. `stand_in` takes the place of GitHub's number.
pub async fn anonymise(
    conn: &mut Conn,
    account: AccountId,
    stand_in: i64,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    let none = None::<String>;
    Ok(diesel::update(accounts::table.find(account.uuid()))
        .set((
            accounts::status.eq("erased"),
            accounts::github_id.eq(stand_in),
            // No login has a `~`.
            accounts::login.eq("erased~"),
            accounts::avatar_url.eq(&none),
            accounts::display_name.eq(&none),
            accounts::headline.eq(&none),
            accounts::bio.eq(&none),
            accounts::country.eq(&none),
            accounts::time_zone.eq(&none),
            accounts::website.eq(&none),
            accounts::contact_email.eq(&none),
            accounts::github_emails.eq(serde_json::json!([])),
            accounts::version.eq(accounts::version + 1),
            accounts::updated_at.eq(now),
        ))
        .execute(conn)
        .await?)
}
