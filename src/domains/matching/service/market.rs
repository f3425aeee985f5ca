//! The market in the large, aggregated: small groups are not told of.

use assay_kernel::{Currency, Error, Money, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

use super::Matching;
use crate::model::facts::day_of;
use crate::model::metrics::{gini, median, top_decile_share};
use crate::store;

/// How evenly something is given. Parts are missing where the group is too small.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Spread {
    /// Gini coefficient: 0 when all have the same, towards 1 when one has all.
    #[schema(example = 0.47)]
    pub gini: Option<f64>,
    /// The share of the tenth with the most.
    #[schema(example = 0.31)]
    pub top_decile_share: Option<f64>,
}

impl Spread {
    fn of(amounts: &[f64], least: usize) -> Self {
        let having = amounts.iter().filter(|amount| **amount > 0.0).count();
        if having < least {
            return Self::default();
        }
        Self { gini: gini(amounts), top_decile_share: top_decile_share(amounts) }
    }
}

/// How newcomers fare: developers with fewer than three ended contracts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Newcomers {
    /// Their share of the approved developers.
    #[schema(example = 0.35)]
    pub pool_share: Option<f64>,
    /// Their share of the exposure.
    #[schema(example = 0.36)]
    pub exposure_share: Option<f64>,
    /// Days from the approval to the first invitation or contract: the middle of those who have had one.
    #[schema(example = 12.5)]
    pub median_days_to_first_match: Option<f64>,
    /// Of those approved in the time, the share that still waits for one.
    #[schema(example = 0.2)]
    pub still_waiting_share: Option<f64>,
}

/// The market's metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Metrics {
    /// Days over which they look.
    #[schema(example = 90)]
    pub days: i64,
    /// Developers approved now; missing while they are few.
    #[schema(example = 1200)]
    pub developers: Option<i64>,
    /// Exposure: places among the first ten, by `1 / log2(1 + place)`, over everybody approved.
    pub exposure: Spread,
    /// Money released, in US dollars at the day's rate, over everybody approved.
    pub earnings: Spread,
    /// Newcomers.
    pub newcomers: Newcomers,
}

/// Was the market last measured so long ago that it is time again?
///
/// # Errors
/// The database's.
pub async fn is_due(ctx: &Ctx, conn: &mut Conn) -> Result<bool> {
    let latest = store::market::latest(conn).await?;
    Ok(latest.is_none_or(|(as_of, _)| ctx.clock.now() - as_of >= Duration::hours(20)))
}

/// Works the metrics out and stores them.
///
/// # Errors
/// The database's.
pub async fn measure(ctx: &Ctx) -> Result<()> {
    let now = ctx.clock.now();
    let metrics = ctx.db.read(async |conn| measured(ctx, conn, now).await).await?;
    let value = serde_json::to_value(&metrics).map_err(Error::internal)?;
    ctx.db.tx(async |conn| Ok(store::market::insert(conn, now, &value).await?)).await
}

async fn measured(ctx: &Ctx, conn: &mut Conn, now: DateTime<Utc>) -> Result<Metrics> {
    let policy = &ctx.policy.matching;
    let least = usize::try_from(policy.metrics_min_group).unwrap_or(usize::MAX);
    let since = now - Duration::days(policy.metrics_days);
    let (developers, newcomers) = store::market::pool(conn, now).await?;
    let exposed = store::market::exposure(conn, now, day_of(since.date_naive())).await?;
    let rates = store::facts::rates(conn, now.date_naive()).await?;
    let mut earned: HashMap<uuid::Uuid, f64> = HashMap::new();
    for (who, currency, amount) in store::market::earned(conn, since).await? {
        let usd = Currency::parse(&currency).and_then(|currency| match currency {
            Currency::USD => Some(amount),
            _ => Money::new(amount, currency).to_usd_minor(*rates.get(currency.code())?),
        });
        *earned.entry(who).or_default() += usd.unwrap_or(0) as f64;
    }
    let waited = store::market::waited(conn, since).await?;

    let pool = usize::try_from(developers).unwrap_or(0);
    let with_zeros = |amounts: &mut dyn Iterator<Item = f64>| {
        let mut all: Vec<f64> = amounts.collect();
        all.resize(pool.max(all.len()), 0.0);
        all
    };
    let enough = |count: usize| count >= least;
    let total: f64 = exposed.iter().map(|(given, _)| given).sum();
    let of_newcomers = exposed.iter().filter(|(_, newcomer)| *newcomer);
    let group = usize::try_from(newcomers).unwrap_or(0);
    let told = enough(group) && enough(pool.saturating_sub(group));
    let mut days: Vec<f64> = waited.iter().flatten().copied().collect();
    let waiting = waited.len() - days.len();
    Ok(Metrics {
        days: policy.metrics_days,
        developers: enough(pool).then_some(developers),
        exposure: Spread::of(&with_zeros(&mut exposed.iter().map(|(given, _)| *given)), least),
        earnings: Spread::of(&with_zeros(&mut earned.values().copied()), least),
        newcomers: Newcomers {
            pool_share: told.then(|| newcomers as f64 / developers.max(1) as f64),
            exposure_share: (told && enough(exposed.len()) && total > 0.0)
                .then(|| of_newcomers.map(|(given, _)| given).sum::<f64>() / total),
            median_days_to_first_match: if enough(days.len()) { median(&mut days) } else { None },
            still_waiting_share: enough(waited.len()).then(|| waiting as f64 / waited.len().max(1) as f64),
        },
    })
}

impl Matching {
    /// The latest metrics and when they were taken; empty ones before the first.
    ///
    /// # Errors
    /// The database's.
    pub async fn metrics(&self, conn: &mut Conn) -> Result<(Option<DateTime<Utc>>, Metrics)> {
        let Some((as_of, value)) = store::market::latest(conn).await? else {
            return Ok((None, Metrics { days: self.ctx.policy.matching.metrics_days, ..Metrics::default() }));
        };
        Ok((Some(as_of), serde_json::from_value(value).map_err(Error::internal)?))
    }
}
