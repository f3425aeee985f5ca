//! The world outside: one folder for each company or protocol we talk to.
//!
//! Each adapter is one client that serves the real provider and the sandbox alike: only the configured base URLs
//! differ. A sandbox is a real HTTP server of ours that speaks the provider's endpoints and payloads.

pub mod github;
pub mod mail;
mod sandbox;
pub mod site;
pub mod stripe;
