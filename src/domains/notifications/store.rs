//! SQL of notifications: one statement a function.

use assay_kernel::ids::{AccountId, OrganisationId};
use assay_platform::db::schema::mail_preferences;
use assay_platform::db::{Conn, DbResult};
use assay_platform::personal_data::Tables;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

assay_platform::statement! {
    /// Organisations of a person.
    struct OrganisationsOf(account: Uuid as sql_types::Uuid) -> (sql_types::Uuid);
    "SELECT organisation_id FROM organisation_members WHERE account_id = {}"
}

assay_platform::statement! {
    /// Where and whether a person gets mail.
    struct AddresseeOf(consent: String as sql_types::Text, account: Uuid as sql_types::Uuid)
        -> (sql_types::Nullable<sql_types::Text>, sql_types::Bool, sql_types::Array<sql_types::Text>);
    "SELECT a.contact_email,
        coalesce((SELECT c.act = 'given' AND c.version = {} FROM consents c
            WHERE c.account_id = a.id AND c.kind = 'product_mail' ORDER BY c.at DESC, c.id DESC LIMIT 1), false),
        coalesce((SELECT p.switched_off FROM mail_preferences p WHERE p.account_id = a.id), ARRAY[]::text[])
     FROM accounts a WHERE a.id = {} AND a.status <> 'erased'"
}

/// What notifications hold about a person.
pub const PERSONAL_TABLES: Tables = Tables {
    domain: "notifications",
    export: &[(
        "mail_preferences",
        "SELECT switched_off, updated_at FROM mail_preferences WHERE account_id = $1",
    )],
    blockers: &[],
    erase: &["DELETE FROM mail_preferences WHERE account_id = $1"],
};

/// A person as far as mail goes.
pub struct Addressee {
    /// Their address, once they have signed up.
    pub address: Option<String>,
    /// Have they given the consent `product_mail` in that version?
    pub consented: bool,
    /// The categories that they have switched off.
    pub off: Vec<String>,
}

/// The organisations to which the person belongs.
pub async fn organisations_of(conn: &mut Conn, account: AccountId) -> DbResult<Vec<OrganisationId>> {
    let rows: Vec<(Uuid,)> = OrganisationsOf { account: account.uuid() }.load(conn).await?;
    Ok(rows.into_iter().map(|(id,)| OrganisationId::from_uuid(id)).collect())
}

/// Where and whether the person gets mail; none when there is no such person any more.
pub async fn addressee(conn: &mut Conn, account: AccountId, consent: &str) -> DbResult<Option<Addressee>> {
    let row: Option<(Option<String>, bool, Vec<String>)> =
        AddresseeOf { consent: consent.to_owned(), account: account.uuid() }
            .get_result(conn)
            .await
            .optional()?;
    Ok(row.map(|(address, consented, off)| Addressee { address, consented, off }))
}

/// What the person has switched off, and the row's version, held until the transaction ends; nothing and 0 when they
/// never changed it.
pub async fn preferences(conn: &mut Conn, account: AccountId) -> DbResult<(Vec<String>, i64)> {
    let row = mail_preferences::table
        .find(account.uuid())
        .for_update()
        .select((mail_preferences::switched_off, mail_preferences::version))
        .first(conn)
        .await
        .optional()?;
    Ok(row.unwrap_or_default())
}

/// Writes what the person has switched off.
pub async fn set_preferences(
    conn: &mut Conn,
    account: AccountId,
    off: &[String],
    version: i64,
    now: DateTime<Utc>,
) -> DbResult<usize> {
    let values = (
        mail_preferences::switched_off.eq(off),
        mail_preferences::version.eq(version),
        mail_preferences::updated_at.eq(now),
    );
    Ok(diesel::insert_into(mail_preferences::table)
        .values((mail_preferences::account_id.eq(account.uuid()), values))
        .on_conflict(mail_preferences::account_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await?)
}
