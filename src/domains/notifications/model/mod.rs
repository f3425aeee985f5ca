//! Mails: what they say, and what people want of them.

mod assessment_letters;
mod category;
mod contract_letters;
pub mod ical;
mod letter;
mod project_letters;
mod session;
mod template;
mod vetting_letters;

use assay_kernel::ids::AccountId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use category::Category;
pub(crate) use letter::{Footer, page};
pub use session::SessionMail;
pub use template::{Adverse, Overdue, Template};

/// To whom a mail goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A person, at the address that they have when the mail is sent.
    Account(AccountId),
    /// An address, for people who may have no account.
    Address(String),
}

/// A mail to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMail {
    /// To whom.
    pub to: Recipient,
    /// What it says.
    pub template: Template,
}

impl NewMail {
    /// A mail to a person.
    pub fn to(account: AccountId, template: Template) -> Self {
        Self { to: Recipient::Account(account), template }
    }
}

/// What the job of a mail carries. Retries carry the same, so that they make the same message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MailJob {
    /// Of the message.
    pub id: Uuid,
    /// The person, when it goes to one.
    pub account: Option<AccountId>,
    /// The [`NewMail`], sealed: what people wrote stays unreadable in the queue and among the dead.
    pub sealed: String,
    /// When.
    pub written_at: DateTime<Utc>,
}

impl MailJob {
    /// To which the sealed part is bound.
    pub(crate) fn context(id: Uuid) -> String {
        format!("mail/{}", id.simple())
    }
}
