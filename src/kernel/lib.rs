//! Words that every part of Assay speaks: ids, money, time, actors, errors, pages, text, process tables.
//!
//! The kernel does no IO. It is the bottom of the house: it depends on no other package of this workspace, and
//! a type belongs here only when at least three domains speak it.

pub mod actor;
pub mod clock;
pub mod entropy;
pub mod error;
pub mod ids;
pub mod money;
pub mod page;
pub mod patch;
pub mod process;
pub mod text;

pub use actor::{AccountStatus, Actor, Permission, Role, Scope};
pub use clock::Clock;
pub use entropy::Entropy;
pub use error::{Code, Error, FieldError, Result};
pub use ids::IdSource;
pub use money::{Currency, Money};
pub use page::{Limit, Page};
pub use patch::Patch;
