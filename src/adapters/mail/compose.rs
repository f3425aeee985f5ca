//! From a mail to a message (RFC 5322, MIME).

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use uuid::Uuid;

use super::error::MailError;

/// A mail to one person.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Identifies it over all tries.
    pub id: Uuid,
    /// The address, without a name.
    pub to: String,
    /// The subject: one line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
    /// A calendar that mail programs act on.
    pub calendar: Option<CalendarPart>,
    /// When it was written.
    pub written_at: DateTime<Utc>,
    /// Where such mail is stopped; none for mail that is needed.
    pub unsubscribe: Option<String>,
}

/// An iCalendar object in a mail (RFC 6047).
#[derive(Clone, Debug)]
pub struct CalendarPart {
    /// Its METHOD, which the part's type repeats.
    pub method: &'static str,
    /// The object.
    pub text: String,
}

impl CalendarPart {
    /// The part: programs that know more take the last alternative that they understand.
    fn part(&self) -> Result<SinglePart, MailError> {
        let kind = format!("text/calendar; method={}; charset=utf-8", self.method);
        let kind = ContentType::parse(&kind).map_err(|_| MailError::Unacceptable("the method is not one"))?;
        Ok(SinglePart::builder().header(kind).body(self.text.clone()))
    }
}

/// `List-Unsubscribe` (RFC 2369): the link.
#[derive(Clone)]
struct ListUnsubscribe(String);

/// `List-Unsubscribe-Post` (RFC 8058): a mail program may post to the link without asking further.
#[derive(Clone)]
struct ListUnsubscribePost;

/// Only written, never read.
type ReadFailure = Box<dyn std::error::Error + Send + Sync>;

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }
    fn parse(text: &str) -> Result<Self, ReadFailure> {
        Ok(Self(text.to_owned()))
    }
    fn display(&self) -> HeaderValue {
        let link = format!("<{}>", self.0);
        // Neither folded nor encoded: programs must find the link as it is.
        HeaderValue::dangerous_new_pre_encoded(Self::name(), link.clone(), link)
    }
}

impl Header for ListUnsubscribePost {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }
    fn parse(_: &str) -> Result<Self, ReadFailure> {
        Ok(Self)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".to_owned())
    }
}

/// Reads `Name <address>` or an address.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, &'static str> {
    if text.chars().any(char::is_control) {
        return Err("an address has no control characters");
    }
    text.parse().map_err(|_| "not an address")
}

