//! The integration tests: through HTTP, each with a service and a database of its own. `harness` makes them, `laws`
//! hold for the whole house; the other folders mirror the API.

// A test fails by panicking, in its helpers too.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod assessments;
mod contracts;
mod harness;
mod identity;
mod journeys;
mod laws;
mod ledger;
mod market;
mod matching;
mod payments;
mod platform;
mod portfolio;
mod scheduling;
mod scoring;
mod tidy;
mod vetting;
