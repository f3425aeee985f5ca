//! How a call ends when it is not done. No variant carries a key, a body or a person's data.

use std::fmt;
use std::time::Duration;

use assay_kernel::{Code, Error};

/// Done with the object, or one of the two other ends.
pub type Outcome<T> = Result<T, Failure>;

/// Why there is no object.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Stripe answered definitely: nothing happened, and the key must not be used again.
    #[error("Stripe refused: {0}")]
    Refused(Refusal),
    /// Whether anything happened is not known: the same key with the same bytes, later, or a look-up.
    #[error("the outcome at Stripe is unknown: {0}")]
    Unknown(Unknown),
    /// The client cannot be set up.
    #[error("Stripe client: {0}")]
    Config(&'static str),
}

/// Which definite refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The bank or the card said no.
    Card,
    /// The request cannot be fulfilled as it is.
    Invalid,
    /// No such object, or not visible to this account.
    Missing,
    /// The service's own key is wrong or may not do this: for the operator.
    Credentials,
}

/// A definite 4xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which kind.
    pub kind: RefusalKind,
    /// The status of the answer.
    pub status: u16,
    /// Stripe's `code`, such as `balance_insufficient`.
    pub code: Option<String>,
    /// The bank's reason, such as `insufficient_funds`.
    pub decline_code: Option<String>,
    /// The parameter that it is about.
    pub param: Option<String>,
    /// Stripe's sentence, shortened, with addresses and numbers of accounts blotted out.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.decline_code.as_deref().or(self.code.as_deref()).unwrap_or("no code");
        write!(f, "{} {code}", self.status)
    }
}

/// Why an outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Our own limit held it back: surely not sent.
    HeldBack,
    /// No connection was made.
    NoConnection,
    /// No answer in time.
    TimedOut,
    /// The connection broke after the request may have left.
    Broken,
    /// 5xx.
    ServerError,
    /// 409: the key is being worked on.
    KeyInUse,
    /// 429.
    TooManyRequests,
    /// The key was first used with another body; what that did has to be looked up.
    KeyOfAnother,
    /// 2xx, or an error, that cannot be read.
    Unreadable,
}

/// An unknown outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Why.
    pub why: Why,
    /// How long Stripe, or our limit, asks us to wait.
    pub retry_after: Option<Duration>,
    /// A stored answer: repeating the key can only bring it again.
    pub replayed: bool,
    /// For the log: where the answer cannot be read.
    pub detail: String,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.why)?;
        if self.replayed {
            f.write_str(", a stored answer")?;
        }
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

impl Failure {
    pub(super) fn unknown(why: Why) -> Self {
        Self::Unknown(Unknown { why, retry_after: None, replayed: false, detail: String::new() })
    }

    pub(super) fn unreadable(detail: impl Into<String>) -> Self {
        Self::Unknown(Unknown {
            why: Why::Unreadable,
            retry_after: None,
            replayed: false,
            detail: detail.into(),
        })
    }

    pub(super) fn transport(error: &reqwest::Error) -> Self {
        Self::unknown(if error.is_connect() {
            Why::NoConnection
        } else if error.is_timeout() {
            Why::TimedOut
        } else {
            Why::Broken
        })
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Why the outcome is unknown, if it is.
    pub fn why(&self) -> Option<Why> {
        match self {
            Self::Unknown(unknown) => Some(unknown.why),
            _ => None,
        }
    }
}

/// For calls on a person's behalf; commands of money look at the [`Failure`] itself.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let unavailable = |detail: &'static str, seconds: u64| {
            Error::new(Code::ProviderUnavailable, detail).with_retry_after(seconds.max(1))
        };
        let mapped = match &failure {
            Failure::Config(_) => Error::new(Code::Internal, Code::Internal.meaning()),
            Failure::Refused(refusal) if refusal.kind == RefusalKind::Missing => {
                Error::not_found("thing at Stripe")
            }
            Failure::Refused(_) => unavailable("Stripe does not allow this request.", 300),
            Failure::Unknown(unknown) => {
                let wait = unknown.retry_after.map_or(10, |wait| wait.as_secs().saturating_add(1));
                unavailable("Stripe does not answer now.", wait)
            }
        };
        mapped.with_source(failure)
    }
}
