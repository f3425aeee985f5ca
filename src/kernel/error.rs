//! The one error type and the one table of error codes: code → status → title → meaning.
//!
//! Every failure that reaches a caller is an [`Error`] with a [`Code`] of this table; the table is also what
//! `GET /v1/problems/{code}` and `api-spec/README.md` show. Internal causes travel in `source` and are logged once,
//! at the edge; they never reach the caller.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// The result of everything that can fail towards a caller.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal, $meaning:literal;)*) => {
        /// A stable error code. See [`Code::all`] for the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $variant,)* }

        impl Code {
            /// The whole table, in the order of the statuses.
            pub const fn all() -> &'static [Code] { &[$(Code::$variant),*] }
            /// The stable snake_case name.
            pub const fn as_str(self) -> &'static str { match self { $(Code::$variant => $code),* } }
            /// The HTTP status that goes with the code (RFC 9110).
            pub const fn status(self) -> u16 { match self { $(Code::$variant => $status),* } }
            /// The short title, the same for every occurrence (RFC 9457 `title`).
            pub const fn title(self) -> &'static str { match self { $(Code::$variant => $title),* } }
            /// What it means and what to do about it.
            pub const fn meaning(self) -> &'static str { match self { $(Code::$variant => $meaning),* } }
            /// The name of the variant in code, for the test that demands each be used.
            pub const fn variant(self) -> &'static str { match self { $(Code::$variant => stringify!($variant)),* } }
        }
    };
}

