//! Calendars for other programs to read back: `scripts/long-suite` names a folder, gets files and what they say, and
//! asks three libraries what they read.

use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::{Event, Invitation, Method, Party, feed, parameter};

/// Words that people write, and what they are called in a parameter, which can hold neither quotes nor line breaks.
const NAMES: &[(&str, &str)] = &[
    ("Dora Mensah", "Dora Mensah"),
    ("\"Dora\" Mensah", "'Dora' Mensah"),
    ("\"", "'"),
    ("O'Neil, Jr.", "O'Neil, Jr."),
    ("Mensah; Dora", "Mensah, Dora"),
    ("Dora: the second", "Dora: the second"),
    ("Back\\slash", "Back/slash"),
    ("\\n is no break", "/n is no break"),
    ("ends with \\", "ends with /"),
    ("\\, \\; \\\\", "/, /, //"),
    ("two\nlines", "two lines"),
    ("two\r\nlines", "two lines"),
    ("\n\nblank lines\n\n", "blank lines"),
    ("Dora\r\nATTENDEE:mailto:eve@example.com", "Dora ATTENDEE:mailto:eve@example.com"),
    ("Dora\nEND:VEVENT\nBEGIN:VEVENT", "Dora END:VEVENT BEGIN:VEVENT"),
    ("a\tb", "a b"),
    ("a\u{2028}b", "a b"),
    ("bell\u{7} and \u{1b}[31mred", "bell and [31mred"),
    ("100 % %2C %3A", "100 % %2C %3A"),
    ("caret ^n ^' ^^", "caret n '"),
    ("=?utf-8?q?Dora?=", "=?utf-8?q?Dora?="),
    ("<b>Dora</b> & Co", "<b>Dora</b> & Co"),
    ("Zoë Ångström-Łukasiewicz", "Zoë Ångström-Łukasiewicz"),
    ("張偉", "張偉"),
    ("مرحبا بك", "مرحبا بك"),
    ("👩🏽‍💻 Dora 🎉", "👩🏽‍💻 Dora 🎉"),
    ("e\u{301}e\u{301}", "e\u{301}e\u{301}"),
    (" spaces   between ", "spaces between"),
];

/// The text of a value, as people wrote it but for what a line cannot hold.
fn told(words: &str) -> String {
    let breaks = words.replace("\r\n", "\n").replace('\u{2028}', "\n");
    breaks.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

fn at() -> DateTime<Utc> {
    // Before, in and after the hours in which Europe's and America's clocks change.
    "2026-10-25T00:30:00Z".parse().unwrap()
}

fn event(n: usize, words: &str) -> Event {
    let starts_at = at() + Duration::minutes(30 * i64::try_from(n).unwrap());
    Event {
        uid: format!("asm_{n:032x}@assay.example"),
        sequence: i32::try_from(n % 7).unwrap(),
        starts_at,
        ends_at: starts_at + Duration::hours(2),
        summary: format!("Assay: {words}"),
        description: format!("With {words}.\nTask: one, two; three\\four.\nAI tools: allowed."),
        location: n.is_multiple_of(2).then(|| format!("https://meet.example/{n}?a=1&b=2")),
        url: format!("https://assay.example/v1/assessments/asm_{n}"),
    }
}

fn said(event: &Event, words: &str, status: &str) -> Value {
    json!({
        "uid": event.uid,
        "sequence": event.sequence,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "summary": format!("Assay: {}", told(words)),
        "description": format!("With {}.\nTask: one, two; three\\four.\nAI tools: allowed.", told(words)),
        "location": event.location,
        "url": event.url,
        "status": status,
    })
}

fn write(folder: &Path, name: &str, calendar: &str, expected: &Value) {
    std::fs::write(folder.join(format!("{name}.ics")), calendar).unwrap();
    std::fs::write(folder.join(format!("{name}.json")), expected.to_string()).unwrap();
}

/// Names of every sort, long ones too.
fn names() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        NAMES.iter().map(|(words, name)| ((*words).to_owned(), (*name).to_owned())).collect();
    // 200 characters of one, two, three and four octets, so that lines fold at every offset.
    for c in ["x", "é", "張", "👩"] {
        all.extend((0..3).map(|n| format!("{}{}", "-".repeat(n), c.repeat(200 - n))).map(|s| (s.clone(), s)));
    }
    // Whatever the special characters do beside each other.
    for n in 0..20 {
        let special = ["\"", "\n", ",", ";", "\\", ":", "👩", "\t", "é", "'"];
        let words: String = (0..200).map(|k| special[(k * (n + 1) + k / 7) % special.len()]).collect();
        all.push((words.clone(), parameter(&words)));
    }
    all
}

#[test]
fn calendars_for_other_programs_to_read() {
    let Some(folder) = std::env::var_os("ASSAY_CALENDARS").filter(|folder| !folder.is_empty()) else {
        return;
    };
    let folder = Path::new(&folder);
    let organizer = Party { name: "Assay", address: "no-reply@assay.example" };
    let names = names();
    for (n, (words, name)) in names.iter().enumerate() {
        for (method, status) in [(Method::Request, "CONFIRMED"), (Method::Cancel, "CANCELLED")] {
            let optional = n % 3 == 0;
            let invitation = Invitation { method, event: event(n, words), name: words.clone(), optional };
            let mut event = said(&invitation.event, words, status);
            event["organizer"] = json!({ "name": "Assay", "address": organizer.address });
            let role = if optional { "OPT-PARTICIPANT" } else { "REQ-PARTICIPANT" };
            event["attendee"] = json!({ "name": name, "address": "dora@example.com", "role": role });
            let expected = json!({ "method": method.as_str(), "name": null, "events": [event] });
            let calendar = invitation.object(organizer, "dora@example.com", at());
            write(folder, &format!("{n:03}-{}", method.as_str()), &calendar, &expected);
        }
    }
    let events: Vec<(Event, DateTime<Utc>)> =
        names.iter().enumerate().map(|(n, (words, _))| (event(n, words), at())).collect();
    let told: Vec<Value> =
        names.iter().zip(&events).map(|((words, _), (event, _))| said(event, words, "CONFIRMED")).collect();
    let expected = json!({ "method": "PUBLISH", "name": "Your sessions 📅", "events": told });
    write(folder, "feed", &feed("Your sessions 📅", &events), &expected);
    write(
        folder,
        "feed-empty",
        &feed("Nothing", &[]),
        &json!({ "method": "PUBLISH", "name": "Nothing", "events": [] }),
    );
}
