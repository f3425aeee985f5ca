//! GitHub: sign-in (OAuth web application flow with PKCE) and the few REST operations that evidence needs.
//!
//! - [`Client`] signs people in; [`Client::signed_in`] gives an [`Api`] that reads as that person.
//! - Every answer is untrusted: size, content type, grammar and ranges are checked, links are followed only inside
//!   the configured API, redirects only within its origin.
//! - [`sandbox`] is a server that answers as GitHub does, for a dozen invented people.

mod api;
mod client;
mod error;
mod evidence;
mod limits;
mod oauth;
mod pages;
mod read;
pub mod sandbox;
#[cfg(test)]
mod tests;
mod types;

pub use api::Api;
pub use client::{Client, Config, Fetched};
pub use error::{GithubError, Refusal};
pub use evidence::{FoundPage, ListPage, PullRequestSearch, SEARCH_PAGES};
pub use oauth::{AccessToken, Pkce, SCOPES};
pub use pages::{Bounds, Listing, Pages};
pub use types::{
    AccountKind, Contributor, Email, Languages, MergedPullRequests, Organisation, Owner, PullRequest, Repo,
    User, primary_verified,
};
