//! Balances: what came and went, and from when it may be used.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::world::{Refused, TRANSACTION, World};

/// The money of one account in one currency.
#[derive(Clone, Debug, Default)]
pub struct Funds {
    available: i64,
    /// By the second from which it is available.
    pending: BTreeMap<i64, i64>,
}

impl Funds {
    fn mature(&mut self, now: i64) {
        let later = self.pending.split_off(&(now + 1));
        self.available += std::mem::replace(&mut self.pending, later).values().sum::<i64>();
    }

    fn pending(&self) -> i64 {
        self.pending.values().sum()
    }
}

/// A movement that is to be written.
pub struct Movement<'a> {
    pub account: Option<&'a str>,
    pub currency: &'a str,
    pub amount: i64,
    pub fee: i64,
    /// `type`, and the category of reports.
    pub kind: (&'static str, &'static str),
    pub source: &'a str,
    pub available_on: DateTime<Utc>,
}

/// Writes a balance transaction; its id.
pub fn post(world: &mut World, movement: &Movement<'_>) -> String {
    let Movement { account, currency, amount, fee, kind, source, available_on } = movement;
    let net = amount - fee;
    let now = world.seconds();
    let funds = world.funds.entry((account.map(str::to_owned), (*currency).to_owned())).or_default();
    funds.mature(now);
    if available_on.timestamp() <= now {
        funds.available += net;
    } else {
        *funds.pending.entry(available_on.timestamp()).or_default() += net;
    }
    let details = (*fee != 0).then(|| {
        json!({ "amount": fee, "application": null, "currency": currency, "description": "Stripe processing fees", "type": "stripe_fee" })
    });
    let value = json!({
        "amount": amount,
        "available_on": available_on.timestamp(),
        "balance_type": "payments",
        "currency": currency,
        "description": null,
        "exchange_rate": null,
        "fee": fee,
        "fee_details": Vec::from_iter(details),
        "net": net,
        "reporting_category": kind.1,
        "source": source,
        "status": "pending",
        "type": kind.0,
    });
    world.add(TRANSACTION, *account, value)
}

/// What may be used now, and what is still to come.
pub fn of(world: &mut World, account: Option<&str>, currency: &str) -> (i64, i64) {
    let now = world.seconds();
    let funds = world.funds.entry((account.map(str::to_owned), currency.to_owned())).or_default();
    funds.mature(now);
    (funds.available, funds.pending())
}

pub fn insufficient(message: &str) -> Refused {
    Refused::invalid(message).code("balance_insufficient")
}

/// `GET /v1/balance`
pub fn balance(world: &mut World, account: Option<&str>) -> Value {
    let owner = account.map(str::to_owned);
    let mut currencies: Vec<String> =
        world.funds.keys().filter(|(of, _)| *of == owner).map(|(_, currency)| currency.clone()).collect();
    if currencies.is_empty() {
        currencies.push("usd".to_owned());
    }
    currencies.sort();
    let mut available = Vec::new();
    let mut pending = Vec::new();
    for currency in &currencies {
        let (now, later) = of(world, account, currency);
        available.push(json!({ "amount": now, "currency": currency, "source_types": { "card": now } }));
        pending.push(json!({ "amount": later, "currency": currency, "source_types": { "card": later } }));
    }
    json!({ "object": "balance", "livemode": false, "available": available, "pending": pending })
}

/// When a card payment of now can be used.
pub fn card_delay() -> Duration {
    Duration::days(2)
}