codes! {
    MalformedRequest = "malformed_request", 400, "Malformed request",
        "The request cannot be read: broken JSON, a bad path or header, or a query parameter of the wrong form.";
    UnknownParameter = "unknown_parameter", 400, "Unknown query parameter",
        "The operation does not know this query parameter. Spelling and letter case matter.";
    InvalidCursor = "invalid_cursor", 400, "Invalid cursor",
        "The cursor was not made by this list with these filters. Start again without a cursor.";
    SignInFailed = "sign_in_failed", 400, "Sign-in failed",
        "The sign-in with GitHub did not complete: the state is unknown, used or too old, the person declined, or GitHub refused the code. Start the sign-in again.";
    Unauthenticated = "unauthenticated", 401, "Not signed in",
        "The operation needs a valid session, access token or API token; none was sent, or it is unknown, expired or revoked.";
    InvalidRefreshToken = "invalid_refresh_token", 401, "Invalid refresh token",
        "The refresh token is unknown, expired or revoked. A refresh token that is shown a second time revokes its whole family. Sign in again.";
    AccountSuspended = "account_suspended", 403, "Account suspended",
        "The account is suspended; the detail gives the reason. It can only read its own data and appeal.";
    Forbidden = "forbidden", 403, "Not allowed",
        "The caller is known but may not do this; the detail names the role or permission that is missing.";
    SignUpRequired = "sign_up_required", 403, "Sign-up not finished",
        "The account has signed in but not signed up. Finish with POST /v1/me/sign_up.";
    InsufficientScope = "insufficient_scope", 403, "Token scope missing",
        "The API token does not carry the scope that the operation needs (RFC 6750).";
    ReauthenticationRequired = "reauthentication_required", 403, "Recent sign-in required",
        "The operation is sensitive and needs a sign-in not older than ten minutes. Sign in again and repeat.";
    StepUpRequired = "step_up_required", 403, "Second factor required",
        "The operation is sensitive and needs a code of the second factor given in the last ten minutes: POST /v1/me/step_up, then repeat.";
    SecondFactorRequired = "second_factor_required", 403, "Second factor not set up",
        "The operation is for staff with a second factor. Set one up with POST /v1/me/second_factor.";
    CrossSiteRequest = "cross_site_request", 403, "Cross-site request refused",
        "A browser session may change things only from an allowed origin with a JSON body.";
    NotFound = "not_found", 404, "Not found",
        "There is no such thing, or the caller may not know of it.";
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed",
        "The path exists, but not with this method; the Allow header lists the methods it has.";
    NotAcceptable = "not_acceptable", 406, "Not acceptable",
        "The service answers with JSON; the Accept header excludes it.";
    RequestTimeout = "request_timeout", 408, "Request timed out",
        "The request body did not arrive in time.";
    StateConflict = "state_conflict", 409, "Not possible in this state",
        "The state of the thing does not allow the act; allowed_actions lists what it does allow.";
    GuardFailed = "guard_failed", 409, "A condition is not met",
        "The state allows the act, but a condition blocks it; why_not says which, and what would clear it.";
    AlreadyExists = "already_exists", 409, "Already exists",
        "A thing of which there can be only one exists already; the detail names it.";
    LimitReached = "limit_reached", 409, "Limit reached",
        "A limit of the policy is reached; the detail names the limit and when room returns.";
    SlotTaken = "slot_taken", 409, "Time not free",
        "The time is not, or no longer, free; alternatives lists the nearest starts that are.";
    InsufficientFunds = "insufficient_funds", 409, "Not enough money there",
        "The account that the money should come from holds less. Read its balance, then decide.";
    IdempotencyInFlight = "idempotency_in_flight", 409, "Same request in progress",
        "A request with this Idempotency-Key is being worked on. Wait and repeat it with the same key.";
    PreconditionFailed = "precondition_failed", 412, "Changed meanwhile",
        "The thing has changed since the version in If-Match. Read it again, then decide.";
    BodyTooLarge = "body_too_large", 413, "Body too large",
        "The request body is larger than the operation takes.";
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type",
        "The body must be application/json (application/merge-patch+json for PATCH), UTF-8, not compressed.";
    InvalidFields = "invalid_fields", 422, "Invalid fields",
        "Some fields are not acceptable; errors lists all of them, each with a JSON Pointer, a code and a text.";
    IdempotencyKeyRequired = "idempotency_key_required", 400, "Idempotency-Key required",
        "Money moves by this request: send an Idempotency-Key, and the same one when you repeat it.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "Idempotency-Key used for another request",
        "This Idempotency-Key was used for a request with another body. Use a new key for a new request.";
    LedgerKeyReused = "ledger_key_reused", 422, "Booked already with another content",
        "This fact is in the ledger with other amounts or accounts. Nothing was booked.";
    LedgerRefused = "ledger_refused", 422, "Not a transaction",
        "The ledger refuses it: it mixes currencies, does not balance, moves nothing, or takes back what it may not.";
    PreconditionRequired = "precondition_required", 428, "If-Match required",
        "The act depends on what was seen; send the ETag that was read as If-Match.";
    RateLimited = "rate_limited", 429, "Too many requests",
        "The caller has used up its share for now; Retry-After says when to go on.";
    Internal = "internal", 500, "Internal error",
        "A fault of the service. It has been logged under the request id.";
    Unavailable = "unavailable", 503, "Temporarily unavailable",
        "The service or its database cannot answer now. Repeat after Retry-After with the same Idempotency-Key.";
    ProviderUnavailable = "provider_unavailable", 503, "Provider unavailable",
        "A provider that the operation needs (GitHub, Stripe, mail) does not answer now. Repeat after Retry-After.";
}

