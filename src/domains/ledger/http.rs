//! What finance staff see of the ledger.

use actix_web::get;
use actix_web::web::Data;
use assay_kernel::ids::{LedgerAccountId, LedgerTransactionId};
use assay_kernel::{Error, Limit, Money, Page, Result};
use assay_platform::Ctx;
use assay_platform::web::{Auth, Cursor, Finance, Outcome, Path, Query, Reply, Routes};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::model::AccountKind;
use crate::service::{self, Finding, currency};
use crate::store::reading;

/// Registers the operations.
pub fn routes(routes: &mut Routes<'_>) {
    routes
        .service(get_ledger_health)
        .service(list_ledger_accounts)
        .service(get_ledger_transaction)
        .service(get_trial_balance);
}

/// How the ledger stands.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerHealth {
    /// No invariant was offended at the last check; null before the first.
    healthy: Option<bool>,
    /// When it was checked.
    checked_at: Option<DateTime<Utc>>,
    /// What was found, invariant by invariant.
    findings: Vec<Finding>,
}

/// Shows what the last check of the ledger found.
///
/// It is checked every hour; `assay ledger check` does it at once.
#[utoipa::path(
    tag = "ledger",
    responses((status = 200, description = "The last check.", body = LedgerHealth)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/ledger/health")]
async fn get_ledger_health(ctx: Data<Ctx>, _caller: Auth<Finance>) -> Outcome {
    let last = ctx.db.read(async |conn| service::last_check(conn).await).await?;
    let (checked_at, findings) = last.unzip();
    let healthy = findings.as_ref().map(|findings| findings.iter().all(|finding| finding.offenders == 0));
    Ok(Reply::ok(&LedgerHealth { healthy, checked_at, findings: findings.unwrap_or_default() })?)
}

/// An account of the ledger.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerAccountView {
    /// Its id.
    id: LedgerAccountId,
    /// What kind of account.
    kind: AccountKind,
    /// Whose: the id of a person, an organisation, a milestone, a command or a dispute as it is stored; null for the
    /// platform's own.
    owner: Option<Uuid>,
    /// Its balance in its own direction.
    balance: Money,
    /// When it was opened.
    created_at: DateTime<Utc>,
}

/// Which accounts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListLedgerAccounts {
    /// Only those of this kind.
    #[param(inline)]
    kind: Option<AccountKind>,
    /// Only those of this owner.
    owner: Option<Uuid>,
    /// Items a page.
    #[serde(default)]
    #[param(value_type = u16, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// Where to go on, from `next_cursor`.
    cursor: Option<String>,
}

fn account_id(number: i64) -> LedgerAccountId {
    LedgerAccountId::from_uuid(Uuid::from_u128(u128::from(number.unsigned_abs())))
}

fn transaction_id(number: i64) -> LedgerTransactionId {
    LedgerTransactionId::from_uuid(Uuid::from_u128(u128::from(number.unsigned_abs())))
}

/// Lists the accounts of the ledger with their balances, the oldest first.
#[utoipa::path(
    tag = "ledger",
    params(ListLedgerAccounts),
    responses((status = 200, description = "A page of accounts.", body = Page<LedgerAccountView>)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/ledger/accounts")]
async fn list_ledger_accounts(
    ctx: Data<Ctx>,
    _caller: Auth<Finance>,
    query: Query<ListLedgerAccounts>,
) -> Outcome {
    let ListLedgerAccounts { kind, owner, limit, cursor } = query.0;
    let kind = kind.map(AccountKind::as_str);
    let cursors = Cursor::new(&ctx.keys, "ledger_accounts", &(kind, owner));
    let after: i64 = cursor.as_deref().map(|c| cursors.decode(c)).transpose()?.unwrap_or(0);
    let rows = ctx
        .db
        .read(async |conn| Ok(reading::accounts(conn, kind, owner, after, limit.fetch()).await?))
        .await?;
    let page = cursors.page(rows, limit, |account| account.id)?;
    let view = |account: reading::Account| -> Result<LedgerAccountView> {
        Ok(LedgerAccountView {
            id: account_id(account.id),
            kind: account.kind.parse()?,
            owner: (!account.owner.is_nil()).then_some(account.owner),
            balance: Money::new(account.balance, currency(&account.currency)?),
            created_at: account.created_at,
        })
    };
    Ok(Reply::page(&page.try_map(view)?)?)
}

/// A line of a transaction.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerLineView {
    /// The account.
    account: LedgerAccountId,
    /// What kind of account.
    kind: AccountKind,
    /// Debit positive, credit negative.
    amount: Money,
}

