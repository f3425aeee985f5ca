//! What every mail looks like, and that nobody's words get out of their place.

use std::collections::BTreeSet;

use assay_adapters::mail::{Config, Mailer};
use assay_kernel::ids::AccountId;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{Footer, NewMail, Recipient};
use super::*;
use crate::service::composed;

const EVIL: &str = "<script>alert(1)</script>\r\nBcc: eve@example.com & \"co\"";
const FROM: &str = "Assay <no-reply@assay.example>";
const STOP: &str = "https://assay.example/v1/mail/unsubscribe?token=AAAA";

/// One of each, with `text` wherever people write.
fn every(text: &str) -> Vec<Template> {
    let (title, url) = (text.to_owned(), "https://assay.example/p?a=1&b=2".to_owned());
    let at: DateTime<Utc> = "2026-11-01T09:05:00Z".parse().unwrap();
    let expires_at = at;
    let mut every = vec![
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
        Template::ListingExpiring { title: title.clone(), url: url.clone(), at },
        Template::ApplicationReceived { url: url.clone(), due_at: at },
        Template::ApplicationChangesRequested {
            reason: title.clone(),
            notes: vec![format!("/statement: {title}")],
            url: url.clone(),
            until: at,
        },
        Template::ApplicationChangesDue { url: url.clone(), until: at },
        Template::ApplicationExpired { url: url.clone() },
        Template::ApplicationPassed { url: url.clone() },
        Template::AdverseDecision {
            what: Adverse::Declined,
            reason: title.clone(),
            url: url.clone(),
            appeal_until: at,
        },
        Template::DeveloperApproved { url: url.clone(), expires_at },
        Template::ApprovalExpiring { url: url.clone(), expires_at },
        Template::ApprovalExpired { url: url.clone() },
        Template::AppealReceived { url: url.clone(), due_at: at },
        Template::AppealAnswered { overturned: true, answer: title, url: url.clone() },
        Template::RatingCardOpened { url: url.clone(), due_at: at },
        Template::RatingCardDue { url: url.clone(), due_at: at },
        Template::RatingAsked { url: url.clone(), due_at: at },
        Template::AnchorCardsOpened { url: url.clone(), due_at: at },
        Template::AnchorCardDue { url: url.clone(), due_at: at },
        Template::RaterWanted { url: url.clone() },
        Template::AssessmentDecided {
            approved: false,
            feedback: vec![format!("Testing — Solid. {text} Next: a property test.")],
            url: url.clone(),
            appeal_until: Some(at),
        },
        Template::AssessmentSlotsWanted { track: "backend".into(), url: url.clone() },
        Template::AssessmentSlotsFree { track: "backend".into(), url: url.clone() },
    ];
    every.extend(session::every(text));
    every.extend(contract_letters::every(text));
    every.push(Template::StaffOverdue { what: Overdue::Screening, url, due_at: at });
    every
}

fn footer(mail: &Template) -> Footer<'static> {
    match mail.category() {
        None => Footer::Essential,
        Some(category) => Footer::Optional { about: category.about(), unsubscribe: STOP },
    }
}

fn mailer() -> Mailer {
    Mailer::new(&Config { from: FROM.to_owned(), ..Config::default() }).unwrap()
}

/// Headers as sent, then text and HTML before their encoding.
fn shown(template: &Template) -> String {
    let stop = template.category().map(|_| STOP.to_owned());
    let at = "2026-11-01T09:05:00Z".parse().unwrap();
    let mail = composed(Uuid::from_u128(7), "dora@example.com".into(), template, stop, at, FROM);
    let source = String::from_utf8(mailer().source(&mail).unwrap()).unwrap();
    let head = source.split("\r\n\r\n").next().unwrap().replace("\r\n", "\n");
    let calendar = mail.calendar.map(|calendar| calendar.text.replace("\r\n", "\n")).unwrap_or_default();
    format!("{head}\n\n{}\n{}{calendar}", mail.text, mail.html)
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
    assert_eq!(files, seen.iter().map(|name| (*name).to_owned()).collect(), "a snapshot of each mail only");
}

#[test]
fn html_is_escaped_and_text_is_not() {
    let mut with_words_of_people = 0;
    for mail in every(EVIL) {
        let html = mail.letter().html(&footer(&mail));
        assert!(!html.contains("<script>"), "{html}");
        // Who has left a session may not see it any more.
        let linked = !matches!(mail, Template::SessionLeft { .. });
        assert_eq!(html.contains("a=1&amp;b=2\""), linked, "{html}");
        let text = mail.letter().text(&footer(&mail));
        assert_eq!(html.contains("&lt;script&gt;"), text.contains("<script>"), "{html}");
        with_words_of_people += usize::from(text.contains("<script>"));
        assert_eq!(text.contains("https://assay.example/p?a=1&b=2\n"), linked, "{text}");
    }
    assert_eq!(with_words_of_people, 27);
}

#[test]
fn a_stored_mail_is_read_again() {
    for template in every("A crawler") {
        for to in
            [Recipient::Account(AccountId::from_uuid(Uuid::from_u128(1))), Recipient::Address("a@b.c".into())]
        {
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
