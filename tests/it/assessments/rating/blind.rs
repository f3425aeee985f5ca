//! Blind by construction: until a rater has submitted, nothing tells them anything of the other's card. Every operation
//! of the description is called as that rater, who holds every staff permission too, before and after the other submits.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use assay::app::openapi;
use assay::app::spec::operations;
use assay_kernel::Permission;
use assay_kernel::ids::PREFIXES;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Over, card_saying};
use crate::harness::{Person, TestApp};

/// What the lead writes, and what it must not be found in.
const WORD: &str = "Leadcanary";

/// Operations that end the caller's session, tell the time, or make a new thing at each call (asked for below).
const LEFT_OUT: &[&str] = &[
    "create_calendar_feed",
    "enrol_second_factor",
    "get_sandbox",
    "get_sandbox_clock",
    "logout",
    "remove_second_factor",
    "request_data_export",
    "revoke_all_sessions",
];

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// The path with the ids of the things at hand.
fn path_of(template: &str, over: &Over, concern: &str) -> String {
    let last = |path: &str| path.rsplit('/').next().expect("an id").to_owned();
    let mut noun = "";
    let segments = template.split('/').map(|segment| {
        if !segment.starts_with('{') {
            noun = segment;
            return segment.to_owned();
        }
        match noun {
            "assessments" => last(&over.path),
            "applications" => last(&over.application),
            "integrity_concerns" => concern.to_owned(),
            "accounts" | "developers" => over.lead.id.clone(),
            "rubric" => "2026-11-21".to_owned(),
            "process" => "assessment".to_owned(),
            "problems" => "not_found".to_owned(),
            _ => PREFIXES
                .iter()
                .find(|(_, name)| {
                    noun.strip_suffix('s').is_some_and(|one| name.ends_with(&one.replace('_', " ")))
                })
                .map_or("nothing".to_owned(), |(prefix, _)| {
                    format!("{prefix}_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")
                }),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Takes out what differs between two equal requests.
fn settle(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["request_id", "last_used_at", "last_seen_at", "made_at", "signature"] {
                members.remove(name);
            }
            members.values_mut().for_each(settle);
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        _ => {}
    }
}

/// Calls every operation; answers what each said.
async fn walk(app: &TestApp, rater: &Person, over: &Over, concern: &str) -> BTreeMap<String, String> {
    app.work().await;
    let mut said = BTreeMap::new();
    for (template, method, operation) in operations(openapi::whole()) {
        let name = operation["operationId"].as_str().expect("a name");
        if LEFT_OUT.contains(&name) {
            continue;
        }
        let mut path = path_of(template, over, concern);
        if name == "list_events" {
            path.push_str("?limit=100");
        }
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
        let mut call = app.request(method.clone(), &path).by(rater);
        if method != Method::GET {
            let kind =
                if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
            // Nothing is changed: the body lacks everything, the version is none that ever was.
            call = call.if_match("\"999999\"").body(kind, "{}");
        }
        let answer = call.send_unchecked().await;
        assert!(!answer.text.contains(WORD), "{answer}");
        let mut body = serde_json::from_str(&answer.text).unwrap_or(Value::String(answer.text.clone()));
        settle(&mut body);
        let tag = answer.header("etag").unwrap_or_default();
        said.insert(format!("{method} {path} ({name})"), format!("{} {tag} {body}", answer.status));
    }
    said
}

#[tokio::test]
async fn nothing_tells_a_rater_of_the_others_card() {
    tracing_subscriber::fmt()
        .with_env_filter(
            "info,assay=trace,assay_platform=trace,assay_assessments=trace,assay_notifications=trace",
        )
        .with_writer(|| Log)
        .with_ansi(false)
        .try_init()
        .expect("no other test keeps the log");
    let app = TestApp::start().await;
    let over = app.over().await;
    let rater = &over.observer;
    for permission in Permission::ALL {
        app.staff("staff-theo", *permission).await;
    }
    let concern = json!({ "text": format!("Another voice dictated: {WORD}."),
        "evidence": [{ "source": "https://git.example/x", "finding": format!("{WORD} in the log.") }] });
    let concerns = format!("{}/integrity_concerns", over.path);
    let concern = app.post(&concerns).by(&over.lead).json(concern).expect(201).await.id();
    app.save_card(rater, &over.path, &card_saying(1, "no", "own words")).await.assert_status(200);
    // The first round leaves what rounds leave behind: an export that was asked for, and the like.
    walk(&app, rater, &over, &concern).await;

    let before = walk(&app, rater, &over, &concern).await;
    assert!(before.len() > 150, "{}", before.len());
    let draft = card_saying(4, "strong_yes", WORD);
    app.save_card(&over.lead, &over.path, &draft).await.assert_status(200);
    let record = format!("{}/record", over.path);
    let seen = app.get(&record).by(&over.lead).expect(200).await.etag();
    let notes = json!({ "notes": WORD }).to_string();
    let call = app.patch(&record).by(&over.lead).if_match(&seen);
    call.body("application/merge-patch+json", notes).expect(200).await;
    let saved = walk(&app, rater, &over, &concern).await;
    let tables = [
        "applications",
        "assessments",
        "audit_log",
        "bookings",
        "events",
        "jobs",
        "rating_readers",
        "timers",
    ];
    let mut dumps = Vec::new();
    for table in tables {
        dumps.push(app.dump(table).await);
    }
    app.rate(&over.lead, &over.path, draft).await;
    for (table, dump) in tables.iter().zip(dumps) {
        assert_eq!(app.dump(table).await, dump, "a first submission touches its card alone, not {table}");
    }
    let after = walk(&app, rater, &over, &concern).await;
    for (call, said) in &before {
        assert_eq!(said, &saved[call], "{call}, once the other had written");
        assert_eq!(said, &after[call], "{call}, once the other had submitted");
    }
    let own = &before[&format!("GET {}/card (get_own_card)", over.path)];
    assert!(own.contains("own words") && own.starts_with("200"), "the walk reaches what it is about: {own}");
    for what in ["cards", "integrity_concerns", "outcome"] {
        let refused = before.iter().find(|(call, _)| call.starts_with(&format!("GET {}/{what} ", over.path)));
        assert!(refused.is_some_and(|(_, said)| said.starts_with("403")), "{what}: {refused:?}");
    }

    // Their copy of their data, the mails, the log.
    let asked = app.post("/v1/me/data_export").by(rater).expect(202).await;
    app.work().await;
    let copy = app.get(&format!("/v1/me/data_exports/{}/download", asked.id())).by(rater).expect(200).await;
    assert!(copy.text.contains("own words") && !copy.text.contains(WORD), "{copy}");
    assert_eq!(copy.at("/data/assessments/own_rating_cards").as_array().unwrap().len(), 1);
    let folder = app.services.sandbox.mail.clone().expect("a folder");
    let mut mails = 0;
    for file in std::fs::read_dir(folder).expect("mails").map(|file| file.expect("a file").path()) {
        let text = std::fs::read_to_string(&file).expect("a mail");
        assert!(!text.contains(WORD), "{text}");
        mails += 1;
    }
    assert!(mails >= 2, "{mails}");
    let lines = log();
    assert!(lines.contains("/card/submit"), "the log was kept");
    assert!(!lines.contains(WORD), "the log tells");

    // The reminders go on as if nothing had been submitted; an alarm names nobody.
    app.advance(std::time::Duration::from_secs(24 * 3_600 + 60)).await;
    let events = app.get("/v1/events?limit=100").by(rater).expect(200).await;
    assert!(!events.text.contains("rating_overdue") && !events.text.contains(WORD), "{events}");
    app.get(&format!("{}/cards", over.path)).by(rater).expect(403).await;
    app.rate(rater, &over.path, card_saying(1, "no", "own words")).await;
    let open = app.get(&format!("{}/cards", over.path)).by(rater).expect(200).await;
    assert_eq!(open.text_at("/state"), "adjudication");
    app.stop().await;
}
