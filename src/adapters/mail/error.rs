//! Why a mail was not sent.

use assay_kernel::{Code, Error};

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MailError {
    /// The configuration cannot be used.
    #[error("mail.{key} cannot be used: {detail}")]
    Config {
        /// Which key.
        key: &'static str,
        /// What is wrong; never the value.
        detail: String,
    },
    /// The mail itself cannot be made into a message.
    #[error("the mail cannot be composed: {0}")]
    Unacceptable(&'static str),
    /// The server refuses this mail for good.
    #[error("the mail server refuses the mail ({0})")]
    Refused(u16),
    /// The server cannot be reached or cannot take the mail now.
    #[error("the mail server does not take mail now: {0}")]
    Unavailable(String),
}

impl MailError {
    /// Is every repeat in vain?
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Unacceptable(_) | Self::Refused(_))
    }
}

impl From<MailError> for Error {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Unavailable(_) => {
                Error::new(Code::ProviderUnavailable, Code::ProviderUnavailable.meaning()).with_source(error)
            }
            MailError::Config { .. } => Error::internal(error),
            MailError::Unacceptable(_) | MailError::Refused(_) => Error::internal(error).permanent(),
        }
    }
}
