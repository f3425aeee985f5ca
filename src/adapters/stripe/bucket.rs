//! Stripe's own limits, kept on our side: 100 requests a second in all, 25 for an endpoint.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many requests may leave in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// For the whole account.
    pub account: u32,
    /// For one endpoint.
    pub endpoint: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { account: 100, endpoint: 25 }
    }
}

/// Buckets of tokens, one for the account and one for each endpoint. A token taken ahead of time is a wait.
#[derive(Debug)]
pub struct Buckets {
    rates: Rates,
    next: Mutex<HashMap<String, Instant>>,
}

/// The account's own name among the endpoints.
const ACCOUNT: &str = "";

impl Buckets {
    pub fn new(rates: Rates) -> Self {
        Self { rates, next: Mutex::default() }
    }

    /// Takes a token of both: how long to wait before sending, or `Err` with it when that is beyond `patience`; then
    /// no token was taken.
    pub fn take(&self, endpoint: &str, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        // A bucket that is full again says nothing.
        next.retain(|_, full_at| *full_at > now);
        let both = [(ACCOUNT, self.rates.account), (endpoint, self.rates.endpoint)];
        // The theoretical arrival time of GCRA: a burst of one second is let through.
        let wait = both
            .iter()
            .map(|(name, rate)| {
                let after = full_at(&next, name, now) + interval(*rate);
                after.saturating_duration_since(now + Duration::from_secs(1))
            })
            .max()
            .unwrap_or_default();
        if wait > patience {
            return Err(wait);
        }
        for (name, rate) in both {
            let after = full_at(&next, name, now) + interval(rate);
            next.insert(name.to_owned(), after);
        }
        Ok(wait)
    }
}

fn full_at(next: &HashMap<String, Instant>, name: &str, now: Instant) -> Instant {
    next.get(name).copied().unwrap_or(now)
}

fn interval(rate: u32) -> Duration {
    Duration::from_secs(1) / rate.max(1)
}
