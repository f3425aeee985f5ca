//! Mail: composed the same way for everybody, then sent by SMTP or, without a server, left in a folder.
//!
//! - What people wrote cannot become a header: addresses are parsed, subjects and names refused when they have a
//!   control character.
//! - The message of a [`Mail`] depends on the mail alone: a repeat has the same `Message-ID`, date and body, and
//!   replaces the file of the first try.
//! - Failures tell whether a repeat can help, and never quote the server's text, which may have the person's address.

mod compose;
mod error;
mod folder;
mod sender;

pub use compose::{CalendarPart, Mail};
pub use error::MailError;
pub use folder::{StoredMail, StoredMailSummary, delete_files, list_files, read_file};
pub use sender::{Config, Mailer};
