//! The dated currency rates that ship with the service.

use assay_kernel::{Currency, Error, Result};
use assay_platform::Ctx;

use crate::store::rates::{Rate, count, upsert};

const SHIPPED: &str = include_str!("../currency_rates.csv");

fn shipped() -> Result<Vec<Rate>> {
    SHIPPED
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let fault = || Error::internal(format!("currency_rates.csv has a bad line: {line}"));
            let mut fields = line.split(',');
            let mut next = || fields.next().ok_or_else(fault);
            let (code, date, rate, exponent) = (next()?, next()?, next()?, next()?);
            let currency = Currency::parse(code).ok_or_else(fault)?;
            if exponent.parse() != Ok(currency.exponent()) {
                return Err(fault());
            }
            Ok(Rate {
                currency: code.to_owned(),
                rate_date: date.parse().map_err(|_| fault())?,
                usd_per_unit_e9: rate.parse().map_err(|_| fault())?,
            })
        })
        .collect()
}

/// Stores the shipped rates unless they are there.
pub async fn seed(ctx: &Ctx) -> Result<()> {
    let rates = shipped()?;
    ctx.db
        .tx(async |conn| {
            if count(conn).await? < i64::try_from(rates.len()).unwrap_or(i64::MAX) {
                upsert(conn, &rates).await?;
            }
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_currency_of_the_kernel_has_a_shipped_rate() {
        let rates = shipped().unwrap();
        for currency in Currency::all() {
            assert!(rates.iter().any(|rate| rate.currency == currency.code()), "{currency}");
        }
    }
}
