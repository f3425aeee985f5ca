//! How a request to the provider goes on. Pure.

use assay_adapters::stripe::{Failure, RefusalKind, Why};
use assay_kernel::{Entropy, string_enum};
use chrono::{DateTime, Duration, Utc};

string_enum! {
    /// What is asked for.
    pub enum CommandKind {
        /// A client's payment.
        Payment = "payment",
        /// A transfer to a developer.
        Transfer = "transfer",
        /// A part of a transfer back.
        Reversal = "reversal",
        /// A refund.
        Refund = "refund",
        /// A payout to a bank.
        Payout = "payout",
        /// Evidence in a dispute.
        Evidence = "evidence",
    }
}

string_enum! {
    /// Where a request stands.
    pub enum CommandState {
        /// Never sent.
        New = "new",
        /// Sent once or more; its end is not known.
        Sent = "sent",
        /// Done.
        Confirmed = "confirmed",
        /// Definitely not done; its key is never used again.
        Refused = "refused",
        /// Its key is too old to be sent again: it is looked for.
        Unknown = "unknown",
        /// Looked for to the end, and not there: nothing was done.
        Absent = "absent",
    }
}

/// Stripe keeps keys for a day; past this they are not trusted.
pub const KEY_LIFE: Duration = Duration::hours(23);
/// How long a sent request is one worker's. Longer than the client's time for an answer and its waits.
pub const LEASE: Duration = Duration::seconds(50);
/// Between two looks for a request whose key is too old.
pub const LOOK_AGAIN: Duration = Duration::minutes(10);
/// The longest pause between two tries.
const LONGEST: i64 = 1_800_000;

/// What to do after a try that did not end in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same bytes under the same key, then.
    Again(DateTime<Utc>),
    /// Look whether it was done, then.
    Look(DateTime<Utc>),
    /// Nothing was done, and nothing will be.
    Refused(String),
}

/// What to do after that failure, the `attempt`-th, of a request first sent at `first_sent`.
pub fn after(
    failure: &Failure,
    attempt: i32,
    first_sent: DateTime<Utc>,
    now: DateTime<Utc>,
    entropy: &Entropy,
) -> Next {
    let asked = match failure {
        // The service's own key is wrong: an operator's matter, and no fault of the request.
        Failure::Refused(refusal) if refusal.kind == RefusalKind::Credentials => None,
        Failure::Refused(refusal) => {
            let code = refusal.decline_code.as_deref().or(refusal.code.as_deref());
            return Next::Refused(code.unwrap_or("refused").to_owned());
        }
        Failure::Config(_) => None,
        // A stored failure comes again for as long as the key lives; another body had the key.
        Failure::Unknown(unknown) if unknown.replayed || unknown.why == Why::KeyOfAnother => {
            return Next::Look(now + LOOK_AGAIN);
        }
        Failure::Unknown(unknown) => unknown.retry_after,
    };
    let pause =
        back_off(attempt, entropy).max(asked.and_then(|d| Duration::from_std(d).ok()).unwrap_or_default());
    let at = now + pause;
    if at - first_sent < KEY_LIFE { Next::Again(at) } else { Next::Look(now) }
}

/// Seconds doubled with each try, half an hour at most, of which a random half is taken off.
pub fn back_off(attempt: i32, entropy: &Entropy) -> Duration {
    let doublings = u32::try_from(attempt.clamp(0, 20)).unwrap_or(0);
    let ceiling = 1_000_i64.saturating_mul(2_i64.saturating_pow(doublings)).min(LONGEST);
    let random = i64::from(u16::from_le_bytes(entropy.bytes()));
    Duration::milliseconds(ceiling / 2 + (ceiling / 2).saturating_mul(random) / 65_536)
}

#[cfg(test)]
mod tests {
    use assay_adapters::stripe::{Refusal, Unknown};
    use proptest::prelude::*;

    use super::*;

    fn unknown(why: Why, replayed: bool) -> Failure {
        Failure::Unknown(Unknown { why, retry_after: None, replayed, detail: String::new() })
    }

    fn refused(kind: RefusalKind) -> Failure {
        Failure::Refused(Refusal {
            kind,
            status: 400,
            code: Some("balance_insufficient".into()),
            decline_code: None,
            param: None,
            message: String::new(),
        })
    }

    proptest! {
        #[test]
        fn a_key_is_never_used_beyond_its_life(attempt in 1..200, minutes in 0_i64..3_000, seed: u64) {
            let first = DateTime::UNIX_EPOCH;
            let now = first + Duration::minutes(minutes);
            match after(&unknown(Why::TimedOut, false), attempt, first, now, &Entropy::seeded(seed)) {
                Next::Again(at) => prop_assert!(at > now && at - first < KEY_LIFE),
                Next::Look(at) => prop_assert!(at >= now && minutes > 22 * 60),
                Next::Refused(_) => prop_assert!(false),
            }
        }
    }

    #[test]
    fn only_a_definite_refusal_ends_it() {
        let (now, entropy) = (DateTime::UNIX_EPOCH, Entropy::seeded(1));
        let next = |failure| after(&failure, 1, now, now, &entropy);
        assert_eq!(next(refused(RefusalKind::Invalid)), Next::Refused("balance_insufficient".into()));
        assert!(matches!(next(refused(RefusalKind::Credentials)), Next::Again(_)));
        for why in [Why::TimedOut, Why::ServerError, Why::KeyInUse, Why::TooManyRequests, Why::Unreadable] {
            assert!(matches!(next(unknown(why, false)), Next::Again(_)), "{why:?}");
        }
        assert!(matches!(next(unknown(Why::ServerError, true)), Next::Look(_)));
        assert!(matches!(next(unknown(Why::KeyOfAnother, false)), Next::Look(_)));
    }
}