/// The message of a mail, the same for every try.
pub(super) fn message(from: &Mailbox, mail: &Mail) -> Result<Message, MailError> {
    // The builder panics on some of these, so they never reach it.
    if mail.subject.is_empty() || mail.subject.chars().any(char::is_control) {
        return Err(MailError::Unacceptable("the subject is not one line of text"));
    }
    if mail.to.chars().any(char::is_control) {
        return Err(MailError::Unacceptable("the address has a control character"));
    }
    let to: Address = mail.to.parse().map_err(|_| MailError::Unacceptable("the address is not one"))?;
    let id = mail.id.simple();
    let mut builder = Message::builder();
    if let Some(link) = &mail.unsubscribe {
        if !link.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>')) {
            return Err(MailError::Unacceptable("the unsubscribe link is not a URL"));
        }
        builder = builder.header(ListUnsubscribe(link.clone())).header(ListUnsubscribePost);
    }
    let mut parts = MultiPart::alternative()
        .boundary(format!("part-{id}"))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text.clone()))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(mail.html.clone()));
    if let Some(calendar) = &mail.calendar {
        parts = parts.singlepart(calendar.part()?);
    }
    builder
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(mail.subject.clone())
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .date(SystemTime::from(mail.written_at))
        .multipart(parts)
        .map_err(|_| MailError::Unacceptable("the message cannot be built"))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub fn mail(to: &str, subject: &str) -> Mail {
        Mail {
            id: Uuid::from_u128(7),
            to: to.into(),
            subject: subject.into(),
            text: "Hello.\n".into(),
            html: "<p>Hello.</p>\n".into(),
            calendar: None,
            written_at: "2026-11-20T12:00:00Z".parse().unwrap(),
            unsubscribe: None,
        }
    }

    fn from() -> Mailbox {
        mailbox("Assay <no-reply@assay.example>").unwrap()
    }

    #[test]
    fn a_retry_makes_the_same_message() {
        let first = message(&from(), &mail("dora@example.com", "Zoë — an offer")).unwrap().formatted();
        let second = message(&from(), &mail("dora@example.com", "Zoë — an offer")).unwrap().formatted();
        assert_eq!(first, second);
        let text = String::from_utf8(first).unwrap();
        assert!(text.contains("Message-ID: <00000000000000000000000000000007@assay.example>\r\n"), "{text}");
        assert!(text.contains("Date: Fri, 20 Nov 2026 12:00:00 +0000\r\n"), "{text}");
    }

    #[test]
    fn nothing_can_add_a_header() {
        for subject in ["a\r\nBcc: eve@example.com", "a\nBcc: eve@example.com", "a\rb", "a\0b", ""] {
            let refused = message(&from(), &mail("dora@example.com", subject)).unwrap_err();
            assert!(refused.is_permanent(), "{subject:?}");
        }
        for to in [
            "dora@example.com\r\nBcc: eve@example.com",
            "dora@example.com\n",
            "\"a\r\nBcc: eve@example.com\"@example.com",
            "dora@example.com, eve@example.com",
            "Dora <dora@example.com>",
            "dora",
            "",
        ] {
            assert!(message(&from(), &mail(to, "Hello")).is_err(), "{to:?}");
        }
        // lettre itself panics on a line break in a display name.
        for name in
            ["As\r\nBcc: eve@example.com <no-reply@assay.example>", "As\nsay <no-reply@assay.example>"]
        {
            assert!(mailbox(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn an_unsubscribe_link_is_a_header_as_it_is() {
        let link = format!("https://assay.example/v1/mail/unsubscribe?token={}", "A".repeat(100));
        let optional = Mail { unsubscribe: Some(link.clone()), ..mail("dora@example.com", "Hello") };
        let text = String::from_utf8(message(&from(), &optional).unwrap().formatted()).unwrap();
        assert!(text.contains(&format!("List-Unsubscribe: <{link}>\r\n")), "{text}");
        assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{text}");
        for bad in
            ["https://a.example/\r\nBcc: eve@example.com", "https://a.example/> <x", "https://a.example/é"]
        {
            let mail = Mail { unsubscribe: Some(bad.to_owned()), ..optional.clone() };
            assert!(message(&from(), &mail).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_calendar_is_the_last_alternative() {
        let calendar =
            CalendarPart { method: "REQUEST", text: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".into() };
        let invitation = Mail { calendar: Some(calendar), ..mail("dora@example.com", "Hello") };
        let text = String::from_utf8(message(&from(), &invitation).unwrap().formatted()).unwrap();
        let kinds: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("Content-Type: ")).skip(1).collect();
        assert_eq!(
            kinds,
            [
                "text/plain; charset=utf-8",
                "text/html; charset=utf-8",
                "text/calendar; method=REQUEST; charset=utf-8"
            ],
            "{text}"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_or_adds_a_recipient(to in "\\PC{0,60}", subject in ".{0,200}") {
            if let Ok(message) = message(&from(), &mail(&to, &subject)) {
                prop_assert_eq!(message.envelope().to().len(), 1);
                let text = String::from_utf8_lossy(&message.formatted()).into_owned();
                let head = text.split("\r\n\r\n").next().unwrap_or_default().to_owned();
                let names: Vec<&str> = head
                    .split("\r\n")
                    .filter(|line| !line.starts_with([' ', '\t']))
                    .filter_map(|line| line.split(':').next())
                    .collect();
                prop_assert_eq!(names, ["From", "To", "Subject", "Message-ID", "Date", "MIME-Version", "Content-Type"]);
            }
        }
    }
}
