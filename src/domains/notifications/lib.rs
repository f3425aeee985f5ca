//! Notifications: the mails that people get, and the feed of events that programs read.
//!
//! Owns `mail_preferences`. Mails under way are jobs of the kind `mail.send`; the feed reads the platform's outbox,
//! whose events are kept for 90 days.
//!
//! Invariants:
//! - A mail is enqueued in the transaction of what it tells of, and sent by the worker.
//! - A mail's `Message-ID` and content depend on its job alone, so that a mail sent twice after a crash is
//!   recognisable. What it says lies sealed in its job.
//! - Mail that is not essential reaches only who consented to it and did not unsubscribe, which is decided when it is
//!   sent, and has a one-click unsubscribe (RFC 2369, RFC 8058).
//! - What people wrote never becomes a header, and reaches HTML escaped.
//! - A reader of the feed sees the events of their account, of the organisations they belong to now, and of the staff
//!   permissions they hold now; the last only with a credential that may do staff acts.
//!
//! Lends: [`Invitation`] and [`feed`] (iCalendar), [`sender_domain`], [`enqueue_mail`] and [`enqueue_mail_once`] with [`Template`], and [`mailer`], the configured sender.

mod http;
mod jobs;
mod model;
mod service;
mod store;

pub use http::routes;
pub use jobs::jobs;
pub use model::ical::{Event, Invitation, Method, feed};
pub use model::{Adverse, Category, NewMail, Overdue, Recipient, SessionMail, Template};
pub use service::personal_data::PERSONAL_DATA;
pub use service::{delete_old_files, enqueue_mail, enqueue_mail_once, mailer, sender_domain};
