//! Reading: every fault has its pointer, and nothing makes the engine fall over.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Input, assign, explain, read, read_instant, slots, standings};

fn slots_question() -> Value {
    json!({
        "now": "2027-03-01T00:00:00Z",
        "range": { "from": "2027-03-01T00:00:00Z", "to": "2027-03-08T00:00:00Z" },
        "session": { "length_min": 120, "step_min": 30, "buffer_before_min": 15, "buffer_after_min": 30,
            "min_notice_min": 1440, "grid_zone": "Europe/Berlin" },
        "mode": "lead_and_observer",
        "hosts": [
            { "id": "anna", "zone": "Europe/Berlin", "roles": ["lead", "observer"],
              "weekly": [{ "days": ["mon", "tue"], "start": "09:00", "end": "24:00" }],
              "overrides": [{ "date": "2027-03-02", "intervals": [{ "start": "22:00", "end": "02:00" }] }],
              "time_off": [{ "start": "2027-03-01T08:00:00Z", "end": "2027-03-01T09:00:00Z" }],
              "bookings": [{ "start": "2027-03-01T12:00:00Z", "end": "2027-03-01T14:00:00Z",
                  "buffer_before_min": 15, "buffer_after_min": 30, "state": "held",
                  "expires_at": "2027-03-01T00:10:00Z" }],
              "max_per_day": 2, "max_per_week": 6 },
            { "id": "ben", "zone": "America/New_York", "roles": ["observer"],
              "weekly": [{ "days": ["mon", "tue"], "start": "00:00", "end": "24:00" }] }
        ],
        "candidate_busy": [{ "start": "2027-03-01T16:00:00Z", "end": "2027-03-01T17:00:00Z" }],
    })
}

fn assign_question() -> Value {
    json!({
        "pool": [
            { "id": "anna", "weight": 100, "priority": 2, "joined_at": "2027-02-20T00:00:00Z" },
            { "id": "ben", "absences": [{ "start": "2027-02-01T00:00:00Z", "end": "2027-02-08T00:00:00Z" }] }
        ],
        "history": [{ "host": "ben", "assigned_at": "2027-02-10T00:00:00Z", "state": "expired" }],
        "requests": [{ "at": "2027-03-01T00:00:00Z", "available": ["anna", "ben"] }],
        "record": true,
        "lookback_days": 30,
    })
}

/// Changes one place of a question and answers the faults: pointer and code.
fn faults(mut question: Value, pointer: &str, value: Value) -> Vec<(String, String)> {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match question.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.insert(name.to_owned(), value)),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer} has no parent"),
    }
    match read(question.to_string().as_bytes()) {
        Ok(_) => Vec::new(),
        Err(error) => error.fields().iter().map(|f| (f.pointer.clone(), f.code.clone())).collect(),
    }
}

#[test]
fn the_questions_are_good() {
    assert!(matches!(read(slots_question().to_string().as_bytes()), Ok(Input::Slots(_))));
    assert!(matches!(read(assign_question().to_string().as_bytes()), Ok(Input::Assign(_))));
}

