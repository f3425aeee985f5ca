//! What every domain stands on: configuration, the database, the web edge, jobs, the outbox, idempotency, the audit
//! log, rate limits and telemetry. It knows the kernel and nothing above itself.

pub mod audit;
pub mod config;
pub mod crypto;
pub mod ctx;
pub mod db;
pub mod idempotency;
pub mod input;
pub mod jobs;
pub mod outbox;
pub mod personal_data;
pub mod places;
pub mod policy;
pub mod rate_limit;
pub mod sandbox_clock;
mod strict;
pub mod telemetry;
pub mod timers;
pub mod web;

pub use ctx::Ctx;
