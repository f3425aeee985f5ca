//! What a test is given: a running service, people, and a client that checks every answer against the description.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_stranger_sees_no_draft() {
//!     let app = TestApp::start().await;
//!     let client = app.client("carl-client").await;
//!     let draft = app.post("/v1/projects").by(&client).json(json!({ … })).expect(201).await;
//!     app.get(&format!("/v1/projects/{}", draft.id())).expect(404).await;
//!     app.advance_days(31).await;
//!     app.work().await;
//! }
//! ```

// A door: what no test uses today, one will tomorrow.
#![allow(dead_code)]

mod app;
mod call;
mod cluster;
mod money;
mod people;
mod spec;

pub use app::TestApp;
#[allow(unused_imports)] // for helpers of tests that pass them on
pub use call::{Answer, Call};
pub use cluster::{origins, scratch};
#[allow(unused_imports)]
pub use people::Person;
pub use spec::operation;
