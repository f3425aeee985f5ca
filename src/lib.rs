//! Assay: the back end of a vetted mid-market talent marketplace.
//!
//! **Law of the house:** `kernel ← platform ← adapters ← domains ← app`, and among the domains
//! `skills ← notifications ← identity ← portfolio ← vetting ← assessments ← scoring ← projects ← matching`. Arrows
//! never turn back, and a lower part never names a higher one. Each package's manifest lists its arrows; a domain's rooms are private, so
//! that only its door is reachable; `tests/it/tidy.rs` holds the rest. This package is the top: it only composes.

pub mod app;
