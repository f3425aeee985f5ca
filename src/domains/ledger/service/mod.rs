//! Posting, balances, corrections, snapshots, checks.

pub mod export;
mod text;

use assay_kernel::money::Currency;
use assay_kernel::{Error, Money, Permission, Result};
use assay_platform::Ctx;
use assay_platform::db::Conn;
use assay_platform::outbox::{self, Audience};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::AccountKind;
use crate::model::event::Event;
use crate::model::posting::{AccountRef, Posting};
use crate::store::invariants::Invariants;
use crate::store::{self, reading};

/// Entries since the last snapshot that make another worth its row.
const SNAPSHOT_ENTRIES: i64 = 100;

/// Entries after which there is a snapshot in any case: what a page adds up before its first line.
const SNAPSHOT_STEP: i64 = 1_000;

/// A transaction that is in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its number.
    pub id: i64,
    /// False when the same fact was posted before.
    pub fresh: bool,
}

/// Posts an event in the caller's transaction.
///
/// # Errors
/// `ledger_refused`, `insufficient_funds`, `ledger_key_reused`, or the database's failure. Then the caller's
/// transaction can only be rolled back.
pub async fn post_in(ctx: &Ctx, conn: &mut Conn, event: &Event, contract: Option<Uuid>) -> Result<Posted> {
    write(ctx, conn, &event.posting(contract, ctx.clock.now())).await
}

/// Posts an event as a transaction of its own, in one round trip. A lost connection costs nothing: the same fact is
/// posted once.
///
/// # Errors
/// As [`post_in`].
pub async fn post(ctx: &Ctx, event: &Event, contract: Option<Uuid>) -> Result<Posted> {
    ctx.db.read(async |conn| post_in(ctx, conn, event, contract).await).await
}

async fn write(ctx: &Ctx, conn: &mut Conn, posting: &Posting) -> Result<Posted> {
    posting.check()?;
    let (id, fresh) = store::post(conn, posting, ctx.clock.now()).await.map_err(store::refusal)?;
    Ok(Posted { id, fresh })
}

/// Takes a transaction back by its exact opposite, once.
///
/// # Errors
/// `not_found`, `ledger_refused` for a correction itself, `insufficient_funds` when the money has moved on.
pub async fn correct_in(ctx: &Ctx, conn: &mut Conn, transaction: i64) -> Result<Posted> {
    let wrong = reading::transaction(conn, transaction)
        .await?
        .ok_or_else(|| Error::not_found("transaction of the ledger"))?;
    let currency = currency(&wrong.currency)?;
    let key = format!("correction:{transaction}");
    let mut posting = Posting::new("correction", key, currency, ctx.clock.now())
        .contract(wrong.contract)
        .reverses(transaction);
    posting.milestone = wrong.milestone;
    let names = reading::names(conn, &wrong.accounts).await?;
    for (account, amount) in wrong.accounts.iter().zip(&wrong.amounts) {
        let (_, kind, owner) = names
            .iter()
            .find(|(id, _, _)| id == account)
            .ok_or_else(|| Error::internal("an account of the journal is missing"))?;
        let (account, money) =
            (AccountRef::of(kind.parse()?, *owner), Money::new(amount.saturating_abs(), currency));
        posting = if *amount > 0 { posting.credit(account, money) } else { posting.debit(account, money) };
    }
    write(ctx, conn, &posting).await
}

/// The balance of an account in its own direction; nothing when it was never opened.
///
/// # Errors
/// The database's failure.
pub async fn balance(conn: &mut Conn, account: AccountRef, currency: Currency) -> Result<Money> {
    let found = store::balance(conn, account.kind.as_str(), account.owner, currency.code()).await?;
    Ok(Money::new(found.unwrap_or(0), currency))
}

