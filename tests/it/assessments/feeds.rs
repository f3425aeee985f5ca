//! Private calendar feeds.

use assay_kernel::Permission;
use chrono::Duration;
use serde_json::{Value, json};

use crate::harness::{Answer, Person, TestApp};

impl TestApp {
    /// A new feed of somebody: its answer and the path under which it is read.
    async fn new_feed(&self, person: &Person) -> (Answer, String) {
        let made = self.post("/v1/me/calendar_feeds").by(person).expect(201).await;
        let url = made.text_at("/url");
        let path = url.find("/v1/calendar/").map(|start| url[start..].to_owned()).expect("a path");
        assert!(path.ends_with(&format!("{}.ics", made.text_at("/token"))), "{url}");
        (made, path)
    }

    async fn read_feed(&self, path: &str) -> Answer {
        let answer = self.get(path).header("accept", "text/calendar").send_unchecked().await;
        answer.assert_status(200);
        answer
    }
}

#[tokio::test]
async fn a_feed_shows_the_sessions_of_its_owner_and_names_nobodys_address() {
    let app = TestApp::start().await;
    let (dora, application) = app.ready("dev-dora").await;
    let (ines, theo) = (app.assessor("staff-ines").await, app.assessor("staff-theo").await);
    let (_, own) = app.new_feed(&dora).await;
    assert!(!app.read_feed(&own).await.text.contains("VEVENT"));
    let starts_at = app.now() + Duration::days(3);
    let path = app.seated(&dora, &application, (&ines, &theo), starts_at).await;
    let id = path.rsplit('/').next().expect("an id");

    let (_, leads) = app.new_feed(&ines).await;
    for feed in [&own, &leads] {
        let read = app.read_feed(feed).await;
        assert!(read.header("content-type").is_some_and(|kind| kind.starts_with("text/calendar")), "{read}");
        assert!(read.header("cache-control").is_some_and(|value| value.starts_with("private")), "{read}");
        assert!(read.text.contains("METHOD:PUBLISH\r\n"), "{read}");
        assert!(read.text.contains(&format!("UID:{id}@")), "{read}");
        assert!(read.text.contains(&format!("DTSTART:{}", starts_at.format("%Y%m%dT%H%M%SZ"))), "{read}");
        for no in ["ATTENDEE", "ORGANIZER", "mailto"] {
            assert!(!read.text.contains(no), "{no} in {read}");
        }
        let same = app.get(feed).header("if-none-match", &read.etag()).send_unchecked().await;
        assert_eq!((same.status, same.text.as_str(), same.etag()), (304, "", read.etag()));
    }
    // Also without the ending, and another tag for what has changed.
    let before = app.read_feed(own.trim_end_matches(".ics")).await.etag();
    app.sql("UPDATE assessments SET ics_sequence = 1, video_url = 'https://meet.example/x'")
        .await
        .expect("moved");
    let read = app.get(&own).header("if-none-match", &before).send_unchecked().await;
    assert_eq!(read.status, 200);
    assert!(read.text.contains("SEQUENCE:1\r\n") && read.text.contains("meet.example"), "{read}");

    // 30 days after the session it has gone.
    app.advance_clock(Duration::days(32).to_std().expect("ahead")).await;
    assert!(app.read_feed(&own).await.text.contains("VEVENT"));
    app.advance_clock(Duration::days(2).to_std().expect("ahead")).await;
    assert!(!app.read_feed(&own).await.text.contains("VEVENT"));
    app.stop().await;
}

#[tokio::test]
async fn a_feed_is_shown_once_revoked_for_good_and_one_of_five() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    let (made, path) = app.new_feed(&dora).await;
    let list = async || app.get("/v1/me/calendar_feeds").by(&dora).expect(200).await;
    let seen = list().await;
    assert_eq!((seen.text_at("/data/0/id"), seen.at("/data/0/last_read_at")), (made.id(), Value::Null));
    let token = made.text_at("/token");
    assert!(!seen.text.contains(&token) && !app.dump("calendar_feeds").await.contains(&token));
    app.read_feed(&path).await;
    assert!(list().await.at("/data/0/last_read_at").is_string());

    for unknown in ["/v1/calendar/x", "/v1/calendar/.ics", &format!("{path}x"), &path.to_uppercase()] {
        app.get(unknown).send_unchecked().await.assert_status(404);
    }
    let one = format!("/v1/me/calendar_feeds/{}", made.id());
    app.delete(&one).by(&deniz).expect(404).await;
    for _ in 0..4 {
        app.new_feed(&dora).await;
    }
    assert_eq!(app.post("/v1/me/calendar_feeds").by(&dora).expect(409).await.code(), "limit_reached");
    app.delete(&one).by(&dora).expect(204).await;
    app.delete(&one).by(&dora).expect(404).await;
    app.get(&path).expect(404).await;
    app.new_feed(&dora).await;
    assert_eq!(list().await.at("/data").as_array().expect("a list").len(), 5);
    let log = app.dump("audit_log").await;
    assert!(log.contains("calendar_feed.create") && log.contains("calendar_feed.revoke"));
    app.stop().await;
}

#[tokio::test]
async fn the_feed_of_the_suspended_is_not_there() {
    let app = TestApp::start().await;
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let (_, path) = app.new_feed(&dora).await;
    app.read_feed(&path).await;
    let input = json!({ "reason_code": "fraud", "reason": "The portfolio shows the work of somebody else." });
    app.post(&format!("/v1/accounts/{}/suspend", dora.id)).by(&rosa).json(input).expect(200).await;
    app.get(&path).expect(404).await;
    app.stop().await;
}
