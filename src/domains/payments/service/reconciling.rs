//! Reconciliation: the provider's balance transactions against the ledger. What differs is noted for the finance staff
//! until somebody has explained it.

use assay_adapters::stripe::{self, Balance, BalanceTransaction, Listing};
use assay_kernel::Result;
use assay_platform::db::Conn;
use assay_platform::places;
use chrono::{DateTime, Duration};

use super::Payments;
use crate::store;
use crate::store::reconciliation::{self, TransactionRow};

/// How far back each comparison begins before the last one.
const OVERLAP: Duration = Duration::days(2);
/// How far back the first one looks.
const FIRST: Duration = Duration::days(90);
/// How long a webhook may take before what it tells of is missed.
const LATE: Duration = Duration::hours(1);

impl Payments {
    /// Compares, page by page.
    ///
    /// # Errors
    /// `provider_unavailable`, or the database's failure.
    pub async fn reconcile(&self) -> Result<()> {
        const CURSOR: &str = "balance_transactions";
        let ctx = &self.ctx;
        let began = ctx.clock.now();
        let cursor = async |conn: &mut Conn| Ok(store::events::cursor(conn, CURSOR).await?);
        let since = ctx.db.read(cursor).await?.map_or(began - FIRST, |upto| upto - OVERLAP);
        let before = self.stripe.balance(None).await?;
        let listing = Listing::of::<BalanceTransaction>().since(since.timestamp());
        let mut after: Option<String> = None;
        loop {
            let page = self.stripe.page::<BalanceTransaction>(&listing, after.as_deref()).await?;
            let rows: Vec<TransactionRow> = page
                .data
                .iter()
                .map(|found| TransactionRow {
                    id: found.id.clone(),
                    kind: found.kind.clone(),
                    source: found.source.clone(),
                    amount: found.amount,
                    fee: found.fee,
                    net: found.net,
                    currency: found.currency.to_ascii_uppercase(),
                    made_at: DateTime::from_timestamp(found.created, 0).unwrap_or(began),
                })
                .collect();
            ctx.db.tx(async |conn| Ok(reconciliation::keep(conn, &rows, began).await?)).await?;
            places::reached("reconcile.page").await;
            after = page.data.last().map(|found| found.id.clone());
            if !page.has_more || after.is_none() {
                break;
            }
        }
        let quiet = same(&before, &self.stripe.balance(None).await?);
        ctx.db
            .tx(async |conn| {
                reconciliation::take_time(conn).await?;
                reconciliation::match_up(conn, began).await?;
                let found =
                    reconciliation::differences(conn, began - LATE, began - FIRST, began - OVERLAP).await?;
                for (kind, subject, expected, there, currency) in found {
                    let amounts = (expected.unwrap_or(0), there.unwrap_or(0), currency.unwrap_or_default());
                    self.differ(conn, &kind, &subject, Some(amounts)).await?;
                }
                if quiet {
                    for (currency, sum) in reconciliation::sums(conn).await? {
                        let word = currency.to_ascii_lowercase();
                        let there = before.available(&word).saturating_add(before.pending(&word));
                        if sum != there {
                            self.differ(conn, "balance", &currency, Some((sum, there, currency.clone())))
                                .await?;
                        }
                    }
                }
                Ok(store::events::set_cursor(conn, CURSOR, began).await?)
            })
            .await
    }
}

/// Nothing moved between the two looks.
fn same(before: &Balance, after: &Balance) -> bool {
    let total = |balance: &Balance, of: &stripe::BalanceAmount| {
        balance.available(&of.currency).saturating_add(balance.pending(&of.currency))
    };
    let all = |balance: &Balance| balance.available.clone().into_iter().chain(balance.pending.clone());
    all(before).chain(all(after)).all(|of| total(before, &of) == total(after, &of))
}
