//! Rate limits: fixed windows of a minute, counted in memory and shared over replicas through PostgreSQL once a
//! second, so that no request waits for a counter. Between two exchanges a replica may let through what it has not
//! heard of yet; over a window the sum is right.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use assay_kernel::{Clock, Result};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::Ctx;
use crate::db::{Conn, DbError};

const WINDOW_SECONDS: i64 = 60;

/// A class of requests with a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Everything not named below.
    Default,
    /// Search and lists.
    Search,
    /// Sign-in and tokens.
    SignIn,
}

impl Class {
    /// The policy's name in `RateLimit-Policy`.
    pub fn name(self) -> &'static str {
        match self {
            Class::Default => "default",
            Class::Search => "search",
            Class::SignIn => "sign_in",
        }
    }
}

/// Requests a minute for each class.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Per caller, everything not named below.
    pub default: u32,
    /// Per caller, search and lists.
    pub search: u32,
    /// Per address, sign-in and tokens.
    pub sign_in: u32,
}

/// What a request is told about its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// May it go on?
    pub allowed: bool,
    /// The class it was counted in.
    pub class: Class,
    /// Requests a window.
    pub quota: u32,
    /// Requests left in this window.
    pub remaining: u64,
    /// Seconds until the window ends.
    pub reset: i64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counter {
    /// Counted here since the last exchange.
    fresh: u64,
    /// The sum over all replicas at the last exchange.
    shared: u64,
}

#[derive(Debug, Default)]
struct Window {
    start: i64,
    counters: HashMap<String, Counter>,
}

/// The limiter. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    limits: Limits,
    clock: Clock,
    window: Arc<Mutex<Window>>,
}

impl RateLimiter {
    /// A limiter with these limits.
    pub fn new(limits: Limits, clock: Clock) -> Self {
        Self { limits, clock, window: Arc::default() }
    }

    /// Counts a request of `caller` and says whether it may go on.
    pub fn count(&self, class: Class, caller: &str) -> Verdict {
        let quota = match class {
            Class::Default => self.limits.default,
            Class::Search => self.limits.search,
            Class::SignIn => self.limits.sign_in,
        };
        let now = self.clock.now().timestamp();
        let start = now - now.rem_euclid(WINDOW_SECONDS);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.start != start {
            *window = Window { start, counters: HashMap::new() };
        }
        let counter = window.counters.entry(format!("{}:{caller}", class.name())).or_default();
        counter.fresh = counter.fresh.saturating_add(1);
        let used = counter.fresh.saturating_add(counter.shared);
        Verdict {
            allowed: used <= u64::from(quota),
            class,
            quota,
            remaining: u64::from(quota).saturating_sub(used),
            reset: start + WINDOW_SECONDS - now,
        }
    }

    /// Adds what was counted here to the shared counters and reads back the sums. Called once a second.
    pub async fn exchange(&self, ctx: &Ctx) -> Result<()> {
        let (start, counted) = {
            let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            let counted: Vec<(String, u64)> = window
                .counters
                .iter_mut()
                .filter(|(_, counter)| counter.fresh > 0)
                .map(|(bucket, counter)| {
                    let fresh = std::mem::take(&mut counter.fresh);
                    counter.shared = counter.shared.saturating_add(fresh);
                    (bucket.clone(), fresh)
                })
                .collect();
            (window.start, counted)
        };
        if counted.is_empty() {
            return Ok(());
        }
        let Some(window_start) = DateTime::<Utc>::from_timestamp(start, 0) else { return Ok(()) };
        let sums = ctx.db.read(async |conn| add(conn, window_start, &counted).await).await?;
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.start == start {
            for sum in sums {
                if let Some(counter) = window.counters.get_mut(&sum.bucket) {
                    counter.shared = u64::try_from(sum.used).unwrap_or(0);
                }
            }
        }
        Ok(())
    }
}

#[derive(diesel::QueryableByName)]
struct Sum {
    #[diesel(sql_type = Text)]
    bucket: String,
    #[diesel(sql_type = BigInt)]
    used: i64,
}

async fn add(conn: &mut Conn, window_start: DateTime<Utc>, counted: &[(String, u64)]) -> Result<Vec<Sum>> {
    // Sorted, so that two replicas never lock the same rows in opposite orders.
    let mut counted = counted.to_vec();
    counted.sort();
    let (buckets, used): (Vec<String>, Vec<i64>) =
        counted.into_iter().map(|(bucket, n)| (bucket, i64::try_from(n).unwrap_or(i64::MAX))).unzip();
    let sums = diesel::sql_query(
        "INSERT INTO rate_counters (bucket, window_start, used)
         SELECT bucket, $1, used FROM unnest($2, $3) AS counted (bucket, used)
         ON CONFLICT (bucket, window_start) DO UPDATE SET used = rate_counters.used + excluded.used
         RETURNING bucket, used",
    )
    .bind::<Timestamptz, _>(window_start)
    .bind::<Array<Text>, _>(buckets)
    .bind::<Array<BigInt>, _>(used)
    .load(conn)
    .await
    .map_err(DbError::from)?;
    Ok(sums)
}

/// Deletes counters of windows that are over.
pub async fn delete_old(ctx: &Ctx, conn: &mut Conn) -> Result<usize> {
    let gone = diesel::sql_query("DELETE FROM rate_counters WHERE window_start < $1")
        .bind::<Timestamptz, _>(ctx.clock.now() - chrono::Duration::minutes(5))
        .execute(conn)
        .await
        .map_err(DbError::from)?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_for_each_caller_and_ends_with_the_window() {
        let clock = Clock::system();
        let limiter = RateLimiter::new(Limits { default: 2, search: 1, sign_in: 1 }, clock.clone());
        assert!(limiter.count(Class::Default, "a").allowed);
        assert_eq!(limiter.count(Class::Default, "a").remaining, 0);
        let refused = limiter.count(Class::Default, "a");
        assert!(!refused.allowed && refused.reset > 0 && refused.reset <= 60);
        assert!(limiter.count(Class::Default, "b").allowed);
        assert!(limiter.count(Class::Search, "a").allowed);
        clock.advance(std::time::Duration::from_secs(61));
        assert!(limiter.count(Class::Default, "a").allowed);
    }
}
