//! `assay slots` as support staff and scripts call it: the real binary, JSON in, JSON out. The cases in
//! `tests/data/scheduling` cite the letters of the semantics in their tags.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn assay_slots(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
        .arg("slots")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments reads no input.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn answer(arguments: &[&str], input: &Value) -> Value {
    let ran = assay_slots(arguments, input.to_string().as_bytes());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{input}");
    serde_json::from_str(&ran.out).unwrap()
}

fn problem(input: &[u8]) -> Value {
    let ran = assay_slots(&[], input);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    serde_json::from_str(&ran.err).unwrap()
}

fn cases() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scheduling");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        cases.extend(serde_json::from_str::<Vec<Value>>(&text).unwrap());
    }
    cases
}

fn case(id: &str) -> Value {
    cases().into_iter().find(|case| case["id"] == id).unwrap()
}

#[test]
fn every_case_of_the_semantics_is_answered_as_expected() {
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        let got = answer(&[], &case["input"]);
        if got != case["expected"] {
            wrong.push(format!("{} {}: expected {}, got {got}", case["id"], case["title"], case["expected"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn every_letter_of_the_semantics_has_a_case() {
    let cases = cases();
    let tags = cases.iter().flat_map(|case| case["tags"].as_array().unwrap());
    let cited: BTreeSet<&str> = tags.map(|tag| tag.as_str().unwrap()).collect();
    let letters = (1..=16).map(|n| format!("S{n}")).chain((1..=6).map(|n| format!("A{n}")));
    let missing: Vec<String> = letters.filter(|letter| !cited.contains(letter.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let zones = cases.iter().flat_map(|case| case["input"]["hosts"].as_array().into_iter().flatten());
    let zones: BTreeSet<&str> = zones.map(|host| host["zone"].as_str().unwrap()).collect();
    assert!(zones.len() >= 20, "{zones:?}");
}

#[test]
fn bad_input_is_a_problem_on_standard_error() {
    let mut input = case("s5-exact")["input"].clone();
    input["session"]["step_min"] = json!(7);
    input["hosts"][0]["zone"] = json!("Mars/Olympus");
    input["colour"] = json!("blue");
    let problem = problem(input.to_string().as_bytes());
    assert_eq!((&problem["code"], &problem["status"]), (&json!("invalid_fields"), &json!(422)));
    assert_eq!(problem["type"], "/v1/problems/invalid_fields");
    let told: Vec<(&str, &str)> = (problem["errors"].as_array().unwrap().iter())
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("/colour", "not_allowed"),
            ("/session/step_min", "out_of_range"),
            ("/hosts/0/zone", "unknown_value")
        ]
    );
}

#[test]
fn what_is_not_json_is_a_problem_too() {
    for text in [&b""[..], b"{", b"[]", b"\xff\xfe"] {
        assert_eq!(problem(text)["code"], "malformed_request");
    }
    assert_eq!(assay_slots(&["--explain", "yesterday"], b"{}").code, Some(2));
}

/// The reasons that `--explain` gives for a host at a start.
fn reasons(explained: &Value, host: &str, start: &str) -> Vec<String> {
    let of_host = explained["hosts"].as_array().unwrap().iter().find(|entry| entry["id"] == host).unwrap();
    let starts = of_host["starts"].as_array().unwrap();
    let verdict = starts.iter().find(|verdict| verdict["start"] == start).unwrap();
    let why_not = verdict["why_not"].as_array().unwrap();
    why_not.iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_reason_is_told() {
    let input = json!({
        "now": "2027-01-11T00:00:00Z",
        "range": { "from": "2027-01-11T00:00:00Z", "to": "2027-01-13T00:00:00Z" },
        "session": { "length_min": 60, "step_min": 60, "buffer_before_min": 15, "buffer_after_min": 30,
            "min_notice_min": 120 },
        "mode": "lead_and_observer",
        "hosts": [
            { "id": "lea", "zone": "Etc/UTC", "roles": ["lead"],
              "weekly": [{ "days": ["mon", "tue"], "start": "00:00", "end": "20:00" }],
              "time_off": [{ "start": "2027-01-11T06:00:00Z", "end": "2027-01-11T07:00:00Z" }],
              "bookings": [{ "start": "2027-01-11T09:00:00Z", "end": "2027-01-11T10:00:00Z",
                  "buffer_before_min": 15, "buffer_after_min": 30 }] },
            { "id": "obi", "zone": "Asia/Kathmandu", "roles": ["observer"], "max_per_day": 1, "max_per_week": 2,
              "weekly": [{ "days": ["mon", "tue"], "start": "00:00", "end": "24:00" }],
              "time_off": [{ "start": "2027-01-11T13:00:00Z", "end": "2027-01-11T14:00:00Z" }],
              "bookings": [
                  { "start": "2027-01-12T01:00:00Z", "end": "2027-01-12T02:00:00Z", "buffer_before_min": 0,
                    "buffer_after_min": 0 },
                  { "start": "2027-01-17T01:00:00Z", "end": "2027-01-17T02:00:00Z", "buffer_before_min": 0,
                    "buffer_after_min": 0, "state": "cancelled" }] },
            { "id": "pat", "zone": "Etc/UTC", "roles": [],
              "weekly": [{ "days": ["mon"], "start": "00:00", "end": "24:00" }] }
        ],
        "candidate_busy": [{ "start": "2027-01-11T16:00:00Z", "end": "2027-01-11T17:00:00Z" }]
    });
    let explained = answer(&["--explain"], &input);
    assert_eq!(explained["slots"], answer(&[], &input)["slots"]);
    let at = |host: &str, start: &str| reasons(&explained, host, start);
    assert_eq!(at("lea", "2027-01-11T01:00:00Z"), ["notice"]);
    assert_eq!(at("lea", "2027-01-11T05:00:00Z"), ["time_off"]);
    assert_eq!(at("lea", "2027-01-11T10:00:00Z"), ["booking"]);
    assert_eq!(at("lea", "2027-01-11T16:00:00Z"), ["candidate_busy"]);
    assert_eq!(at("lea", "2027-01-11T20:00:00Z"), ["outside_availability"]);
    assert_eq!(at("lea", "2027-01-11T13:00:00Z"), ["no_observer"]);
    assert_eq!(at("lea", "2027-01-11T03:00:00Z"), [] as [&str; 0]);
    assert_eq!(at("obi", "2027-01-11T03:00:00Z"), [] as [&str; 0]);
    assert_eq!(at("obi", "2027-01-11T09:00:00Z"), ["no_lead"]);
    assert_eq!(at("obi", "2027-01-12T05:00:00Z"), ["day_limit"]);
    assert_eq!(at("pat", "2027-01-11T05:00:00Z"), ["no_role"]);

    let start = "2027-01-11T10:20:00Z";
    let explained = answer(&["--explain", start], &input);
    assert_eq!(reasons(&explained, "lea", start), ["booking", "off_grid"]);
    let booking = &explained["hosts"][0]["starts"][0]["why_not"][0];
    assert_eq!(
        (&booking["from"], &booking["to"]),
        (&json!("2027-01-11T08:45:00Z"), &json!("2027-01-11T10:30:00Z"))
    );
    assert_eq!(explained["hosts"][1]["starts"][0]["local"], "2027-01-11T16:05:00+05:45");
    let start = "2027-02-11T10:00:00Z";
    assert_eq!(reasons(&answer(&["--explain", start], &input), "lea", start), ["outside_range"]);
}

#[test]
fn an_assignment_is_explained_in_fractions() {
    let explained = answer(&["--explain"], &case("a3-joined-divisor")["input"]);
    assert_eq!(explained["picks"], json!(["m"]));
    let order = explained["requests"][0]["order"].as_array().unwrap();
    let numbers: Vec<(&str, u64, &str)> = (order.iter())
        .map(|one| {
            (one["host"].as_str().unwrap(), one["load"].as_u64().unwrap(), one["credit"].as_str().unwrap())
        })
        .collect();
    // m came when a and n were there and had four assignments, n when only a was, with three.
    assert_eq!(numbers, [("m", 0, "2"), ("a", 3, "0"), ("n", 1, "3")]);
    assert_eq!(order[0]["shortfall"], "1");
}
