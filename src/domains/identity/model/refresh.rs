//! What becomes of a refresh token that is shown: rotation with reuse detection.

use chrono::{DateTime, Duration, Utc};

/// Seconds in which a used token may be shown again, if its successor was never used: the answer was lost on the way.
const GRACE_SECONDS: i64 = 60;

/// A refresh token and its family as they stand.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// The family has not ended and the token has not expired.
    pub live: bool,
    /// When the token was first used.
    pub used_at: Option<DateTime<Utc>>,
    /// Its successor has been used.
    pub successor_used: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Give a successor.
    Rotate,
    /// Give another successor in place of the one that was lost.
    Replace,
    /// Somebody else holds a copy: end the family.
    Reused,
    /// Refuse.
    Dead,
}

impl Shown {
    /// What to do with it now.
    pub fn verdict(self, now: DateTime<Utc>) -> Verdict {
        match self.used_at {
            _ if !self.live => Verdict::Dead,
            None => Verdict::Rotate,
            Some(at) if !self.successor_used && now - at <= Duration::seconds(GRACE_SECONDS) => {
                Verdict::Replace
            }
            Some(_) => Verdict::Reused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_token_ends_its_family_except_in_the_one_grace_case() {
        let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let ago = |seconds| Some(now - Duration::seconds(seconds));
        let shown = Shown { live: true, used_at: None, successor_used: false };
        assert_eq!(shown.verdict(now), Verdict::Rotate);
        assert_eq!(Shown { used_at: ago(60), ..shown }.verdict(now), Verdict::Replace);
        assert_eq!(Shown { used_at: ago(61), ..shown }.verdict(now), Verdict::Reused);
        assert_eq!(Shown { used_at: ago(1), successor_used: true, ..shown }.verdict(now), Verdict::Reused);
        assert_eq!(Shown { live: false, used_at: ago(1), successor_used: true }.verdict(now), Verdict::Dead);
    }
}
