//! The event feed.

use std::collections::BTreeSet;

use assay_kernel::Permission;
use assay_platform::outbox;
use serde_json::{Value, json};

use crate::harness::{Person, TestApp};

/// The feed of a person from the beginning, in pages.
async fn feed(app: &TestApp, person: &Person, page: usize) -> Vec<Value> {
    let (mut after, mut all) = (0, Vec::new());
    loop {
        let answer = app.get(&format!("/v1/events?after={after}&limit={page}")).by(person).expect(200).await;
        let data = answer.at("/data").as_array().unwrap().clone();
        let next = answer.at("/next_after").as_i64().unwrap();
        if data.is_empty() {
            assert_eq!(next, after, "nothing new, the same place");
            return all;
        }
        assert!(data.len() <= page && next > after);
        assert_eq!(data.last().unwrap()["seq"], next);
        after = next;
        all.extend(data);
    }
}

fn seqs(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["seq"].as_i64().unwrap()).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_reads_what_concerns_them_in_order() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let dora = app.developer("dev-dora").await;
    let claire = app.client("claire-client").await;
    app.work().await;

    let of_carl = feed(&app, &carl, 2).await;
    assert_eq!(
        kinds(&of_carl),
        ["account.signed_up", "organisation.created", "organisation.verified", "payment_method.changed"]
    );
    assert_eq!(of_carl[0]["subject"], carl.id.as_str());
    assert_eq!(of_carl[1]["subject"], carl.organisation());
    let of_dora = feed(&app, &dora, 100).await;
    let wanted = [
        "account.signed_up",
        "consent.given",
        "portfolio.item_added",
        "application.created",
        "application.submitted",
        "application.fast_lane_confirmed",
        "approval.granted",
        "application.approved",
    ];
    assert_eq!(kinds(&of_dora), wanted);
    for events in [&of_carl, &of_dora] {
        assert!(seqs(events).is_sorted_by(|a, b| a < b));
        let text = serde_json::to_string(events).unwrap();
        assert!(!text.contains(&claire.id) && !text.contains(claire.organisation()), "{text}");
    }
    // Staff see the work of their permission, a token without the scope only the person's own.
    let sam = app.staff("staff-sam", Permission::Curator).await;
    app.work().await;
    let of_sam = feed(&app, &sam, 100).await;
    assert_eq!(kinds(&of_sam).iter().filter(|kind| **kind == "organisation.created").count(), 2);
    let input = json!({
        "name": "feed", "scopes": ["read"], "expires_at": app.now() + chrono::Duration::days(1),
    });
    let token = app.post("/v1/me/tokens").by(&sam).json(input).expect(201).await.text_at("/token");
    let narrow = app.get("/v1/events?limit=100").bearer(&token).expect(200).await.at("/data");
    let own = narrow.as_array().unwrap();
    assert!(!own.is_empty() && own.iter().all(|event| event["subject"] == sam.id.as_str()), "{narrow}");

    // Over all readers the numbers have no gap.
    assert_eq!(app.number("SELECT (max(seq) - count(*))::bigint AS n FROM events").await, 0);
    assert_eq!(app.number("SELECT count(*) AS n FROM events WHERE seq IS NULL").await, 0);
    for bad in ["after=-1", "after=x", "limit=0", "limit=101", "before=3"] {
        app.get(&format!("/v1/events?{bad}")).by(&carl).expect(400).await;
    }
    app.get("/v1/events").expect(401).await;
}

#[tokio::test]
async fn a_reader_misses_nothing_that_is_written_meanwhile() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let path = format!("/v1/organisations/{}", carl.organisation());
    app.work().await;
    let start = seqs(&feed(&app, &carl, 100).await).last().copied().unwrap();
    let writing = std::cell::Cell::new(true);
    let write = async {
        for round in 0..6 {
            let writes = (0..4).map(|n| {
                let invite = json!({ "email": format!("p{round}-{n}@example.com"), "role": "viewer" });
                app.post(&format!("{path}/invitations")).by(&carl).json(invite).expect(201)
            });
            futures_util::future::join_all(writes).await;
        }
        writing.set(false);
    };
    // Two relays, as of two processes.
    let relay = async || {
        while writing.get() {
            outbox::relay(app.ctx()).await.expect("relayed");
            outbox::relay(&app.services.ctx).await.expect("relayed");
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        let (mut after, mut seen) = (start, Vec::new());
        let mut quiet = 0;
        while quiet < 2 {
            if !writing.get() {
                outbox::relay(app.ctx()).await.expect("relayed");
                quiet += 1;
            }
            let answer = app.get(&format!("/v1/events?after={after}&limit=5")).by(&carl).expect(200).await;
            let data = answer.at("/data").as_array().unwrap().clone();
            if !data.is_empty() {
                quiet = 0;
            }
            after = answer.at("/next_after").as_i64().unwrap();
            seen.extend(data);
        }
        seen
    };
    let ((), (), (), seen) = futures_util::join!(write, relay(), relay(), read);
    assert_eq!(kinds(&seen), ["organisation_invitation.sent"; 24]);
    assert!(seqs(&seen).is_sorted_by(|a, b| a < b));
    let ids: BTreeSet<&str> = seen.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 24, "nothing twice");
    assert_eq!(app.number("SELECT (max(seq) - count(*))::bigint AS n FROM events").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn who_leaves_an_organisation_reads_its_events_no_more() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let claire = app.sign_up("claire-client", &["client"]).await;
    app.join(&carl, &claire, "viewer").await;
    app.work().await;
    assert!(kinds(&feed(&app, &claire, 100).await).contains(&"organisation.created"));
    let own = format!("/v1/organisations/{}/members/{}", carl.organisation(), claire.id);
    app.delete(&own).by(&claire).if_match("*").expect(204).await;
    app.work().await;
    let left = ["account.signed_up", "organisation_member.joined", "organisation_member.removed"];
    assert_eq!(kinds(&feed(&app, &claire, 100).await), left);
    assert!(kinds(&feed(&app, &carl, 100).await).contains(&"organisation_member.removed"));
}

#[tokio::test]
async fn events_are_kept_ninety_days_and_numbers_go_on() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    app.work().await;
    let last = seqs(&feed(&app, &carl, 100).await).last().copied().unwrap();
    app.advance_days(91).await;
    assay::app::worker::schedule_housekeeping(app.ctx()).await.expect("a job");
    app.work().await;
    assert_eq!(feed(&app, &carl, 100).await, Vec::<Value>::new());
    let path = format!("/v1/organisations/{}", carl.organisation());
    let tag = app.get(&path).by(&carl).expect(200).await.etag();
    let site = json!({ "website": "https://jensen.example" });
    app.patch(&path).by(&carl).if_match(&tag).json(site).expect(200).await;
    app.work().await;
    let events = feed(&app, &carl, 100).await;
    assert_eq!(kinds(&events), ["organisation.updated"]);
    assert!(seqs(&events)[0] > last);
}
