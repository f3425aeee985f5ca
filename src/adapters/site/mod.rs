//! Fetches small texts from addresses that people give, without letting them reach anything but the public web.
//!
//! - `https` on port 443 only. Hosts that the configuration names (never in production) may be anywhere and speak `http`.
//! - Names are resolved here, every address must be public ([`is_public`]), and the connection goes to a checked
//!   address: a name that changes its mind between check and use gains nothing.
//! - A redirect is followed three times at most, each hop checked like the first.
//! - Short time-outs, a cap on the body, no cookies, no proxy, no credentials.

mod address;
mod client;
#[cfg(test)]
mod tests;

pub use address::is_public;
pub use client::{Client, SiteError};
