//! The web edge: what every request passes (identity, limits, headers, logs) and what every handler uses (typed
//! bodies, callers, conditional requests, problems). actix stays behind it and the `http` rooms.

mod acts;
pub mod auth;
pub mod conditional;
pub mod cursor;
pub mod edge;
pub mod extract;
pub mod problem;
pub mod reply;
pub mod routes;

pub use auth::{
    Access, Admin, Anyone, Auth, Curator, Developer, Finance, Hirer, Manager, Reader, Reviewer, SignedIn,
    Staff,
};
pub use conditional::{IfMatch, etag};
pub use cursor::Cursor;
pub use extract::{Body, IdempotencyKey, MergePatch, MergePatchDocument, MoneyKey, Path, Query};
pub use problem::{Outcome, Problem};
pub use reply::Reply;
pub use routes::Routes;
