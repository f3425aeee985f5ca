//! What a test is given: a running service, people, and a client that checks every answer against the description.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_stranger_sees_no_draft() {
//!     let app = TestApp::start().await;
//!     let client = app.client("client-carla").await;
//!     let draft = app.post("/v1/projects").by(&client).json(json!({ … })).expect(201).await;
//!     app.get(&format!("/v1/projects/{}", draft.id())).expect(404).await;
//!     app.advance_days(31).await;
//!     app.work().await;
//! }
//! ```

mod app;
mod call;
mod cluster;
mod spec;

pub use app::TestApp;
pub use call::{Answer, Call};
pub use cluster::{Scratch, scratch};
