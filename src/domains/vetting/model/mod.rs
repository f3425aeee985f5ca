//! Types, process tables and arithmetic of vetting; pure.

mod appeal;
mod application;
mod approval;
mod content;
mod decision;
mod eligibility;

pub use appeal::*;
pub use application::*;
pub use approval::*;
pub use content::*;
pub use decision::*;
pub use eligibility::*;
