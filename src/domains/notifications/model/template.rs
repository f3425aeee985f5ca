//! Every mail. To add one: a variant, its letter, its category when it is not essential, and an example in the tests;
//! then `INSTA_UPDATE=always cargo test -p assay-notifications` writes the snapshot, to be reviewed and committed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::category::Category;
use super::letter::Letter;

macro_rules! templates {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$vmeta:meta])* $variant:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty),* $(,)? }),* $(,)?
    }) => {
        $(#[$meta])*
        pub enum $name { $($(#[$vmeta])* $variant { $($(#[$fmeta])* $field: $type),* }),* }

        #[cfg(test)]
        impl $name {
            /// Every variant.
            const VARIANTS: &'static [&'static str] = &[$(stringify!($variant)),*];
            /// Which this is.
            fn variant(&self) -> &'static str { match self { $(Self::$variant { .. } => stringify!($variant)),* } }
        }
    };
}

templates! {
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
        /// The client's listing ends soon.
        ListingExpiring {
            /// The project's title.
            title: String,
            /// Where it is.
            url: String,
            /// When it ends.
            at: DateTime<Utc>,
        },
    }
}

impl Template {
    /// The sort of mail that a person can stop; none when it is essential.
    pub(crate) fn category(&self) -> Option<Category> {
        match self {
            Self::InvitationToBid { .. } => Some(Category::Invitations),
            Self::ListingExpiring { .. } => Some(Category::Reminders),
            Self::OrganisationInvitation { .. }
            | Self::ProjectListed { .. }
            | Self::ProjectChangesRequested { .. }
            | Self::ProjectRejected { .. }
            | Self::OfferReceived { .. } => None,
        }
    }

    /// What it says.
    pub(crate) fn letter(&self) -> Letter {
        match self {
            Self::OrganisationInvitation { organisation, inviter, url, expires_at } => Letter::new(format!(
                "Invitation to join {organisation} on Assay"
            ))
            .say(format!("{inviter} invites you to join {organisation} on Assay."))
            .link("Accept or decline the invitation", url)
            .say(format!(
                "The invitation stands until {}. The link is for you alone: whoever has it can answer in \
                         your place.",
                when(expires_at)
            )),
            Self::ProjectListed { title, url } => Letter::new(format!("Your project is listed: {title}"))
                .say(format!("Your project “{title}” has passed curation and is open for bids."))
                .link("Open the project", url),
            Self::ProjectChangesRequested { title, url, notes } => Letter::new(format!(
                "Changes requested: {title}"
            ))
            .say(format!(
                "A curator has read your project “{title}” and asks for changes before it can be listed:"
            ))
            .list(notes)
            .link("Change the project and submit it again", url),
            Self::ProjectRejected { title, reason, url } => {
                Letter::new(format!("Your project was not accepted: {title}"))
                    .say(format!(
                        "A curator has read your project “{title}” and did not accept it. The reason given:"
                    ))
                    .quote(reason)
                    .link("Read the decision, or appeal against it", url)
            }
            Self::OfferReceived { title, url, expires_at } => {
                Letter::new(format!("You have an offer: {title}"))
                    .say(format!("You have an offer on your bid for “{title}”."))
                    .link("Read and answer the offer", url)
                    .say(format!("The offer stands until {}.", when(expires_at)))
            }
            Self::InvitationToBid { title, client, url, expires_at } => {
                Letter::new(format!("Invitation to bid: {title}"))
                    .say(format!("{client} invites you to bid on “{title}”."))
                    .link("Read the project and answer", url)
                    .say(format!(
                        "The invitation stands until {}. Declining has no effect on your standing.",
                        when(expires_at)
                    ))
            }
            Self::ListingExpiring { title, url, at } => {
                Letter::new(format!("Your listing ends soon: {title}"))
                    .say(format!(
                        "The listing of your project “{title}” ends on {}. After that it takes no more bids.",
                        when(at)
                    ))
                    .link("Open the project", url)
            }
        }
    }
}

/// Instants in mails.
fn when(at: &DateTime<Utc>) -> impl std::fmt::Display {
    at.format("%-d %B %Y, %H:%M UTC")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use assay_adapters::mail::{Config, Mailer};
    use assay_kernel::ids::AccountId;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::{Footer, NewMail, Recipient};
    use super::*;
    use crate::service::composed;

    const EVIL: &str = "<script>alert(1)</script>\r\nBcc: eve@example.com & \"co\"";
    const STOP: &str = "https://assay.example/v1/mail/unsubscribe?token=AAAA";

    /// One of each, with `text` wherever people write.
    fn every(text: &str) -> Vec<Template> {
        let (title, url) = (text.to_owned(), "https://assay.example/p?a=1&b=2".to_owned());
        let at: DateTime<Utc> = "2026-11-01T09:05:00Z".parse().unwrap();
        let expires_at = at;
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
                notes: vec![title.clone(), "Say how it is checked.\nWith numbers.".into()],
            },
            Template::ProjectRejected { title: title.clone(), reason: title.clone(), url: url.clone() },
            Template::OfferReceived { title: title.clone(), url: url.clone(), expires_at },
            Template::InvitationToBid {
                title: title.clone(),
                client: title.clone(),
                url: url.clone(),
                expires_at,
            },
            Template::ListingExpiring { title, url, at },
        ]
    }

    fn footer(mail: &Template) -> Footer<'static> {
        match mail.category() {
            None => Footer::Essential,
            Some(category) => Footer::Optional { about: category.about(), unsubscribe: STOP },
        }
    }

    fn mailer() -> Mailer {
        let from = "Assay <no-reply@assay.example>".to_owned();
        Mailer::new(&Config { from, ..Config::default() }).unwrap()
    }

    /// Headers as sent, then text and HTML before their encoding.
    fn shown(template: &Template) -> String {
        let stop = template.category().map(|_| STOP.to_owned());
        let at = "2026-11-01T09:05:00Z".parse().unwrap();
        let mail = composed(Uuid::from_u128(7), "dora@example.com".into(), template, stop, at);
        let source = String::from_utf8(mailer().source(&mail).unwrap()).unwrap();
        let head = source.split("\r\n\r\n").next().unwrap().replace("\r\n", "\n");
        format!("{head}\n\n{}\n{}", mail.text, mail.html)
    }

    #[test]
    fn every_mail_is_as_reviewed() {
        let examples = every("Ledgers & <books>");
        let seen: Vec<&str> = examples.iter().map(Template::variant).collect();
        assert_eq!(seen, Template::VARIANTS, "one example of each mail, in their order");
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            for mail in &examples {
                insta::assert_snapshot!(mail.variant(), shown(mail));
            }
        });
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("model/snapshots");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().to_string_lossy().trim_end_matches(".snap").to_owned())
            .collect();
        assert_eq!(
            files,
            seen.iter().map(|name| (*name).to_owned()).collect(),
            "a snapshot of each mail only"
        );
    }

    #[test]
    fn html_is_escaped_and_text_is_not() {
        for mail in every(EVIL) {
            let html = mail.letter().html(&footer(&mail));
            assert!(!html.contains("<script>"), "{html}");
            assert!(html.contains("&lt;script&gt;"), "{html}");
            assert!(html.contains("a=1&amp;b=2\""), "{html}");
            let text = mail.letter().text(&footer(&mail));
            assert!(text.contains("<script>"), "{text}");
            assert!(text.contains("https://assay.example/p?a=1&b=2\n"), "{text}");
        }
    }

    #[test]
    fn a_stored_mail_is_read_again() {
        for template in every("A crawler") {
            for to in [
                Recipient::Account(AccountId::from_uuid(Uuid::from_u128(1))),
                Recipient::Address("a@b.c".into()),
            ] {
                let mail = NewMail { to, template: template.clone() };
                let read: NewMail = serde_json::from_value(serde_json::to_value(&mail).unwrap()).unwrap();
                assert_eq!(read, mail);
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_people_write_no_header_is_added(text in "(?s).{0,400}") {
            let text: String = text.chars().filter(|c| *c != '\0').collect();
            for mail in every(&text) {
                let subject = mail.letter().subject();
                prop_assert!(!subject.is_empty() && !subject.chars().any(char::is_control), "{:?}", subject);
                prop_assert!(subject.chars().count() <= 151);
                let shown = shown(&mail);
                let head = shown.split("\n\n").next().unwrap_or_default();
                let names: Vec<&str> = head
                    .split('\n')
                    .filter(|line| !line.starts_with([' ', '\t']))
                    .filter_map(|line| line.split(':').next())
                    .filter(|name| !name.starts_with("List-Unsubscribe"))
                    .collect();
                prop_assert_eq!(names, ["From", "To", "Subject", "Message-ID", "Date", "MIME-Version", "Content-Type"]);
            }
        }
    }
}