#[test]
fn every_bad_value_is_told_with_its_place() {
    let bad: &[(&str, Value, &str)] = &[
        ("/now", json!("2027-03-01T00:00:00"), "invalid_format"),
        ("/now", json!("2027-03-01T00:00:00+00:00"), "invalid_format"),
        ("/now", json!("2027-03-01T00:00:00.5Z"), "invalid_format"),
        ("/now", json!("2027-03-01T23:59:60Z"), "invalid_format"),
        ("/now", json!("2027-02-29T00:00:00Z"), "invalid_format"),
        ("/now", json!("+027-03-01T00:00:00Z"), "invalid_format"),
        ("/now", json!(1), "invalid_format"),
        ("/now", Value::Null, "invalid_format"),
        ("/when", json!(1), "not_allowed"),
        ("/range/to", json!("2027-02-28T23:59:59Z"), "inconsistent"),
        ("/range/to", json!("2029-03-08T00:00:00Z"), "out_of_range"),
        ("/session/length_min", json!(0), "out_of_range"),
        ("/session/length_min", json!(-30), "out_of_range"),
        ("/session/length_min", json!(1e300), "invalid_format"),
        ("/session/length_min", json!(12.5), "invalid_format"),
        ("/session/length_min", json!(u64::MAX), "out_of_range"),
        ("/session/length_min", json!("120"), "invalid_format"),
        ("/session/step_min", json!(0), "out_of_range"),
        ("/session/step_min", json!(7), "out_of_range"),
        ("/session/step_min", json!(2880), "out_of_range"),
        ("/session/buffer_before_min", json!(-1), "out_of_range"),
        ("/session/min_notice_min", json!(-1), "out_of_range"),
        ("/session/grid_zone", json!("Mars/Olympus"), "unknown_value"),
        ("/session/grid_zone", json!("europe/berlin"), "unknown_value"),
        ("/mode", json!("all"), "unknown_value"),
        ("/hosts", json!({}), "invalid_format"),
        ("/hosts/0", json!([]), "invalid_format"),
        ("/hosts/0/id", json!(""), "out_of_range"),
        ("/hosts/0/zone", json!("+02:00"), "unknown_value"),
        ("/hosts/0/roles/0", json!("boss"), "unknown_value"),
        ("/hosts/0/weekly/0/days/1", json!("monday"), "unknown_value"),
        ("/hosts/0/weekly/0/start", json!("24:00"), "out_of_range"),
        ("/hosts/0/weekly/0/start", json!("9:00"), "invalid_format"),
        ("/hosts/0/weekly/0/end", json!("24:01"), "invalid_format"),
        ("/hosts/0/weekly/0/end", json!("12:60"), "invalid_format"),
        ("/hosts/0/weekly/0/end", json!("12:0é"), "invalid_format"),
        ("/hosts/0/overrides/0/date", json!("2027-02-29"), "invalid_format"),
        ("/hosts/0/overrides/0/intervals/0/start", json!("24:00"), "out_of_range"),
        ("/hosts/0/time_off/0/end", json!("2027-03-01T07:59:59Z"), "inconsistent"),
        ("/hosts/0/bookings/0/state", json!("Confirmed"), "unknown_value"),
        ("/hosts/0/bookings/0/state", json!("no-show"), "unknown_value"),
        ("/hosts/0/bookings/0/state", json!(""), "unknown_value"),
        ("/hosts/0/bookings/0/expires_at", json!("never"), "invalid_format"),
        ("/hosts/0/max_per_day", json!(-1), "out_of_range"),
        ("/hosts/0/a~b", json!(1), "not_allowed"),
    ];
    for (pointer, value, code) in bad {
        let told = pointer.replace("a~b", "a~0b");
        assert_eq!(
            faults(slots_question(), pointer, value.clone()),
            [(told, (*code).to_owned())],
            "{pointer} = {value}"
        );
    }
    assert_eq!(
        faults(slots_question(), "/hosts/1/id", json!("anna")),
        [("/hosts/1/id".into(), "duplicate".into())]
    );
    assert_eq!(
        faults(
            slots_question(),
            "/range",
            json!({"from": "1066-10-14T09:00:00Z", "to": "1066-10-14T18:00:00Z"})
        ),
        [("/range".into(), "out_of_range".into())]
    );
}

#[test]
fn every_bad_value_of_an_assignment_is_told_with_its_place() {
    let bad: &[(&str, Value, &str)] = &[
        ("/pool/0/weight", json!(-1), "out_of_range"),
        ("/pool/0/weight", json!(0.5), "invalid_format"),
        ("/pool/0/joined_at", json!("2027"), "invalid_format"),
        ("/pool/1/id", json!("anna"), "duplicate"),
        ("/history/0/assigned_at", Value::Null, "invalid_format"),
        ("/requests/0/available/1", json!("zoe"), "unknown_value"),
        ("/record", json!("yes"), "invalid_format"),
        ("/lookback_days", json!(-1), "out_of_range"),
        ("/mode", json!("any_lead"), "not_allowed"),
    ];
    for (pointer, value, code) in bad {
        let found = faults(assign_question(), pointer, value.clone());
        let duplicate = [("/pool/1/id".to_owned(), "duplicate".to_owned())];
        if *code == "duplicate" {
            assert_eq!(found[0], duplicate[0]);
        } else {
            assert_eq!(found, [((*pointer).to_owned(), (*code).to_owned())], "{pointer} = {value}");
        }
    }
}

