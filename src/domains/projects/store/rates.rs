//! Dated currency rates.

use assay_kernel::Currency;
use assay_platform::db::schema::currency_rates;
use assay_platform::db::{Conn, DbResult};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;

/// A rate: US dollars per major unit × 10⁹.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = currency_rates, check_for_backend(diesel::pg::Pg))]
pub struct Rate {
    /// ISO 4217 code.
    pub currency: String,
    /// The day of the rate.
    pub rate_date: NaiveDate,
    /// US dollars per major unit × 10⁹.
    pub usd_per_unit_e9: i64,
}

/// The latest rate of a currency that is not later than `on`.
pub async fn latest(conn: &mut Conn, currency: Currency, on: NaiveDate) -> DbResult<Option<Rate>> {
    Ok(currency_rates::table
        .filter(currency_rates::currency.eq(currency.code()))
        .filter(currency_rates::rate_date.le(on))
        .order(currency_rates::rate_date.desc())
        .select(Rate::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Are all of these days and currencies stored?
pub async fn count(conn: &mut Conn) -> DbResult<i64> {
    Ok(currency_rates::table.count().get_result(conn).await?)
}

/// Stores rates; a corrected rate of the same day replaces the former.
pub async fn upsert(conn: &mut Conn, rates: &[Rate]) -> DbResult<()> {
    diesel::insert_into(currency_rates::table)
        .values(rates)
        .on_conflict((currency_rates::currency, currency_rates::rate_date))
        .do_update()
        .set(currency_rates::usd_per_unit_e9.eq(excluded(currency_rates::usd_per_unit_e9)))
        .execute(conn)
        .await?;
    Ok(())
}