/// A transaction of the ledger.
#[derive(Debug, Serialize, ToSchema)]
struct LedgerTransactionView {
    /// Its id.
    id: LedgerTransactionId,
    /// What kind of fact it records.
    #[schema(example = "release")]
    kind: String,
    /// The fact: it can be recorded once.
    #[schema(example = "release:01931f6b-2c7a-7d0e-9a4c-5b6d7e8f9a0b")]
    key: String,
    /// Its lines, which sum to zero.
    lines: Vec<LedgerLineView>,
    /// The transaction that it takes back.
    reverses: Option<LedgerTransactionId>,
    /// When it happened.
    effective_at: DateTime<Utc>,
    /// When it was written.
    created_at: DateTime<Utc>,
}

/// Shows a transaction of the ledger.
#[utoipa::path(
    tag = "ledger",
    responses((status = 200, description = "The transaction.", body = LedgerTransactionView)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/ledger/transactions/{id}")]
async fn get_ledger_transaction(
    ctx: Data<Ctx>,
    _caller: Auth<Finance>,
    id: Path<LedgerTransactionId>,
) -> Outcome {
    let missing = || Error::not_found("transaction of the ledger");
    let number = i64::try_from(id.0.uuid().as_u128()).map_err(|_| missing())?;
    let read = ctx.db.read(async |conn| {
        let found = reading::transaction(conn, number).await?.ok_or_else(missing)?;
        let names = reading::names(conn, &found.accounts).await?;
        Ok((found, names))
    });
    let (found, names) = read.await?;
    let currency = currency(&found.currency)?;
    let mut lines = Vec::with_capacity(found.accounts.len());
    for (account, amount) in found.accounts.iter().zip(&found.amounts) {
        let kind = names.iter().find(|(id, _, _)| id == account).map_or("", |(_, kind, _)| kind.as_str());
        let amount = Money::new(*amount, currency);
        lines.push(LedgerLineView { account: account_id(*account), kind: kind.parse()?, amount });
    }
    Ok(Reply::ok(&LedgerTransactionView {
        id: transaction_id(found.id),
        kind: found.kind,
        key: found.key,
        lines,
        reverses: found.reverses.map(transaction_id),
        effective_at: found.effective_at,
        created_at: found.created_at,
    })?)
}

/// The sum of all accounts of a kind.
#[derive(Debug, Serialize, ToSchema)]
struct TrialLineView {
    /// The kind of account.
    kind: AccountKind,
    /// How many accounts.
    #[schema(example = 12)]
    accounts: i64,
    /// Their sum: debit positive, credit negative.
    sum: Money,
}

/// Every kind of account with its sum.
#[derive(Debug, Serialize, ToSchema)]
struct TrialBalance {
    /// By currency and kind; the sums of a currency sum to zero.
    lines: Vec<TrialLineView>,
}

/// Shows the trial balance: the sum of each kind of account.
#[utoipa::path(
    tag = "ledger",
    responses((status = 200, description = "The trial balance.", body = TrialBalance)),
    extensions(("x-access" = json!("finance")))
)]
#[get("/v1/ledger/trial_balance")]
async fn get_trial_balance(ctx: Data<Ctx>, _caller: Auth<Finance>) -> Outcome {
    let rows = ctx.db.read(async |conn| Ok(reading::trial_balance(conn).await?)).await?;
    let view = |line: reading::TrialLine| -> Result<TrialLineView> {
        let sum = Money::new(line.sum, currency(&line.currency)?);
        Ok(TrialLineView { kind: line.kind.parse()?, accounts: line.accounts, sum })
    };
    Ok(Reply::ok(&TrialBalance { lines: rows.into_iter().map(view).collect::<Result<_>>()? })?)
}
