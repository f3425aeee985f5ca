//! Mails: what they say, rendered as text and as HTML.

use askama::Template as _;
use assay_kernel::{Error, Result, text};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A mail to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// The address.
    pub to: String,
    /// What it says.
    pub template: Template,
}

/// What a mail says. Stored in jobs: additive changes only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Template {
    /// Somebody is asked to join an organisation.
    OrganisationInvitation {
        /// The organisation's name.
        organisation: String,
        /// Who invites.
        inviter: String,
        /// Where to answer; carries the secret.
        url: String,
        /// Until when.
        expires_at: DateTime<Utc>,
    },
    /// The client's project is open for bids.
    ProjectListed {
        /// The project's title.
        title: String,
        /// Where it is.
        url: String,
    },
    /// Curation asks for changes.
    ProjectChangesRequested {
        /// The project's title.
        title: String,
        /// Where it is.
        url: String,
        /// What to change, one note each.
        notes: Vec<String>,
    },
    /// Curation turned the project down.
    ProjectRejected {
        /// The project's title.
        title: String,
        /// Why.
        reason: String,
        /// Where to read more and to appeal.
        url: String,
    },
    /// A developer has an offer on a bid.
    OfferReceived {
        /// The project's title.
        title: String,
        /// Where to answer.
        url: String,
        /// Until when.
        expires_at: DateTime<Utc>,
    },
    /// A client invites a developer to bid.
    InvitationToBid {
        /// The project's title.
        title: String,
        /// The client organisation's name.
        client: String,
        /// Where to answer.
        url: String,
        /// Until when.
        expires_at: DateTime<Utc>,
    },
    /// The project's listing ends soon.
    ListingExpiring {
        /// The project's title.
        title: String,
        /// Where it is.
        url: String,
        /// When it ends.
        at: DateTime<Utc>,
    },
}

impl Template {
    /// The subject: one line, whatever people wrote.
    pub(crate) fn subject(&self) -> String {
        let subject = match self {
            Self::OrganisationInvitation { organisation, .. } => {
                format!("Invitation to join {organisation} on Assay")
            }
            Self::ProjectListed { title, .. } => format!("Your project is listed: {title}"),
            Self::ProjectChangesRequested { title, .. } => format!("Changes requested: {title}"),
            Self::ProjectRejected { title, .. } => format!("Your project was not accepted: {title}"),
            Self::OfferReceived { title, .. } => format!("You have an offer: {title}"),
            Self::InvitationToBid { title, .. } => format!("Invitation to bid: {title}"),
            Self::ListingExpiring { title, .. } => format!("Your listing ends soon: {title}"),
        };
        let one_line = subject.replace(|c: char| c.is_control() || c.is_whitespace(), " ");
        text::excerpt(&one_line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), 150)
    }

    /// The body as plain text.
    pub(crate) fn text(&self) -> Result<String> {
        TextBody { mail: self }.render().map_err(Error::internal)
    }

    /// The body as HTML.
    pub(crate) fn html(&self) -> Result<String> {
        HtmlBody { mail: self, subject: self.subject() }.render().map_err(Error::internal)
    }
}

#[derive(askama::Template)]
#[template(path = "mail.txt")]
struct TextBody<'a> {
    mail: &'a Template,
}

#[derive(askama::Template)]
#[template(path = "mail.html")]
struct HtmlBody<'a> {
    mail: &'a Template,
    subject: String,
}

/// Instants in mails.
fn when(at: &DateTime<Utc>) -> impl std::fmt::Display {
    at.format("%-d %B %Y, %H:%M UTC")
}

/// What the job of a mail carries. Retries carry the same, so that they make the same message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MailJob {
    pub id: Uuid,
    pub to: String,
    pub template: Template,
    pub written_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVIL: &str = "<script>alert(1)</script>\r\nBcc: eve@example.com & \"co\"";

    /// One of each, with `text` wherever people write.
    fn every(text: &str) -> Vec<Template> {
        let (title, url) = (text.to_owned(), "https://assay.example/p?a=1&b=2".to_owned());
        let expires_at = "2026-11-01T09:05:00Z".parse().unwrap();
        vec![
            Template::OrganisationInvitation {
                organisation: title.clone(),
                inviter: title.clone(),
                url: url.clone(),
                expires_at,
            },
            Template::ProjectListed { title: title.clone(), url: url.clone() },
            Template::ProjectChangesRequested {
                title: title.clone(),
                url: url.clone(),
                notes: vec![title.clone(), "Say how it is checked.".into()],
            },
            Template::ProjectRejected { title: title.clone(), reason: title.clone(), url: url.clone() },
            Template::OfferReceived { title: title.clone(), url: url.clone(), expires_at },
            Template::InvitationToBid {
                title: title.clone(),
                client: title.clone(),
                url: url.clone(),
                expires_at,
            },
            Template::ListingExpiring { title, url, at: expires_at },
        ]
    }

    #[test]
    fn html_is_escaped_and_text_is_not() {
        for mail in every(EVIL) {
            let html = mail.html().unwrap();
            assert!(!html.contains("<script>"), "{html}");
            assert!(html.contains("&#60;script&#62;"), "{html}");
            assert!(html.contains("a=1&#38;b=2"), "{html}");
            let text = mail.text().unwrap();
            assert!(text.contains("<script>"), "{text}");
            assert!(text.contains("https://assay.example/p?a=1&b=2\n"), "{text}");
            assert!(text.ends_with("to you.\n") || text.ends_with("to you."), "{text}");
        }
    }

    #[test]
    fn instants_are_told_with_their_zone() {
        let mail = every("A crawler").remove(4);
        assert!(mail.text().unwrap().contains("The offer stands until 1 November 2026, 09:05 UTC."));
    }

    #[test]
    fn notes_are_listed() {
        let text = every("Name the acceptance check.").remove(2).text().unwrap();
        assert!(text.contains("\n\n- Name the acceptance check.\n- Say how it is checked.\n\n"), "{text}");
    }

    #[test]
    fn a_stored_mail_is_read_again() {
        for template in every("A crawler") {
            let job = MailJob {
                id: Uuid::from_u128(1),
                to: "dora@example.com".into(),
                template,
                written_at: "2026-11-01T09:05:00Z".parse().unwrap(),
            };
            let read: MailJob = serde_json::from_value(serde_json::to_value(&job).unwrap()).unwrap();
            assert_eq!(read.template, job.template);
        }
    }

    proptest! {
        #[test]
        fn a_subject_is_one_short_line(text in ".{0,400}") {
            for mail in every(&text) {
                let subject = mail.subject();
                prop_assert!(!subject.is_empty() && !subject.chars().any(char::is_control), "{:?}", subject);
                prop_assert!(subject.chars().count() <= 151);
            }
        }
    }
}
