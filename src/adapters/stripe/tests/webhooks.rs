//! Deliveries of the sandbox, as a receiver of ours sees them.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// What came: the type of each event that could be believed, in order. The first `failures` get 500.
async fn receiver(clock: Clock, failures: usize) -> (String, Arc<Mutex<Vec<webhook::Event>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = seen.clone();
    tokio::spawn(async move {
        let mut refused = 0;
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut raw = Vec::new();
            let (head, length) = loop {
                let mut part = [0; 4096];
                let read = socket.read(&mut part).await.unwrap();
                raw.extend_from_slice(&part[..read]);
                if let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
                    let head = String::from_utf8(raw[..end].to_vec()).unwrap();
                    let value = |name: &str| {
                        let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap();
                        line.split_once(": ").unwrap().1.to_owned()
                    };
                    let length: usize = value("content-length:").parse().unwrap();
                    raw.drain(..end + 4);
                    break (value("stripe-signature:"), length);
                }
                assert!(read > 0);
            };
            while raw.len() < length {
                let mut part = [0; 4096];
                let read = socket.read(&mut part).await.unwrap();
                raw.extend_from_slice(&part[..read]);
            }
            let good = webhook::verify(&raw, &head, &[SecretString::from("whsec_live")], clock.now()).is_ok();
            let status = if refused < failures || !good { "500 No" } else { "200 OK" };
            if status == "200 OK" {
                kept.lock().unwrap().push(webhook::Event::parse(&raw).unwrap());
            }
            refused += 1;
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, seen)
}

async fn told(failures: usize) -> (Stage, Arc<Mutex<Vec<webhook::Event>>>) {
    let stage = Stage::new();
    let (url, seen) = receiver(stage.clock.clone(), failures).await;
    stage.order("webhooks", json!({ "url": url, "secrets": ["whsec_old", "whsec_live"] })).await;
    (stage, seen)
}

async fn until(seen: &Mutex<Vec<webhook::Event>>, count: usize) -> Vec<String> {
    for _ in 0..200 {
        if seen.lock().unwrap().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    seen.lock().unwrap().iter().map(|event| event.kind.clone()).collect()
}

const PAID: [&str; 3] = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"];

#[tokio::test]
async fn what_happens_is_told_signed_and_in_order() {
    let (stage, seen) = told(0).await;
    let (intent, _) = stage.paid(10, "pm_card_visa").await;
    assert_eq!(until(&seen, 3).await, PAID);
    let last = seen.lock().unwrap()[2].clone();
    assert_eq!((last.object_kind(), last.object_id()), (Some("payment_intent"), Some(intent.id.as_str())));
    assert_eq!((last.account.as_deref(), last.api_version.as_deref()), (None, Some(API_VERSION)));
    // The list of events has the same, for those who missed it.
    let listed = stage.stripe.list::<webhook::Event>(&Listing::events(), 10).await.unwrap();
    assert_eq!(listed.items[0].id, last.id);
}

#[tokio::test]
async fn connected_accounts_are_told_apart() {
    let (stage, seen) = told(0).await;
    let (url, connected) = receiver(stage.clock.clone(), 0).await;
    stage.order("webhooks", json!({ "url": url, "secrets": ["whsec_live"], "connect": true })).await;
    let payee = stage.payee().await;
    assert_eq!(until(&connected, 1).await, ["account.updated"]);
    assert_eq!(connected.lock().unwrap()[0].account.as_deref(), Some(payee.id.as_str()));
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again() {
    let (stage, seen) = told(1).await;
    stage.send(&payment(10, None, "m1")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(seen.lock().unwrap().is_empty());
    stage.clock.advance(Duration::from_secs(6));
    assert_eq!(until(&seen, 1).await, ["payment_intent.created"]);
}

#[tokio::test]
async fn deliveries_are_doubled_reordered_delayed_and_dropped_on_demand() {
    let cases: [(&str, &str, &[&str]); 3] = [
        ("webhook_duplicate", "charge", &[PAID[0], PAID[1], PAID[1], PAID[2]]),
        ("webhook_reorder", "charge", &[PAID[0], PAID[2], PAID[1]]),
        ("webhook_drop", "charge", &[PAID[0], PAID[2]]),
    ];
    for (kind, prefix, expected) in cases {
        let (stage, seen) = told(0).await;
        stage.order("faults", json!({ "kind": kind, "prefix": prefix })).await;
        stage.paid(10, "pm_card_visa").await;
        assert_eq!(until(&seen, expected.len()).await, expected, "{kind}");
    }
    let (stage, seen) = told(0).await;
    stage.order("faults", json!({ "kind": "webhook_delay", "prefix": "charge", "seconds": 60 })).await;
    stage.paid(10, "pm_card_visa").await;
    assert_eq!(until(&seen, 2).await, [PAID[0], PAID[2]]);
    stage.clock.advance(Duration::from_secs(61));
    assert_eq!(until(&seen, 3).await, [PAID[0], PAID[2], PAID[1]]);
}

#[tokio::test]
async fn an_early_delivery_comes_before_the_answer() {
    let (stage, seen) = told(0).await;
    stage.order("faults", json!({ "kind": "webhook_early", "prefix": "payment_intent.succeeded" })).await;
    stage.paid(10, "pm_card_visa").await;
    assert!(seen.lock().unwrap().iter().any(|event| event.kind == "payment_intent.succeeded"));
}
