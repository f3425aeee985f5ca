//! iCalendar objects (RFC 5545) as invitations (RFC 5546, 6047) and as feeds. Written here in full: the crate
//! `icalendar` (0.17) lets quotes and line breaks in names through, which would end a parameter or a line.
//!
//! Times are UTC; lines end with CRLF and are folded at 75 octets between characters; what people wrote is cleaned of
//! control characters and escaped. The same event gives the same text.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Octets of a line, without its end.
const LINE: usize = 75;

/// What a calendar is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Asks somebody to come, or tells of a change.
    Request,
    /// Takes it back.
    Cancel,
    /// Shows what there is; nobody is asked anything.
    Publish,
}

impl Method {
    /// As in the object and in the mail's type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
            Self::Publish => "PUBLISH",
        }
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Names it for ever.
    pub uid: String,
    /// Rises with every change.
    pub sequence: i32,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// One line.
    pub summary: String,
    /// More.
    pub description: String,
    /// Where, as people read it: a link, mostly.
    pub location: Option<String>,
    /// Where the service shows it.
    pub url: String,
}

/// An invitation to one person; their address is added when it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Whether it asks or takes back.
    pub method: Method,
    /// To what.
    pub event: Event,
    /// The person's name.
    pub name: String,
    /// Need they not come?
    pub optional: bool,
}

/// Somebody named in an object.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// As people call them.
    pub name: &'a str,
    /// Their address.
    pub address: &'a str,
}

impl Invitation {
    /// The object that goes to `address`: the only one who is asked, so that nobody learns another's address.
    pub fn object(&self, organizer: Party<'_>, address: &str, written_at: DateTime<Utc>) -> String {
        let mut out = Lines::begin(self.method);
        out.event(&self.event, self.method == Method::Cancel, written_at);
        out.party("ORGANIZER", organizer, "");
        let role = if self.optional { "OPT-PARTICIPANT" } else { "REQ-PARTICIPANT" };
        let rest = match self.method {
            Method::Request => format!(";ROLE={role};PARTSTAT=NEEDS-ACTION;RSVP=TRUE"),
            Method::Cancel | Method::Publish => format!(";ROLE={role}"),
        };
        out.party("ATTENDEE", Party { name: &self.name, address }, &rest);
        if self.method == Method::Request {
            for line in ["BEGIN:VALARM", "ACTION:DISPLAY"] {
                out.line(line);
            }
            out.text("DESCRIPTION", &self.event.summary);
            out.line("TRIGGER:-PT15M");
            out.line("END:VALARM");
        }
        out.line("END:VEVENT");
        out.end()
    }
}

/// A feed: events without anybody's address. Each comes with when it last changed.
pub fn feed(name: &str, events: &[(Event, DateTime<Utc>)]) -> String {
    let mut out = Lines::begin(Method::Publish);
    out.text("NAME", name);
    out.text("X-WR-CALNAME", name);
    out.line("REFRESH-INTERVAL;VALUE=DURATION:PT1H");
    out.line("X-PUBLISHED-TTL:PT1H");
    for (event, changed_at) in events {
        out.event(event, false, *changed_at);
        out.line("END:VEVENT");
    }
    out.end()
}

struct Lines(String);

