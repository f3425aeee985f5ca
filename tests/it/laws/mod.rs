//! Laws: what holds for the whole API, the whole schema and the whole house, whatever is added.

mod access;
mod documents;
mod http;
mod migrations;
mod schema;
