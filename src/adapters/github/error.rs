//! What can go wrong with GitHub. No variant carries a token, a code or a body.

use std::time::Duration;

use assay_kernel::{Code, Error};
use chrono::{DateTime, Utc};

/// Why GitHub would not sign somebody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The person declined.
    AccessDenied,
    /// The code is wrong, used, too old, or does not go with the PKCE verifier.
    BadVerificationCode,
    /// Our client id or secret is wrong.
    IncorrectClientCredentials,
    /// The callback URL is not the registered one.
    RedirectUriMismatch,
    /// The person has no verified primary e-mail address at GitHub.
    UnverifiedUserEmail,
    /// GitHub has suspended our application.
    ApplicationSuspended,
    /// Some other `error`.
    Other,
}

impl Refusal {
    /// Reads the `error` of a token answer or of a callback's query.
    pub fn parse(error: &str) -> Self {
        match error {
            "access_denied" => Self::AccessDenied,
            "bad_verification_code" | "invalid_grant" => Self::BadVerificationCode,
            "incorrect_client_credentials" | "invalid_client" => Self::IncorrectClientCredentials,
            "redirect_uri_mismatch" => Self::RedirectUriMismatch,
            "unverified_user_email" => Self::UnverifiedUserEmail,
            "application_suspended" => Self::ApplicationSuspended,
            _ => Self::Other,
        }
    }

    /// Is it for the operator of the service to put right, not for the person who signs in?
    pub fn is_ours(self) -> bool {
        matches!(
            self,
            Self::IncorrectClientCredentials | Self::RedirectUriMismatch | Self::ApplicationSuspended
        )
    }

    fn message(self) -> &'static str {
        match self {
            Self::AccessDenied => "The sign-in was declined at GitHub.",
            Self::BadVerificationCode => "GitHub did not accept the code: it is wrong, used or too old.",
            Self::IncorrectClientCredentials => "GitHub did not accept the service's own credentials.",
            Self::RedirectUriMismatch => "The callback URL is not the one registered at GitHub.",
            Self::UnverifiedUserEmail => "The GitHub account has no verified primary e-mail address.",
            Self::ApplicationSuspended => "The service's GitHub application is suspended.",
            Self::Other => "GitHub refused the sign-in.",
        }
    }
}

/// A failure of the GitHub client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GithubError {
    /// The configuration cannot work.
    #[error("GitHub client: {0}")]
    Config(&'static str),
    /// The sign-in was refused.
    #[error("GitHub refused the sign-in: {0:?}")]
    Refused(Refusal),
    /// The access token is not (or no longer) valid.
    #[error("GitHub does not accept the access token")]
    Unauthorized,
    /// Known, but not allowed (missing scope, blocked repository, too large a history).
    #[error("GitHub does not allow {what}")]
    Forbidden {
        /// The operation.
        what: &'static str,
    },
    /// There is no such thing, or the token may not see it.
    #[error("GitHub has no such thing: {what}")]
    NotFound {
        /// The operation.
        what: &'static str,
    },
    /// The rate limit is used up; nothing is sent until `retry_at`.
    #[error("GitHub's rate limit is used up until {retry_at}")]
    RateLimited {
        /// When to go on.
        retry_at: DateTime<Utc>,
        /// How long that is from when the error was made.
        retry_after: Duration,
    },
    /// GitHub cannot be reached or answers with 5xx, after all tries.
    #[error("GitHub is not available: {reason}")]
    Unavailable {
        /// What happened.
        reason: &'static str,
        /// The cause, without its URL.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The answer is not one that GitHub's description allows, or is larger than we take.
    #[error("GitHub's answer is malformed ({what}): {detail}")]
    Malformed {
        /// The operation.
        what: &'static str,
        /// What is wrong, and where; never a value from the answer.
        detail: String,
    },
}

impl GithubError {
    pub(super) fn malformed(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Malformed { what, detail: detail.into() }
    }

    pub(super) fn transport(error: reqwest::Error) -> Self {
        let reason = if error.is_timeout() {
            "no answer in time"
        } else if error.is_connect() {
            "no connection"
        } else {
            "the connection broke"
        };
        Self::Unavailable { reason, source: Some(error.without_url()) }
    }
}

impl From<GithubError> for Error {
    fn from(error: GithubError) -> Self {
        let unavailable = |detail: &str, seconds: u64| {
            Error::new(Code::ProviderUnavailable, detail.to_owned()).with_retry_after(seconds.max(1))
        };
        let mapped = match &error {
            GithubError::Config(_) => Error::new(Code::Internal, Code::Internal.meaning()),
            GithubError::Refused(refusal) if refusal.is_ours() => {
                unavailable("Sign-in with GitHub is not set up correctly; the operator has been told.", 300)
            }
            GithubError::Refused(refusal) => Error::new(Code::SignInFailed, refusal.message()),
            GithubError::Unauthorized => {
                Error::new(Code::SignInFailed, "GitHub no longer accepts the authorisation. Sign in again.")
            }
            GithubError::NotFound { .. } => Error::not_found("thing at GitHub"),
            GithubError::Forbidden { .. } => unavailable("GitHub does not allow this request.", 300),
            GithubError::RateLimited { retry_after, .. } => unavailable(
                "GitHub's rate limit is used up for now.",
                retry_after.as_secs().saturating_add(1),
            ),
            GithubError::Unavailable { .. } => unavailable("GitHub does not answer now.", 10),
            GithubError::Malformed { .. } => unavailable("GitHub's answer cannot be used.", 60),
        };
        mapped.with_source(error)
    }
}