impl Lines {
    fn begin(method: Method) -> Self {
        let mut out = Self(String::new());
        for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Assay//Assay//EN", "CALSCALE:GREGORIAN"] {
            out.line(line);
        }
        out.line(&format!("METHOD:{}", method.as_str()));
        out
    }

    fn end(mut self) -> String {
        self.line("END:VCALENDAR");
        self.0
    }

    /// All of an event but its parties and its end.
    fn event(&mut self, event: &Event, cancelled: bool, written_at: DateTime<Utc>) {
        self.line("BEGIN:VEVENT");
        self.line(&format!("UID:{}", bare(&event.uid)));
        self.line(&format!("SEQUENCE:{}", event.sequence));
        self.line(&format!("DTSTAMP:{}", time(written_at)));
        self.line(&format!("DTSTART:{}", time(event.starts_at)));
        self.line(&format!("DTEND:{}", time(event.ends_at)));
        self.text("SUMMARY", &event.summary);
        self.text("DESCRIPTION", &event.description);
        if let Some(location) = &event.location {
            self.text("LOCATION", location);
        }
        self.line(&format!("URL:{}", bare(&event.url)));
        self.line(if cancelled { "STATUS:CANCELLED" } else { "STATUS:CONFIRMED" });
        self.line("TRANSP:OPAQUE");
    }

    fn party(&mut self, property: &str, party: Party<'_>, rest: &str) {
        let name = parameter(party.name);
        let name = if name.is_empty() { String::new() } else { format!(";CN=\"{name}\"") };
        self.line(&format!("{property}{name}{rest}:mailto:{}", bare(party.address)));
    }

    fn text(&mut self, property: &str, value: &str) {
        self.line(&format!("{property}:{}", escaped(value)));
    }

    /// A content line, folded.
    fn line(&mut self, line: &str) {
        let mut room = LINE;
        for c in line.chars() {
            if c.len_utf8() > room {
                self.0.push_str("\r\n ");
                room = LINE - 1;
            }
            self.0.push(c);
            room = room.saturating_sub(c.len_utf8());
        }
        self.0.push_str("\r\n");
    }
}

fn time(at: DateTime<Utc>) -> impl std::fmt::Display {
    at.format("%Y%m%dT%H%M%SZ")
}

/// TEXT (RFC 5545 §3.3.11). Control characters but line breaks and tabs have no place in it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push_str("\\n"),
            '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A quoted parameter's value cannot hold a quote or a line break, and there is no escape that every program reads: a
/// quote becomes an apostrophe. A backslash and a caret (RFC 6868), which begin an escape to some programs, become a
/// stroke and a space, a semicolon, at which some cut in spite of the quotes, a comma; what breaks lines becomes a space.
fn parameter(text: &str) -> String {
    let breaks = |c: char| c.is_control() || c.is_whitespace() || c == '^';
    let plain = text.replace('"', "'").replace('\\', "/").replace(';', ",");
    let words = plain.split(breaks).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// A URI or an id of ours, which has none of these in it.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect()
}

