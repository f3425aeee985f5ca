//! What the sandbox remembers: codes, revocations, rate limits, ordered faults, what was asked.
//!
//! Access tokens are not remembered: each carries its owner, scopes and time under a MAC keyed by the client secret,
//! so that a restart of the sandbox does not sign everybody out.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_kernel::{Clock, Entropy};
use aws_lc_rs::{constant_time, hmac};
use chrono::{DateTime, Duration, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use super::changes::Change;
use super::faults::Fault;
use super::payload::Urls;
use super::world::World;

/// Scopes that the sandbox knows; their place is their bit in a token.
const SCOPES: [&str; 6] = ["read:user", "user:email", "user", "read:org", "public_repo", "repo"];

pub(super) struct State {
    pub clock: Clock,
    pub entropy: Entropy,
    pub client_id: String,
    pub client_secret: SecretString,
    pub callback: Option<Url>,
    pub urls: Urls,
    pub world: World,
    /// Set before the listener closes: a worker may still serve a connection that was open.
    pub stopped: AtomicBool,
    key: hmac::Key,
    memory: Mutex<Memory>,
}

#[derive(Default)]
pub(super) struct Memory {
    codes: HashMap<String, Grant>,
    buckets: HashMap<(Option<i64>, Bucket), Window>,
    revoked: HashMap<i64, DateTime<Utc>>,
    pub faults: Vec<Fault>,
    /// By the number of the repository.
    pub changes: HashMap<i64, Change>,
    pub requests: Requests,
}

/// What was asked since the start or the last reset.
#[derive(Default, Serialize)]
pub(super) struct Requests {
    pub total: u64,
    pub by_path: BTreeMap<String, u64>,
}

/// What a code stands for.
pub(super) struct Grant {
    pub session: Session,
    pub redirect_uri: String,
    pub challenge: Option<String>,
    pub expires: DateTime<Utc>,
}

/// Who acts, and with which scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub id: i64,
    /// Signed in under the former login: sees the account as it was.
    pub former: bool,
    scopes: u8,
}

impl Session {
    /// GitHub passes over scopes that it does not know.
    pub fn new(id: i64, former: bool, scopes: &str) -> Self {
        let asked = |scope: &&str| scopes.split([' ', ',']).any(|asked| asked == *scope);
        let bits = SCOPES.iter().enumerate().filter(|(_, scope)| asked(scope));
        Self { id, former, scopes: bits.fold(0, |bits, (place, _)| bits | 1 << place) }
    }

    pub fn has(self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }

    pub fn scopes(self) -> impl Iterator<Item = &'static str> {
        SCOPES
            .iter()
            .enumerate()
            .filter(move |(place, _)| self.scopes & 1 << place != 0)
            .map(|(_, scope)| *scope)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Bucket {
    Core,
    Search,
}

impl Bucket {
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Search => "search",
        }
    }

    /// Requests and seconds of a window, as GitHub grants them.
    fn grant(self, signed_in: bool) -> (u32, i64) {
        match (self, signed_in) {
            (Self::Core, true) => (5_000, 3_600),
            (Self::Core, false) => (60, 3_600),
            (Self::Search, true) => (30, 60),
            (Self::Search, false) => (10, 60),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Window {
    pub limit: u32,
    pub used: u32,
    pub reset: DateTime<Utc>,
}

impl Window {
    pub fn remaining(self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

impl State {
    pub fn new(options: super::Options, urls: Urls) -> Self {
        Self {
            world: World::new(options.clock.now(), options.profiles),
            key: hmac::Key::new(hmac::HMAC_SHA256, options.client_secret.expose_secret().as_bytes()),
            clock: options.clock,
            entropy: options.entropy,
            client_id: options.client_id,
            client_secret: options.client_secret,
            callback: options.callback,
            urls,
            stopped: AtomicBool::new(false),
            memory: Mutex::default(),
        }
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_secret(&self, secret: &str) -> bool {
        let expected = self.client_secret.expose_secret();
        constant_time::verify_slices_are_equal(expected.as_bytes(), secret.as_bytes()).is_ok()
    }

    pub fn new_code(&self, grant: Grant) -> String {
        let code = hex(&self.entropy.bytes::<10>());
        let mut memory = self.memory();
        let now = self.clock.now();
        memory.codes.retain(|_, grant| grant.expires > now);
        memory.codes.insert(code.clone(), grant);
        code
    }

    /// A code works once, whatever comes of it.
    pub fn take_code(&self, code: &str) -> Option<Grant> {
        let grant = self.memory().codes.remove(code)?;
        (grant.expires > self.clock.now()).then_some(grant)
    }

    pub fn issue(&self, session: Session) -> String {
        let mut claims = Vec::with_capacity(34);
        claims.extend_from_slice(&session.id.to_be_bytes());
        claims.extend_from_slice(&self.clock.now().timestamp_micros().to_be_bytes());
        claims.push(session.scopes);
        claims.push(u8::from(session.former));
        claims.extend_from_slice(&self.entropy.bytes::<4>());
        let mac = hmac::sign(&self.key, &claims);
        claims.extend_from_slice(&mac.as_ref()[..12]);
        format!("gho_{}", hex(&claims))
    }

    /// Whose token it is, unless it is not one of ours or was revoked.
    pub fn session(&self, token: &str) -> Option<Session> {
        let bytes = unhex(token.strip_prefix("gho_")?)?;
        let (claims, mac) = bytes.split_at_checked(22)?;
        let expected = hmac::sign(&self.key, claims);
        constant_time::verify_slices_are_equal(&expected.as_ref()[..12], mac).ok()?;
        let id = i64::from_be_bytes(claims[..8].try_into().ok()?);
        let issued = DateTime::from_timestamp_micros(i64::from_be_bytes(claims[8..16].try_into().ok()?))?;
        if self.memory().revoked.get(&id).is_some_and(|revoked| issued <= *revoked) {
            return None;
        }
        Some(Session { id, scopes: claims[16], former: claims[17] != 0 })
    }

    /// Ends every token that the person has given out so far.
    pub fn revoke(&self, id: i64) {
        let now = self.clock.now();
        self.memory().revoked.insert(id, now);
    }

    /// The window of a caller; `None` stands for all strangers together.
    pub fn window(&self, caller: Option<i64>, bucket: Bucket) -> Window {
        let now = self.clock.now();
        let (limit, seconds) = bucket.grant(caller.is_some());
        let fresh = Window { limit, used: 0, reset: now + Duration::seconds(seconds) };
        let mut memory = self.memory();
        let window = memory.buckets.entry((caller, bucket)).or_insert(fresh);
        if window.reset <= now {
            *window = fresh;
        }
        *window
    }

    /// Counts one request against the window.
    pub fn charge(&self, caller: Option<i64>, bucket: Bucket) {
        if let Some(window) = self.memory().buckets.get_mut(&(caller, bucket)) {
            window.used = window.used.saturating_add(1);
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