/// What the platform owns of its money at the provider: fees earned, less its expenses, less what it has advanced for
/// others, less what has gone to its bank. Everything else there is held for somebody.
///
/// # Errors
/// The database's failure.
pub async fn own_money(conn: &mut Conn, currency: Currency) -> Result<Money> {
    use AccountKind as K;
    let mut own = balance(conn, AccountRef::platforms(K::PlatformFee), currency).await?.amount;
    for kind in [K::StripeFee, K::DisputeFee, K::ChargebackLoss, K::Bank] {
        own = own.saturating_sub(balance(conn, AccountRef::platforms(kind), currency).await?.amount);
    }
    let advanced = [K::DeveloperReceivable, K::DisputeHold].map(|kind| kind.as_str().to_owned());
    own = own.saturating_sub(store::guarded(conn, &advanced, currency.code()).await?);
    Ok(Money::new(own, currency))
}

/// Takes snapshots of accounts with many entries since their last. Returns how many.
///
/// # Errors
/// The database's failure.
pub async fn snapshot(ctx: &Ctx) -> Result<usize> {
    let upto = ctx.db.tx(async |conn| Ok(store::horizon(conn).await?)).await?;
    ctx.db
        .tx(async |conn| {
            store::take_time(conn).await?;
            Ok(store::snapshot(conn, upto, (SNAPSHOT_ENTRIES, SNAPSHOT_STEP), ctx.clock.now()).await?)
        })
        .await
}

/// What a check of an invariant found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LedgerFinding)]
pub struct Finding {
    /// The invariant.
    #[schema(example = "guards_are_sums")]
    pub name: String,
    /// What it says.
    pub meaning: String,
    /// How many things offend it; 0 is well.
    #[schema(example = 0)]
    pub offenders: i64,
}

/// Checks every invariant.
///
/// # Errors
/// The database's failure.
pub async fn check(ctx: &Ctx, invariants: Invariants) -> Result<Vec<Finding>> {
    let now = ctx.clock.now();
    ctx.db
        .tx(async |conn| {
            store::take_time(conn).await?;
            check_in(conn, invariants, now).await
        })
        .await
}

/// The same in the caller's transaction.
///
/// # Errors
/// The database's failure.
pub async fn check_in(conn: &mut Conn, invariants: Invariants, now: DateTime<Utc>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for invariant in invariants.iter().copied().flatten() {
        findings.push(Finding {
            name: invariant.name.to_owned(),
            meaning: invariant.meaning.to_owned(),
            offenders: store::number(conn, invariant.offenders, now).await?,
        });
    }
    Ok(findings)
}

/// Checks, keeps what was found for the finance staff, and raises the alarm when something offends.
///
/// # Errors
/// As [`check`].
pub async fn check_and_tell(ctx: &Ctx, invariants: Invariants) -> Result<()> {
    let findings = check(ctx, invariants).await?;
    for finding in &findings {
        #[allow(clippy::cast_precision_loss)] // a gauge is a float
        metrics::gauge!("ledger_offenders", "invariant" => finding.name.clone())
            .set(finding.offenders as f64);
    }
    let broken: Vec<&Finding> = findings.iter().filter(|finding| finding.offenders != 0).collect();
    if !broken.is_empty() {
        tracing::error!(?broken, "the ledger breaks its invariants");
    }
    ctx.db
        .tx(async |conn| {
            let id = ctx.ids.uuid();
            let stored = serde_json::to_value(&findings).map_err(Error::internal)?;
            reading::note_check(conn, id, ctx.clock.now(), stored).await?;
            if !broken.is_empty() {
                let data = json!({ "findings": broken });
                let finance = [Audience::Staff(Permission::Finance)];
                outbox::publish(ctx, conn, "ledger.check_failed", "ledger".to_owned(), data, &finance)
                    .await?;
            }
            Ok(())
        })
        .await
}

/// The newest check's time and findings.
///
/// # Errors
/// The database's failure.
pub async fn last_check(conn: &mut Conn) -> Result<Option<(DateTime<Utc>, Vec<Finding>)>> {
    let Some((at, findings)) = reading::last_check(conn).await? else { return Ok(None) };
    Ok(Some((at, serde_json::from_value(findings).map_err(Error::internal)?)))
}

/// A stored currency.
pub fn currency(code: &str) -> Result<Currency> {
    Currency::parse(code).ok_or_else(|| Error::internal(format!("the ledger holds {code}")))
}
