//! Readers and writers without a socket.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn secrets(of: &[&str]) -> Vec<SecretString> {
    of.iter().map(|secret| SecretString::from(*secret)).collect()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

#[test]
fn signatures_hold_for_every_live_secret_the_raw_body_and_five_minutes() {
    let body = br#"{"id":"evt_1","type":"x"}"#;
    let header = webhook::sign(body, &secrets(&["old"]), at(1_000));
    let check = |body: &[u8], header: &str, live: &[&str], now| {
        webhook::verify(body, header, &secrets(live), at(now))
    };
    assert_eq!(check(body, &header, &["new", "old"], 1_300), Ok(()));
    assert_eq!(check(body, &header, &["old"], 700), Ok(()));
    assert_eq!(check(body, &header, &["old"], 1_301), Err(webhook::Untrusted::Time));
    assert_eq!(check(body, &header, &["old"], 699), Err(webhook::Untrusted::Time));
    assert_eq!(check(body, &header, &["new"], 1_000), Err(webhook::Untrusted::Signature));
    assert_eq!(check(body, &header, &[], 1_000), Err(webhook::Untrusted::Signature));
    assert_eq!(
        check(br#"{"id":"evt_1", "type":"x"}"#, &header, &["old"], 1_000),
        Err(webhook::Untrusted::Signature)
    );
    let moved = header.replace("t=1000", "t=1001");
    assert_eq!(check(body, &moved, &["old"], 1_000), Err(webhook::Untrusted::Signature));
    let both = webhook::sign(body, &secrets(&["a", "old"]), at(1_000));
    assert_eq!(check(body, &format!("{both},v0=00,x"), &["old"], 1_000), Ok(()));
    for junk in ["", "t=1000", "v1=00", "t=1000,t=1000,v1=00", "t=-1,v1=00", "t=x,v1=00", "t=1000,v1=zz"] {
        assert!(check(body, junk, &["old"], 1_000).is_err(), "{junk}");
    }
}

#[test]
fn events_and_objects_are_read_whatever_is_new_in_them() {
    let event = webhook::Event::parse(
        br#"{"id":"evt_1","type":"brand.new","created":"soon","account":7,"data":{"object":[1]},"more":{}}"#,
    )
    .unwrap();
    assert_eq!(
        (event.kind.as_str(), event.created, event.account, event.data.object),
        ("brand.new", 0, None, json!([1]))
    );
    assert!(webhook::Event::parse(b"{}").is_err());
    let transfer: Transfer = serde_json::from_value(json!({
        "id": "tr_1", "amount": 5, "currency": "usd", "amount_reversed": 0, "destination": { "id": "acct_1" },
        "reversed": "who knows", "metadata": { "a": "b", "n": 1 }, "transfer_group": 9,
    }))
    .unwrap();
    assert_eq!(
        (transfer.destination.as_deref(), transfer.reversed, transfer.transfer_group),
        (Some("acct_1"), false, None)
    );
    assert_eq!(transfer.metadata.len(), 1);
    let status: PaymentIntentStatus = serde_json::from_value(json!("teleported")).unwrap();
    assert_eq!(status, PaymentIntentStatus::Other("teleported".to_owned()));
    for amount in [json!(1.5), json!("1"), json!(null), json!(9_007_199_254_740_992_i64)] {
        let broken = json!({ "id": "tr_1", "amount": amount, "currency": "usd", "amount_reversed": 0 });
        assert!(serde_json::from_value::<Transfer>(broken).is_err());
    }
    assert_eq!(money(5, "xxx"), None);
}

#[test]
fn a_stored_request_is_the_same_bytes_and_shows_none() {
    let post = transfer(10, "acct_1", Some("ch_1"));
    let stored = Post::<Transfer>::stored(post.path().into(), post.body().into(), None);
    assert_eq!(
        stored.body(),
        "amount=1000&currency=usd&destination=acct_1&source_transaction=ch_1&transfer_group=contract_1&metadata%5Bcommand%5D=c1"
    );
    assert!(!format!("{post:?}").contains("acct_1"));
    assert!(
        IdempotencyKey::new("").is_none()
            && IdempotencyKey::new("a b").is_none()
            && IdempotencyKey::new("ü").is_none()
    );
}

proptest! {
    #[test]
    fn forms_come_back_as_they_were(pairs in proptest::collection::vec((".{0,20}", ".{0,20}"), 0..10)) {
        let form = pairs.iter().fold(Form::new(), |form, (name, value)| form.with(name.as_str(), value));
        prop_assert_eq!(Form::parse(form.encode().as_bytes()), form);
    }

    #[test]
    fn metadata_comes_back_whatever_it_says(value in ".{1,40}", key in "[a-z_]{1,10}") {
        let form = Form::new().with_map("metadata", [(key.as_str(), value.as_str())]);
        let form = Form::parse(form.encode().as_bytes());
        prop_assert_eq!(form.map("metadata").collect::<Vec<_>>(), vec![(key.as_str(), value.as_str())]);
    }

    #[test]
    fn no_header_or_body_panics(header in "(t=[0-9]{0,25}|v1=[0-9a-fé]{0,70}|,|=| |.){0,12}", body in proptest::collection::vec(any::<u8>(), 0..50)) {
        prop_assert!(webhook::verify(&body, &header, &secrets(&["a"]), at(0)).is_err());
        let _ = webhook::Event::parse(&body);
        let _ = Form::parse(&body).encode();
    }

    #[test]
    fn what_is_signed_is_believed_and_one_bit_less_is_not(body in proptest::collection::vec(any::<u8>(), 1..50), bit in any::<usize>()) {
        let header = webhook::sign(&body, &secrets(&["a"]), at(5));
        prop_assert!(webhook::verify(&body, &header, &secrets(&["a"]), at(5)).is_ok());
        let mut other = body.clone();
        let place = bit % (8 * body.len());
        other[place / 8] ^= 1 << (place % 8);
        prop_assert!(webhook::verify(&other, &header, &secrets(&["a"]), at(5)).is_err());
    }
}