#[cfg(test)]
mod corpus;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(words: &str) -> Event {
        Event {
            uid: "asm_7@assay.example".into(),
            sequence: 3,
            starts_at: "2026-12-01T10:00:00Z".parse().unwrap(),
            ends_at: "2026-12-01T12:00:00Z".parse().unwrap(),
            summary: words.into(),
            description: words.into(),
            location: Some("https://meet.example/x".into()),
            url: "https://assay.example/v1/assessments/asm_7".into(),
        }
    }

    fn object(method: Method, words: &str) -> String {
        let invitation = Invitation { method, event: event(words), name: words.into(), optional: false };
        let organizer = Party { name: "Assay", address: "no-reply@assay.example" };
        invitation.object(organizer, "dora@example.com", "2026-11-21T12:00:00Z".parse().unwrap())
    }

    /// Name, parameters, value.
    type Line = (String, Vec<(String, String)>, String);

    /// Content lines again: (name, parameters, value), read as the standard says.
    fn parsed(object: &str) -> Vec<Line> {
        assert!(object.ends_with("\r\n"));
        assert_eq!(object.matches('\n').count(), object.matches("\r\n").count(), "{object:?}");
        for line in object.split("\r\n") {
            assert!(line.len() <= LINE, "{line:?}");
            assert!(!line.chars().any(|c| c.is_control() && c != '\t'), "{line:?}");
        }
        let unfolded = object.replace("\r\n ", "");
        unfolded.trim_end_matches("\r\n").split("\r\n").map(content_line).collect()
    }

    fn content_line(line: &str) -> (String, Vec<(String, String)>, String) {
        let mut quoted = false;
        let mut parts = vec![String::new()];
        let mut chars = line.chars();
        for c in chars.by_ref() {
            match c {
                '"' => quoted = !quoted,
                ';' if !quoted => parts.push(String::new()),
                ':' if !quoted => break,
                c => parts.last_mut().unwrap().push(c),
            }
        }
        let parameters = parts[1..].iter().map(|part| {
            let (name, value) = part.split_once('=').expect("a parameter");
            (name.to_owned(), value.to_owned())
        });
        (parts[0].clone(), parameters.collect(), chars.collect())
    }

    fn unescaped(text: &str) -> String {
        let mut out = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('n') => out.push('\n'),
                    Some(c @ ('\\' | ';' | ',')) => out.push(c),
                    other => panic!("an unknown escape {other:?} in {text:?}"),
                },
                c => out.push(c),
            }
        }
        out
    }

    fn only<'a>(lines: &'a [Line], name: &str) -> &'a (String, Vec<(String, String)>, String) {
        let mut found = lines.iter().filter(|line| line.0 == name);
        let first = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(name == "DESCRIPTION" || found.next().is_none(), "two {name}");
        first
    }

    fn check(words: &str) {
        for method in [Method::Request, Method::Cancel] {
            let object = object(method, words);
            let lines = parsed(&object);
            assert_eq!(only(&lines, "METHOD").2, method.as_str());
            assert_eq!(only(&lines, "UID").2, "asm_7@assay.example");
            assert_eq!(only(&lines, "SEQUENCE").2, "3");
            assert_eq!(only(&lines, "DTSTART").2, "20261201T100000Z");
            let kept = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
            let told: String = words
                .replace("\r\n", "\n")
                .replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n")
                .chars()
                .filter(|c| kept(*c))
                .collect();
            assert_eq!(unescaped(&only(&lines, "SUMMARY").2), told);
            let (_, parameters, address) = only(&lines, "ATTENDEE");
            assert_eq!(address, "mailto:dora@example.com");
            let name = parameters.iter().find(|(name, _)| name == "CN").map_or("", |(_, value)| value);
            assert_eq!(name, parameter(words));
            let names: Vec<&str> =
                parameters.iter().map(|(name, _)| name.as_str()).filter(|n| *n != "CN").collect();
            match method {
                Method::Request => assert_eq!(names, ["ROLE", "PARTSTAT", "RSVP"]),
                _ => assert_eq!(names, ["ROLE"]),
            }
            assert_eq!(lines.iter().filter(|line| line.0 == "BEGIN" && line.2 == "VEVENT").count(), 1);
        }
    }

    #[test]
    fn names_of_every_sort_are_read_again() {
        for name in [
            "Dora",
            "\"Dora\" O'Neil; Jr., \\ PhD: x",
            "Dora\r\nATTENDEE:mailto:eve@example.com",
            "a\nb\rc\u{85}d\u{2028}e",
            "\u{0}\u{7}\u{1b}[31m",
            "👩🏽‍💻 Zoë Ångström 張偉 مرحبا",
            "",
        ] {
            check(name);
            check(&name.repeat(30));
        }
        check(&"é".repeat(200));
        check(&"👩".repeat(200));
    }

    #[test]
    fn a_feed_asks_nobody() {
        let at = "2026-11-21T12:00:00Z".parse().unwrap();
        let text = feed("Assay, sessions", &[(event("One"), at), (event("Two"), at)]);
        let lines = parsed(&text);
        assert_eq!(only(&lines, "METHOD").2, "PUBLISH");
        assert_eq!(lines.iter().filter(|line| line.0 == "UID").count(), 2);
        assert!(!text.contains("ATTENDEE") && !text.contains("ORGANIZER") && !text.contains("mailto"));
        parsed(&feed("Nothing", &[]));
    }

    proptest! {
        #[test]
        fn whatever_people_write_is_read_again(words in "(?s).{0,200}") {
            check(&words);
        }

        #[test]
        fn what_breaks_lines_and_lists_is_read_again(words in "[\"\\\\;,:\r\n\t\u{0}\u{85}\u{2028} aé👩=]{0,300}") {
            check(&words);
        }
    }
}