#[test]
fn all_faults_are_told_at_once_and_missing_fields_by_name() {
    let error = read(br#"{"now": 1, "range": {"from": "2027-03-01T00:00:00Z"}, "hosts": [{}]}"#).unwrap_err();
    let told: Vec<&str> = error.fields().iter().map(|field| field.pointer.as_str()).collect();
    let expected =
        ["/now", "/range/to", "/session", "/mode", "/hosts/0/id", "/hosts/0/zone", "/hosts/0/weekly"];
    assert_eq!(told, expected);
}

#[test]
fn what_is_no_object_is_malformed() {
    for text in ["", "[]", "null", "{", "{} {}", "\u{feff}{}", "[[[[[[[["] {
        assert_eq!(read(text.as_bytes()).unwrap_err().code(), assay_kernel::Code::MalformedRequest, "{text}");
    }
    assert_eq!(read(&[b'{', 0xff, b'}']).unwrap_err().code(), assay_kernel::Code::MalformedRequest);
    assert!(read("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn a_question_that_is_too_much_is_refused() {
    let mut question = slots_question();
    question["range"]["to"] = json!("2028-03-08T00:00:00Z");
    question["session"]["step_min"] = json!(1);
    let host = question["hosts"][1].clone();
    let host_of = |index: usize| {
        let mut host = host.clone();
        host["id"] = json!(format!("h{index}"));
        host
    };
    question["hosts"] = (0..200).map(host_of).collect();
    let error = read(question.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.fields()[0].pointer, "/range");
}

#[test]
fn booking_states_that_are_not_known_take_no_time() {
    for state in ["cancelled", "expired", "rescheduled", "rejected", "CANCELLED"] {
        assert_eq!(faults(slots_question(), "/hosts/0/bookings/0/state", json!(state)), []);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3..2_000_i64).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z".prop_map(Value::from),
        "[0-2][0-9]:[0-5][0-9]".prop_map(Value::from),
        proptest::sample::select(vec![
            "lead",
            "observer",
            "mon",
            "held",
            "anna",
            "Pacific/Apia",
            "id",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("start|end|id|at|days|[a-z/~]{1,5}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Replaces (or removes) the value that a walk along `path` comes to.
fn mutate(value: &mut Value, path: &[usize], with: &Value) {
    let Some((step, rest)) = path.split_first() else {
        *value = with.clone();
        return;
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let name = map.keys().nth(step % map.len()).unwrap().clone();
            if rest.is_empty() && step % 5 == 0 {
                map.remove(&name);
            } else if let Some(inner) = map.get_mut(&name) {
                mutate(inner, rest, with);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = step % items.len();
            mutate(&mut items[index], rest, with);
        }
        _ => *value = with.clone(),
    }
}

fn answer(text: &str) {
    match read(text.as_bytes()) {
        Ok(Input::Slots(input)) => {
            slots(&input);
            let _ = explain(&input, None);
            let _ = explain(&input, read_instant("0000-01-01T00:00:00Z"));
            let _ = explain(&input, read_instant("9999-12-31T23:59:59Z"));
        }
        Ok(Input::Assign(input)) => {
            assert_eq!(assign(&input).picks.len(), input.requests.len());
            standings(&input);
        }
        Err(error) => assert!(
            error.code() == assay_kernel::Code::MalformedRequest || !error.fields().is_empty(),
            "a refusal names its fields"
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn no_json_makes_it_panic(value in any_json()) {
        answer(&value.to_string());
    }

    #[test]
    fn no_change_of_a_good_question_makes_it_panic(
        paths in prop::collection::vec((prop::collection::vec(0..20_usize, 1..6), any_json()), 1..4),
        of_slots: bool,
    ) {
        let mut question = if of_slots { slots_question() } else { assign_question() };
        for (path, with) in &paths {
            mutate(&mut question, path, with);
        }
        answer(&question.to_string());
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        answer(&text);
        read_instant(&text);
    }
}
