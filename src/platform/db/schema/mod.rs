//! The tables, as diesel sees them: one file per owner. Only the owner of a table writes it; a test holds these files
//! to the database.
#![allow(missing_docs)]

#[path = "assessments.rs"]
mod assessments_schema;
#[path = "contracts.rs"]
mod contracts_schema;
mod identity;
mod ledger;
#[path = "matching.rs"]
mod matching_schema;
mod notifications;
#[path = "payments.rs"]
mod payments_schema;
mod platform;
mod portfolio;
#[path = "projects.rs"]
mod projects_schema;
#[path = "scoring.rs"]
mod scoring_schema;
#[path = "skills.rs"]
mod skills_schema;
mod vetting;

#[allow(unused_imports)]
pub use assessments_schema::*;
#[allow(unused_imports)]
pub use contracts_schema::*;
#[allow(unused_imports)]
pub use identity::*;
#[allow(unused_imports)]
pub use ledger::*;
#[allow(unused_imports)]
pub use matching_schema::*;
#[allow(unused_imports)]
pub use notifications::*;
#[allow(unused_imports)]
pub use payments_schema::*;
pub use platform::*;
#[allow(unused_imports)]
pub use portfolio::*;
#[allow(unused_imports)]
pub use projects_schema::*;
#[allow(unused_imports)]
pub use scoring_schema::*;
#[allow(unused_imports)]
pub use skills_schema::*;
#[allow(unused_imports)]
pub use vetting::*;

diesel::allow_tables_to_appear_in_same_query!(events, event_audiences);
diesel::allow_tables_to_appear_in_same_query!(projects, organisations);
diesel::allow_tables_to_appear_in_same_query!(projects, organisation_members);
diesel::allow_tables_to_appear_in_same_query!(portfolio_skills, skills);
diesel::joinable!(portfolio_skills -> skills (skill));
diesel::allow_tables_to_appear_in_same_query!(assessments, assessor_tracks, bookings, booking_hosts);
diesel::joinable!(booking_hosts -> bookings (booking_id));
diesel::joinable!(bookings -> assessments (assessment_id));
diesel::allow_tables_to_appear_in_same_query!(booking_hosts, accounts);
diesel::allow_tables_to_appear_in_same_query!(rating_cards, assessments);
diesel::joinable!(rating_cards -> assessments (assessment_id));
diesel::allow_tables_to_appear_in_same_query!(anchor_cards, anchor_sessions, assessments);
diesel::joinable!(anchor_cards -> anchor_sessions (anchor_session_id));
diesel::joinable!(anchor_sessions -> assessments (assessment_id));
diesel::allow_tables_to_appear_in_same_query!(calendar_feeds, accounts);
diesel::joinable!(calendar_feeds -> accounts (account_id));
diesel::allow_tables_to_appear_in_same_query!(contracts, organisation_members);
diesel::allow_tables_to_appear_in_same_query!(contracts, milestones);
diesel::joinable!(milestones -> contracts (contract_id));
diesel::allow_tables_to_appear_in_same_query!(calibrations, calibration_promotions);
