//! Skills: the taxonomy of what people can do and projects need, with families, other spellings, neighbours and the
//! rate floors that clients see.
//!
//! Owns `skill_families`, `skills`, `skill_aliases` and `skill_neighbours`. They are written from `taxonomy.json` and
//! by nothing else.
//!
//! Invariants:
//! - A spelling (slug, name or alias, letter case aside) means one skill at most.
//! - Neighbourhood is symmetric: both directions are stored with one weight.
//! - A slug once given stays. A service with an older taxonomy never takes a newer one back.
//!
//! Lends: [`Taxonomy`], a snapshot for one process (the app loads it at start and gives it to handlers as
//! `Data<Taxonomy>`), [`resolve`] and [`by_slugs`] for those who have only a connection, and [`seed`].

mod http;
mod model;
mod service;
mod store;

pub use http::routes;
pub use model::{Family, Neighbour, Resolved, Skill, SkillRef, Taxonomy};
pub use service::{by_slugs, resolve, seed, seed_in};