impl Code {
    /// The code of that name.
    pub fn parse(code: &str) -> Option<Code> {
        Code::all().iter().copied().find(|c| c.as_str() == code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One bad field of a request (RFC 9457 §3, extension member `errors`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where it is: a JSON Pointer (RFC 6901) into the body, e.g. `/milestones/0/budget`.
    #[schema(example = "/milestones/0/deliverables/1/weight_bps")]
    pub pointer: String,
    /// What kind of fault: `required`, `too_short`, `too_long`, `out_of_range`, `invalid_format`, `unknown_value`,
    /// `duplicate`, `inconsistent` or `not_allowed`.
    #[schema(example = "out_of_range")]
    pub code: String,
    /// What is wrong, for a person.
    pub detail: String,
}

/// A transition that the caller might take but that a guard blocks now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WhyNot {
    /// The act that is blocked.
    #[schema(example = "list")]
    pub action: String,
    /// The guard that blocks it.
    #[schema(example = "client_verified")]
    pub code: String,
    /// What it needs, for a person.
    pub detail: String,
}

/// A failure with a code of the table.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    code: Code,
    detail: String,
    fields: Vec<FieldError>,
    allowed_actions: Option<Vec<String>>,
    why_not: Vec<WhyNot>,
    alternatives: Option<Vec<DateTime<Utc>>>,
    retry_after: Option<u64>,
    transient: bool,
    permanent: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a detail that the caller may read.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                code,
                detail: detail.into(),
                fields: Vec::new(),
                allowed_actions: None,
                why_not: Vec::new(),
                alternatives: None,
                retry_after: None,
                transient: false,
                permanent: false,
                source: None,
            }),
        }
    }

    /// A fault of ours. `source` is logged, never shown.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, Code::Internal.meaning()).with_source(source)
    }

    /// There is no such `what`, or the caller may not know of it.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}, or it is not visible to you."))
    }

    /// 422 with these fields.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields are not acceptable.", many.len()),
        };
        let mut error = Self::new(Code::InvalidFields, detail);
        error.inner.fields = fields;
        error
    }

    /// 422 with one field.
    pub fn invalid_field(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { pointer: pointer.into(), code: code.into(), detail: detail.into() }])
    }

    /// Adds the internal cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Adds what the state does allow (409).
    #[must_use]
    pub fn with_allowed_actions(mut self, actions: Vec<String>) -> Self {
        self.inner.allowed_actions = Some(actions);
        self
    }

    /// Adds the guards that block (409).
    #[must_use]
    pub fn with_why_not(mut self, why_not: Vec<WhyNot>) -> Self {
        self.inner.why_not = why_not;
        self
    }

    /// Adds the starts that are free instead (409).
    #[must_use]
    pub fn with_alternatives(mut self, starts: Vec<DateTime<Utc>>) -> Self {
        self.inner.alternatives = Some(starts);
        self
    }

    /// Adds the seconds after which a repeat makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.inner.retry_after = Some(seconds);
        self
    }

    /// Marks a failure after which the whole transaction may be repeated (SQLSTATE 40001, 40P01).
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.inner.transient = true;
        self
    }

    /// Marks a failure that no repeat can cure: a job that meets it is dead at once.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.inner.permanent = true;
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.inner.code
    }

    /// What the caller may read.
    pub fn detail(&self) -> &str {
        &self.inner.detail
    }

    /// The bad fields (422).
    pub fn fields(&self) -> &[FieldError] {
        &self.inner.fields
    }

    /// What the state does allow (409).
    pub fn allowed_actions(&self) -> Option<&[String]> {
        self.inner.allowed_actions.as_deref()
    }

    /// The guards that block (409).
    pub fn why_not(&self) -> &[WhyNot] {
        &self.inner.why_not
    }

    /// The starts that are free instead (409).
    pub fn alternatives(&self) -> Option<&[DateTime<Utc>]> {
        self.inner.alternatives.as_deref()
    }

    /// Seconds after which a repeat makes sense.
    pub fn retry_after(&self) -> Option<u64> {
        self.inner.retry_after
    }

    /// May the whole transaction be repeated?
    pub fn is_transient(&self) -> bool {
        self.inner.transient
    }

    /// Is every repeat in vain?
    pub fn is_permanent(&self) -> bool {
        self.inner.permanent
    }

    /// The chain of internal causes on one line, for the log.
    pub fn chain(&self) -> String {
        let mut text = self.inner.detail.clone();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.code, self.inner.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}

/// Collects every bad field of an input before answering (422 with all of them at once).
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Nothing wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes one bad field.
    pub fn push(&mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.into(), code: code.into(), detail: detail.into() });
    }

    /// Notes a bad field unless `holds`.
    pub fn check(&mut self, holds: bool, pointer: &str, code: &str, detail: &str) {
        if !holds {
            self.push(pointer, code, detail);
        }
    }

    /// The faults so far.
    pub fn as_slice(&self) -> &[FieldError] {
        &self.0
    }

    /// The faults, taken out.
    pub fn into_vec(self) -> Vec<FieldError> {
        self.0
    }

    /// Ok when nothing was noted, else 422.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_snake_case() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::all() {
            assert!(seen.insert(code.as_str()), "{code} twice");
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!((400..600).contains(&code.status()));
            assert_eq!(Code::parse(code.as_str()), Some(*code));
        }
    }

    #[test]
    fn the_chain_names_every_cause_but_display_none() {
        let error = Error::internal(std::io::Error::other("disk on fire"));
        assert!(error.chain().contains("disk on fire"));
        assert!(!error.to_string().contains("disk"));
    }
}
