//! A transaction before it is written: lines that cannot be added up wrongly.

use std::collections::BTreeMap;

use assay_kernel::money::{Currency, MAX_AMOUNT};
use assay_kernel::{Code, Error, Money, Result};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AccountKind;

/// An account by name. It is opened by the first posting that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountRef {
    /// What kind of account.
    pub kind: AccountKind,
    /// Whose; nil for the platform's own.
    pub owner: Uuid,
}

impl AccountRef {
    /// The account of that kind that belongs to `owner`.
    pub fn of(kind: AccountKind, owner: Uuid) -> Self {
        Self { kind, owner }
    }

    /// The platform's own.
    pub fn platforms(kind: AccountKind) -> Self {
        Self { kind, owner: Uuid::nil() }
    }
}

/// A transaction to post: one business fact.
#[derive(Clone, Debug)]
pub struct Posting {
    /// What kind of fact.
    pub kind: &'static str,
    /// The fact itself: it can happen once.
    pub key: String,
    /// The one currency of all lines.
    pub currency: Currency,
    /// The contract that it belongs to.
    pub contract: Option<Uuid>,
    /// The milestone whose money it moves.
    pub milestone: Option<Uuid>,
    /// The transaction that it takes back.
    pub reverses: Option<i64>,
    /// When it happened.
    pub effective_at: DateTime<Utc>,
    lines: BTreeMap<AccountRef, i64>,
    fault: Option<Fault>,
}

/// Why lines cannot be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Currency(Currency),
    Negative,
    TooLarge,
}

impl Posting {
    /// No lines yet.
    pub fn new(kind: &'static str, key: String, currency: Currency, effective_at: DateTime<Utc>) -> Self {
        Self {
            kind,
            key,
            currency,
            contract: None,
            milestone: None,
            reverses: None,
            effective_at,
            lines: BTreeMap::new(),
            fault: None,
        }
    }

    /// Belongs to a contract.
    #[must_use]
    pub fn contract(mut self, contract: Option<Uuid>) -> Self {
        self.contract = contract;
        self
    }

    /// Moves money of a milestone.
    #[must_use]
    pub fn milestone(mut self, milestone: Uuid) -> Self {
        self.milestone = Some(milestone);
        self
    }

    /// Takes that transaction back.
    #[must_use]
    pub fn reverses(mut self, transaction: i64) -> Self {
        self.reverses = Some(transaction);
        self
    }

    /// Debits an account. Nothing happens for nothing.
    #[must_use]
    pub fn debit(self, account: AccountRef, amount: Money) -> Self {
        self.line(account, amount, 1)
    }

    /// Credits an account.
    #[must_use]
    pub fn credit(self, account: AccountRef, amount: Money) -> Self {
        self.line(account, amount, -1)
    }

    fn line(mut self, account: AccountRef, amount: Money, sign: i64) -> Self {
        let fault = if amount.currency != self.currency {
            Some(Fault::Currency(amount.currency))
        } else if amount.amount < 0 {
            Some(Fault::Negative)
        } else {
            let line = self.lines.entry(account).or_default();
            // Within ±2⁵³ each, so the sum of two fits.
            *line = line.saturating_add(amount.amount.saturating_mul(sign));
            (line.unsigned_abs() > MAX_AMOUNT.unsigned_abs()).then_some(Fault::TooLarge)
        };
        self.fault = self.fault.or(fault);
        self
    }

    /// The lines: debits positive, credits negative, none of nothing.
    pub fn lines(&self) -> impl Iterator<Item = (AccountRef, i64)> + '_ {
        self.lines.iter().filter(|(_, amount)| **amount != 0).map(|(account, amount)| (*account, *amount))
    }

    /// The database refuses the same; here the answer is a better one.
    ///
    /// # Errors
    /// `ledger_refused` when it mixes currencies, moves negative amounts or nothing, or does not balance.
    pub fn check(&self) -> Result<()> {
        let refused = |detail: String| Err(Error::new(Code::LedgerRefused, detail));
        match self.fault {
            Some(Fault::Currency(other)) => {
                return refused(format!("The transaction is in {}, not in {other}.", self.currency));
            }
            Some(Fault::Negative) => return refused("An amount is below zero.".to_owned()),
            Some(Fault::TooLarge) => return refused("An amount is too large.".to_owned()),
            None => {}
        }
        let (mut count, mut sum) = (0_usize, 0_i128);
        for (_, amount) in self.lines() {
            count = count.saturating_add(1);
            sum = sum.saturating_add(i128::from(amount));
        }
        if count < 2 {
            return refused("The transaction moves nothing.".to_owned());
        }
        if sum != 0 {
            return refused(format!("Debits and credits differ by {sum}."));
        }
        Ok(())
    }
}
