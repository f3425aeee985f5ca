//! The tables, as diesel sees them: one file per owner. Only the owner of a table writes it; a test holds these files
//! to the database.
#![allow(missing_docs)]

mod identity;
mod ledger;
mod notifications;
mod platform;
mod portfolio;
#[path = "projects.rs"]
mod projects_schema;
#[path = "skills.rs"]
mod skills_schema;
mod vetting;

#[allow(unused_imports)]
pub use identity::*;
#[allow(unused_imports)]
pub use ledger::*;
#[allow(unused_imports)]
pub use notifications::*;
pub use platform::*;
#[allow(unused_imports)]
pub use portfolio::*;
#[allow(unused_imports)]
pub use projects_schema::*;
#[allow(unused_imports)]
pub use skills_schema::*;
#[allow(unused_imports)]
pub use vetting::*;

diesel::allow_tables_to_appear_in_same_query!(events, event_audiences);
diesel::allow_tables_to_appear_in_same_query!(projects, organisations);
diesel::allow_tables_to_appear_in_same_query!(projects, organisation_members);
diesel::allow_tables_to_appear_in_same_query!(portfolio_skills, skills);
diesel::joinable!(portfolio_skills -> skills (skill));
