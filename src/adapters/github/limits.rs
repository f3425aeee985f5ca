//! GitHub's rate limits: what an answer says about them, and the memory of who must wait until when.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Never believe that a limit lasts longer: GitHub's primary window is an hour.
const LONGEST: i64 = 3_660;
/// GitHub's advice when a secondary limit names no time.
const SECONDARY: i64 = 60;
/// More remembered callers than this, and the passed ones are swept out.
const SWEEP_AT: usize = 4_096;

/// The buckets that GitHub counts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Resource {
    /// Everything but search.
    Core,
    /// Search.
    Search,
}

/// A caller: a hash of the token, keyed by this process, so that no token is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Caller(u64);

/// Who must wait until when.
#[derive(Debug, Default)]
pub(super) struct Limits {
    hasher: RandomState,
    until: Mutex<HashMap<(Caller, Resource), DateTime<Utc>>>,
}

impl Limits {
    pub fn caller(&self, token: Option<&str>) -> Caller {
        Caller(self.hasher.hash_one(token))
    }

    pub fn blocked_until(
        &self,
        caller: Caller,
        resource: Resource,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let time = *until.get(&(caller, resource))?;
        if time > now {
            return Some(time);
        }
        until.remove(&(caller, resource));
        None
    }

    pub fn remember(&self, caller: Caller, resource: Resource, time: DateTime<Utc>, now: DateTime<Utc>) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.len() >= SWEEP_AT {
            until.retain(|_, time| *time > now);
        }
        let entry = until.entry((caller, resource)).or_insert(time);
        *entry = (*entry).max(time);
    }
}

/// When an answer says that nothing more may be sent for a while: until when.
pub(super) fn limited(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    if let Some(seconds) = number(headers, RETRY_AFTER.as_str()) {
        return Some(after(now, seconds));
    }
    if let Some(reset) = used_up(headers, now) {
        return Some(reset);
    }
    (status == StatusCode::TOO_MANY_REQUESTS).then(|| after(now, SECONDARY))
}

/// When nothing is left of the primary limit: until when.
pub(super) fn used_up(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if number(headers, "x-ratelimit-remaining") != Some(0) {
        return None;
    }
    let seconds = match number(headers, "x-ratelimit-reset") {
        Some(reset) => reset.saturating_sub(now.timestamp()),
        None => SECONDARY,
    };
    Some(after(now, seconds))
}

/// The waiting time that a 503 asks for.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    number(headers, RETRY_AFTER.as_str())
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(Duration::from_secs)
}

/// The sixty seconds that GitHub asks for when it names no time.
pub(super) fn unnamed(now: DateTime<Utc>) -> DateTime<Utc> {
    after(now, SECONDARY)
}

fn after(now: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    now.checked_add_signed(chrono::Duration::seconds(seconds.clamp(1, LONGEST))).unwrap_or(now)
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    if text.len() > 18 { None } else { text.parse::<i64>().ok().filter(|number| *number >= 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn absurd_times_are_bounded() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let wait = |pairs: &[_]| {
            limited(StatusCode::FORBIDDEN, &headers(pairs), now).map(|t| (t - now).num_seconds())
        };
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "999999999999")]), Some(LONGEST));
        assert_eq!(wait(&[("retry-after", "-5")]), None);
        assert_eq!(wait(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1800000030")]), Some(30));
        assert_eq!(wait(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")]), Some(1));
        assert_eq!(wait(&[("x-ratelimit-remaining", "0")]), Some(SECONDARY));
        assert_eq!(wait(&[("x-ratelimit-remaining", "12")]), None);
        assert_eq!(limited(StatusCode::TOO_MANY_REQUESTS, &headers(&[]), now), Some(unnamed(now)));
        assert_eq!(limited(StatusCode::OK, &headers(&[("retry-after", "7")]), now), None);
    }

    #[test]
    fn callers_and_buckets_are_apart() {
        let limits = Limits::default();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (ada, eve) = (limits.caller(Some("ada")), limits.caller(Some("eve")));
        limits.remember(ada, Resource::Search, after(now, 30), now);
        assert!(limits.blocked_until(ada, Resource::Search, now).is_some());
        assert!(limits.blocked_until(ada, Resource::Core, now).is_none());
        assert!(limits.blocked_until(eve, Resource::Search, now).is_none());
        assert!(limits.blocked_until(ada, Resource::Search, after(now, 31)).is_none());
    }
}
