//! Stripe's webhooks: signatures over the raw body, and an envelope that refuses nothing it does not know.

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::read;

/// How old, or how far ahead, a signature may be, in seconds.
pub const TOLERANCE: i64 = 300;
/// Signatures looked at in one header.
const SIGNATURES: usize = 16;

/// Why a delivery is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// No header of the scheme `t=…,v1=…`.
    #[error("the signature header cannot be read")]
    Header,
    /// Signed too long ago, or in the future.
    #[error("the signature is too old or too new")]
    Time,
    /// No live secret made any of the signatures.
    #[error("the signature is wrong")]
    Signature,
}

/// Believes a delivery whose raw `body` one of the live `secrets` has signed within [`TOLERANCE`] of `now`.
///
/// # Errors
/// Why it is not believed.
pub fn verify(
    body: &[u8],
    header: &str,
    secrets: &[SecretString],
    now: DateTime<Utc>,
) -> Result<(), Untrusted> {
    let (time, signatures) = parse(header).ok_or(Untrusted::Header)?;
    // Every pair is tried, so that the time taken does not tell which secret is live.
    let mut right = false;
    for secret in secrets {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let message = message(time, body);
        for signature in &signatures {
            right |= hmac::verify(&key, &message, signature).is_ok();
        }
    }
    if !right {
        return Err(Untrusted::Signature);
    }
    if now.timestamp().abs_diff(time) > TOLERANCE.unsigned_abs() {
        return Err(Untrusted::Time);
    }
    Ok(())
}

/// The header of a delivery signed with each of the secrets.
pub fn sign(body: &[u8], secrets: &[SecretString], now: DateTime<Utc>) -> String {
    let time = now.timestamp();
    let mut header = format!("t={time}");
    for secret in secrets {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        header.push_str(",v1=");
        header.push_str(&hex::encode(hmac::sign(&key, &message(time, body))));
    }
    header
}

fn message(time: i64, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{time}.").into_bytes();
    message.extend_from_slice(body);
    message
}

/// The time and the signatures of the scheme `v1`; others are passed over.
fn parse(header: &str) -> Option<(i64, Vec<Vec<u8>>)> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) if time.is_none() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                time = Some(text.parse().ok()?);
            }
            // Two times: which one was signed?
            Some(("t", _)) => return None,
            Some(("v1", text)) if signatures.len() < SIGNATURES => {
                signatures.extend(hex::decode(text));
            }
            _ => {}
        }
    }
    Some((time?, signatures)).filter(|(_, signatures)| !signatures.is_empty())
}

/// What happened, in Stripe's words. Only the id and the type must be there.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// Its id: the same for every delivery.
    pub id: String,
    /// Such as `payment_intent.succeeded`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The connected account it happened on.
    #[serde(default, deserialize_with = "read::soft")]
    pub account: Option<String>,
    /// When.
    #[serde(default, deserialize_with = "read::soft")]
    pub created: i64,
    /// The version of the API that shaped it.
    #[serde(default, deserialize_with = "read::soft")]
    pub api_version: Option<String>,
    /// What it is about.
    #[serde(default, deserialize_with = "read::soft")]
    pub data: EventData,
}

/// What an event is about.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct EventData {
    /// The object as it was then; its present state is what counts.
    #[serde(default)]
    pub object: Value,
}

impl Event {
    /// Reads a raw body.
    ///
    /// # Errors
    /// When it is no JSON object with an id and a type.
    pub fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// The kind of object it is about: `transfer`.
    pub fn object_kind(&self) -> Option<&str> {
        self.data.object.get("object")?.as_str()
    }

    /// The id of that object.
    pub fn object_id(&self) -> Option<&str> {
        self.data.object.get("id")?.as_str()
    }
}
