//! People's rights: a copy of what is held about them, and its erasure.

use std::time::Duration;

use assay_kernel::Permission;
use assay_kernel::ids::AccountId;
use assay_platform::audit;
use serde_json::{Value, json};

use crate::harness::{Answer, Person, TestApp};
use crate::market::{bid_on, complete, complete_with};

const DAY: u64 = 86_400;

async fn erasure(app: &TestApp, person: &Person) -> Answer {
    app.post("/v1/me/erasure").by(person).expect(202).await
}

fn blockers(answer: &Answer) -> Vec<String> {
    let why = answer.at("/why_not");
    why.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_copy_is_the_persons_own_sealed_and_kept_for_a_week() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let carl = app.client("carl-client").await;
    let asked = app.post("/v1/me/data_export").by(&dora).expect(202).await;
    assert_eq!((asked.text_at("/state"), asked.at("/download_url")), ("requested".into(), Value::Null));
    assert_eq!(app.post("/v1/me/data_export").by(&dora).expect(409).await.code(), "already_exists");
    let path = format!("/v1/me/data_exports/{}", asked.id());
    app.get(&format!("{path}/download")).by(&dora).expect(409).await;
    app.work().await;
    let ready = app.get(&path).by(&dora).expect(200).await;
    assert_eq!(ready.text_at("/state"), "ready");
    let download = ready.text_at("/download_url");
    app.get(&path).by(&carl).expect(404).await;
    app.get(&download).by(&carl).expect(404).await;

    let copy = app.get(&download).by(&dora).expect(200).await;
    assert_eq!(copy.text_at("/account_id"), dora.id);
    assert_eq!(copy.text_at("/data/identity/account/0/login"), "dev-dora");
    assert_eq!(copy.at("/data/identity/consents").as_array().unwrap().len(), 2);
    for domain in ["projects", "vetting", "identity", "notifications"] {
        assert!(copy.at(&format!("/data/{domain}")).is_object(), "{domain}");
    }
    for secret in ["token_hash", "sealed", "verifier"] {
        assert!(!copy.text.contains(secret), "{secret}");
    }
    assert!(!app.dump("data_requests").await.contains("dev-dora"), "the copy lies sealed");

    // A sign-in of long ago does not fetch it, nor ask for another.
    let cookie = app.browser("dev-dora").await;
    app.advance(Duration::from_secs(11 * 60)).await;
    for call in [app.get(&download), app.post("/v1/me/data_export"), app.post("/v1/me/erasure")] {
        let old = app.with_cookie(call, &cookie).expect(403).await;
        assert_eq!(old.code(), "reauthentication_required");
    }
    app.advance(Duration::from_secs(7 * DAY)).await;
    assert_eq!(app.get(&path).by(&dora).expect(200).await.text_at("/state"), "expired");
    app.get(&download).by(&dora).expect(409).await;
    assert!(app.dump("data_requests").await.contains(",,"), "the copy is gone");
    app.post("/v1/me/data_export").by(&dora).expect(202).await;
    app.stop().await;
}

#[tokio::test]
async fn an_erasure_waits_a_week_and_can_be_taken_back() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    app.get("/v1/me/erasure").by(&dora).expect(404).await;
    let asked = erasure(&app, &dora).await;
    assert_eq!(
        (asked.text_at("/state"), asked.at("/allowed_actions")),
        ("cooling".into(), json!(["cancel"]))
    );
    assert_eq!(app.post("/v1/me/erasure").by(&dora).expect(409).await.code(), "already_exists");
    app.advance_days(6).await;
    assert_eq!(app.get("/v1/me").by(&dora).expect(200).await.text_at("/login"), "dev-dora");
    let back = app.post("/v1/me/erasure/cancel").by(&dora).expect(200).await;
    assert_eq!(back.text_at("/state"), "cancelled");
    app.post("/v1/me/erasure/cancel").by(&dora).expect(409).await;
    app.advance_days(2).await;
    assert_eq!(app.get("/v1/me").by(&dora).expect(200).await.text_at("/status"), "active");

    erasure(&app, &dora).await;
    app.advance_days(7).await;
    // Who comes again is somebody new.
    let again = app.sign_in("dev-dora").await;
    assert_ne!(again.id, dora.id);
    assert_eq!(app.get("/v1/me").by(&again).expect(200).await.text_at("/status"), "pending");
    app.stop().await;
}

#[tokio::test]
async fn what_is_open_stands_in_the_way_and_is_looked_at_again_when_the_time_has_come() {
    let app = TestApp::start().await;
    let dora = app.developer("dev-dora").await;
    let carl = app.client("carl-client").await;
    let project = app.listed(&carl, complete("Reconcile three ledgers")).await;
    let path = format!("/v1/projects/{}", project["id"].as_str().unwrap());
    let open = app.post("/v1/me/erasure").by(&carl).expect(409).await;
    assert_eq!((open.code(), blockers(&open)), ("guard_failed".into(), vec!["open_project".into()]));
    let staff = app.staff("staff-sam", Permission::Admin).await;
    assert_eq!(blockers(&app.post("/v1/me/erasure").by(&staff).expect(409).await), ["staff"]);

    erasure(&app, &dora).await;
    let bid = app.post(&format!("{path}/bids")).by(&dora).json(bid_on(&project)).expect(201).await;
    let seen = app.get("/v1/me/erasure").by(&dora).expect(200).await;
    assert_eq!(blockers(&seen), ["live_bid"]);
    app.advance_days(7).await;
    assert_eq!(app.get("/v1/me/erasure").by(&dora).expect(200).await.text_at("/state"), "held");
    app.act(&dora, &format!("/v1/bids/{}", bid.id()), "withdraw").await.assert_status(200);
    app.advance_days(1).await;
    assert_ne!(app.sign_in("dev-dora").await.id, dora.id, "erased");
    app.stop().await;
}

#[tokio::test]
async fn the_last_owner_of_others_hands_over_first() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let claire = app.sign_up("claire-client", &["client"]).await;
    let members = format!("/v1/organisations/{}", carl.organisation());
    let email = app.get("/v1/me").by(&claire).expect(200).await.text_at("/contact_email");
    let invite = json!({ "email": email, "role": "owner" });
    app.post(&format!("{members}/invitations")).by(&carl).json(invite).expect(201).await;
    app.work().await;
    let token = json!({ "token": app.invitation_token().await });
    app.post("/v1/organisation_invitations/accept").by(&claire).json(token).expect(200).await;
    erasure(&app, &carl).await;
    app.advance_days(7).await;
    // The organisation goes on with its other owner.
    let seen = app.get(&members).by(&claire).expect(200).await;
    assert_eq!(seen.text_at("/name"), "carl-client Ltd");
    let own = app.get(&format!("{members}/members")).by(&claire).expect(200).await;
    assert_eq!(own.at("/data").as_array().unwrap().len(), 1, "{own}");
    app.stop().await;
}

/// A decision of vetting against a person, in words to look for.
fn against(code: &str, word: &str) -> Value {
    let evidence = json!({ "source": format!("https://{}.example.com", word.to_lowercase()), "finding": format!("{word} finding") });
    json!({ "reason_code": code, "reason": format!("{word} adverse reason"), "evidence": [evidence] })
}

/// Walks somebody through all of vetting, with a word in every text. Answers the path of the approval.
async fn vetted(app: &TestApp, person: &Person, word: &str) -> String {
    let w = |what: &str| format!("{word} {what}");
    let sam = app.staff("staff-sam", Permission::Reviewer).await;
    let rosa = app.staff("staff-rosa", Permission::Reviewer).await;
    let claim = json!({ "platform": w("platform"), "finished_projects": 60, "rating_hundredths": 490,
        "links": [format!("https://{}.example.com/me", word.to_lowercase())] });
    let content =
        json!({ "tracks": ["backend"], "statement": w("statement, long enough"), "fast_lane": claim });
    let made = app.post("/v1/applications").by(person).json(content).expect(201).await;
    let path = format!("/v1/applications/{}", made.id());
    let screen = async |by: &Person, verb: &str, body: Value| {
        app.post(&format!("{path}/claim")).by(by).expect(200).await;
        let done = app.act_with(by, &path, verb, body).await;
        done.assert_status(200);
        done
    };
    app.act(person, &path, "submit").await.assert_status(200);
    let notes = json!([{ "pointer": "/statement", "note": w("note") }]);
    screen(&sam, "request_changes", json!({ "reason": w("wants changes"), "notes": notes })).await;
    app.act(person, &path, "submit").await.assert_status(200);
    let declined = screen(&sam, "decline", against("below_bar", word)).await;
    let appeal = format!("/v1/decisions/{}/appeal", declined.text_at("/decision/id"));
    let text = json!({ "text": w("appeal against the decline") });
    let filed = app.post(&appeal).by(person).json(text).expect(201).await;
    let appeal = format!("/v1/appeals/{}", filed.id());
    app.post(&format!("{appeal}/claim")).by(&rosa).expect(200).await;
    let answer = json!({ "outcome": "overturn", "reason": w("answer to the appeal") });
    app.act_with(&rosa, &appeal, "decide", answer).await.assert_status(200);
    let reason = json!({ "reason": w("fast lane holds") });
    app.act_with(&rosa, &path, "confirm_fast_lane", reason).await.assert_status(200);
    let reason = json!({ "reason": w("approved") });
    let approved = app.act_with(&rosa, &path, "override_approval", reason).await;
    format!("/v1/approvals/{}", approved.text_at("/approval_id"))
}

/// Fills every text that a person can write, and those that others write about them, with a word to look for.
async fn fill(app: &TestApp, word: &str) -> Person {
    let w = |what: &str| format!("{word} {what}");
    let patch = "application/merge-patch+json";
    let admin = app.staff("staff-rosa", Permission::Admin).await;
    app.staff("staff-rosa", Permission::Curator).await;
    let curator = app.staff("staff-sam", Permission::Curator).await;
    app.staff("staff-sam", Permission::Reviewer).await;
    let carl = app.client("carl-client").await;
    let deniz = app.developer("dev-deniz").await;
    let mut dora = app.sign_up("dev-dora", &["developer", "client"]).await;
    let me = app.get("/v1/me").by(&dora).expect(200).await;
    let profile = json!({ "display_name": w("name"), "headline": w("headline"), "bio": w("bio"),
        "website": format!("https://{}.example.com", word.to_lowercase()), "country": "GH" });
    let change = app.patch("/v1/me").by(&dora).if_match(&me.etag()).header("content-type", patch);
    change.json(profile).expect(200).await;
    app.candidate("dev-dora").await;
    app.imported(&dora).await;
    let site = format!("https://{}-site.example.com", word.to_lowercase());
    let item =
        json!({ "kind": "website", "title": w("site"), "url": site, "role": w("role"), "note": w("note") });
    let item = app.post("/v1/portfolio/items").by(&dora).key("site").json(item).expect(201).await;
    app.post(&format!("/v1/portfolio/items/{}/challenge", item.id())).by(&dora).expect(200).await;
    let approval = vetted(app, &dora, word).await;
    let expiry = app.now() + chrono::Duration::days(30);
    let token = json!({ "name": w("token"), "scopes": ["read"], "expires_at": expiry });
    app.post("/v1/me/tokens").by(&dora).json(token).expect(201).await;
    let off = app.get("/v1/me/mail_preferences").by(&dora).expect(200).await;
    let change = app.patch("/v1/me/mail_preferences").by(&dora).if_match(&off.etag());
    change.header("content-type", patch).json(json!({ "reminders": false })).expect(200).await;

    // An organisation of her own, with invitations and projects.
    let website = format!("https://{}-org.example.com", word.to_lowercase());
    let organisation = json!({ "name": w("organisation"), "country": "GH", "website": website });
    let made = app.post("/v1/organisations").by(&dora).key("org").json(organisation).expect(201).await;
    dora.organisation = Some(made.id());
    let path = format!("/v1/organisations/{}", made.id());
    let vouch = app.post(&format!("{path}/verify")).by(&admin).if_match(&made.etag());
    vouch.json(json!({ "reason": w("verified") })).expect(200).await;
    let email = format!("{}@example.com", word.to_lowercase());
    let invite = json!({ "email": email, "role": "viewer" });
    app.post(&format!("{path}/invitations")).by(&dora).json(invite).expect(201).await;
    let words = json!({ "description": w("description, long enough to say what is wanted of whom."),
        "outcome": w("outcome"), "decision_maker": w("decides") });
    let mut content = complete_with(&w("project"), words);
    for milestone in content["milestones"].as_array_mut().unwrap() {
        milestone["title"] = json!(w("milestone"));
        for deliverable in milestone["deliverables"].as_array_mut().unwrap() {
            deliverable["title"] = json!(w("deliverable"));
            deliverable["specification"] = json!(w("specification"));
            deliverable["acceptance"]["criterion"] = json!(w("criterion"));
        }
    }
    app.draft(&dora, content.clone()).await;
    app.add_method(&dora, "card", "pm_card_visa").await;
    let listed = app.listed(&dora, content.clone()).await;
    let project = format!("/v1/projects/{}", listed["id"].as_str().unwrap());
    let input = json!({ "developer_id": deniz.id, "message": w("invitation") });
    app.post(&format!("{project}/invitations")).by(&dora).json(input).expect(201).await;
    let bid = app.post(&format!("{project}/bids")).by(&deniz).json(bid_on(&listed)).expect(201).await;
    let offer = json!({ "message": w("offer") });
    let bid_path = format!("/v1/bids/{}", bid.id());
    app.act(&dora, &bid_path, "shortlist").await.assert_status(200);
    app.act_with(&dora, &bid_path, "offer", offer).await.assert_status(200);
    app.act(&deniz, &bid_path, "withdraw").await.assert_status(200);
    app.act(&dora, &project, "withdraw").await.assert_status(200);
    // One that is rejected, appealed and decided.
    let rejected = app.draft(&dora, content).await;
    let rejected = format!("/v1/projects/{}", rejected.id());
    app.act(&dora, &rejected, "submit").await.assert_status(200);
    app.post(&format!("{rejected}/claim")).by(&curator).expect(200).await;
    let no = json!({ "reason_code": "not_a_project", "reason": w("rejected") });
    app.act_with(&curator, &rejected, "reject", no).await.assert_status(200);
    let appeal = json!({ "text": w("appeal against the rejection, with reasons") });
    let appeal = app.post(&format!("{rejected}/appeal")).by(&dora).json(appeal).expect(201).await;
    let reviewer = app.staff("staff-rosa", Permission::Reviewer).await;
    let upheld = json!({ "outcome": "uphold", "reason": w("answer to the appeal") });
    let decide = app.post(&format!("/v1/curation_appeals/{}/decide", appeal.id())).by(&reviewer);
    decide.if_match(&appeal.etag()).json(upheld).expect(200).await;

    // Her bid on another's project, revised, and an invitation declined.
    let other = app.listed(&carl, complete("Reconcile three ledgers")).await;
    let other_path = format!("/v1/projects/{}", other["id"].as_str().unwrap());
    let mut offered = bid_on(&other);
    offered["first_step"] = json!(w("first step"));
    offered["risks"] = json!([{ "risk": w("risk") }]);
    for approach in offered["approaches"].as_array_mut().unwrap() {
        approach["approach"] = json!(w("approach"));
    }
    let bid = app.post(&format!("{other_path}/bids")).by(&dora).key("bid").json(offered).expect(201).await;
    let step = json!({ "first_step": w("another step") });
    let bid_path = format!("/v1/bids/{}", bid.id());
    let change = app.patch(&bid_path).by(&dora).if_match(&bid.etag()).header("content-type", patch);
    change.json(step).expect(200).await;
    app.act_with(&carl, &bid_path, "decline", json!({ "reason": w("declined") })).await.assert_status(200);
    let second = app.listed(&carl, complete("Second project")).await;
    let path = format!("/v1/projects/{}/invitations", second["id"].as_str().unwrap());
    let input = json!({ "developer_id": dora.id, "message": w("come") });
    let invitation = app.post(&path).by(&carl).json(input).expect(201).await;
    let path = format!("/v1/invitations/{}", invitation.id());
    app.act_with(&dora, &path, "decline", json!({ "reason": w("no time") })).await.assert_status(200);

    // Suspended, appealed, reinstated; the approval is taken back.
    let why = json!({ "reason_code": "other", "reason": w("suspended") });
    app.post(&format!("/v1/accounts/{}/suspend", dora.id)).by(&admin).json(why).expect(200).await;
    let back = app.sign_in("dev-dora").await;
    let text = json!({ "text": w("appeal against the suspension") });
    app.post("/v1/me/suspension/appeal").by(&back).json(text).expect(201).await;
    let reinstate = app.post(&format!("/v1/accounts/{}/reinstate", dora.id)).by(&admin);
    reinstate.json(json!({ "reason": w("reinstated") })).expect(200).await;
    app.act_with(&admin, &approval, "revoke", against("conduct", word)).await.assert_status(200);
    app.work().await;
    let person = app.sign_in("dev-dora").await;
    app.post("/v1/me/data_export").by(&person).expect(202).await;
    app.work().await;
    person
}

/// Where a word is in a dump of the database or in the data folder's mails.
async fn found(app: &TestApp, words: &[String]) -> Vec<String> {
    let mut places = Vec::new();
    for table in app.tables().await {
        let dump = app.dump(&table).await.to_lowercase();
        for word in words {
            if let Some(at) = dump.find(&word.to_lowercase()) {
                let around: String =
                    dump[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
                places.push(format!("{table}: {around}«{word}»"));
            }
        }
    }
    let folder = app.services.sandbox.mail.clone().expect("a folder");
    for file in std::fs::read_dir(folder).into_iter().flatten().map(|file| file.expect("a file").path()) {
        let text = std::fs::read_to_string(&file).expect("a mail").to_lowercase();
        places.extend(
            words
                .iter()
                .filter(|word| text.contains(&word.to_lowercase()))
                .map(|word| format!("{}: «{word}»", file.display())),
        );
    }
    places
}

#[tokio::test]
async fn nothing_readable_of_a_person_is_left_in_a_dump_after_the_erasure() {
    let app = TestApp::start().await;
    let word = "Quetzalcanary";
    let dora = fill(&app, word).await;
    let me = app.get("/v1/me").by(&dora).expect(200).await;
    let number = app.dump("accounts").await;
    let number = number.lines().find(|line| line.contains("dev-dora")).unwrap().split(',').nth(1).unwrap();
    let mut words = vec![word.to_owned(), "dev-dora".to_owned(), format!(",{number},")];
    for verified in me.at("/verified_emails").as_array().unwrap() {
        words.push(verified["email"].as_str().unwrap().to_owned());
    }
    let before = found(&app, &words).await;
    for table in [
        "accounts",
        "api_tokens",
        "appeals",
        "applications",
        "approvals",
        "bid_revisions",
        "bids",
        "curation_appeals",
        "curation_decisions",
        "decisions",
        "events",
        "idempotency_keys",
        "invitations",
        "offers",
        "organisation_invitations",
        "organisations",
        "portfolio_challenges",
        "portfolio_etags",
        "portfolio_items",
        "portfolios",
        "projects",
        "suspension_appeals",
        "suspensions",
    ] {
        assert!(before.iter().any(|place| place.starts_with(&format!("{table}:"))), "{table} has no canary");
    }
    // What others' repositories hold of hers names her nowhere, but is hers.
    let key = dora.id.parse::<AccountId>().expect("an id").uuid().to_string();
    for table in ["account_data_keys", "portfolio_contributions"] {
        assert!(app.dump(table).await.contains(&key), "{table}");
    }
    assert!(
        !before.iter().any(|place| place.starts_with("audit_log:") || place.starts_with("jobs:")),
        "{before:?}"
    );
    let audit_of = async |subject: &str| {
        let admin = app.staff("staff-rosa", Permission::Admin).await;
        let entries = app.get(&format!("/v1/audit?subject={subject}&limit=100")).by(&admin).expect(200).await;
        entries.at("/data").as_array().unwrap().clone()
    };
    let told = audit_of(&dora.id).await;
    assert!(told.iter().any(|entry| entry["reason"] == format!("{word} suspended")), "{told:?}");

    erasure(&app, &dora).await;
    app.advance_days(7).await;
    app.advance(Duration::from_secs(61)).await;
    let after = found(&app, &words).await;
    assert!(after.is_empty(), "{}", after.join("\n"));
    for table in ["account_data_keys", "portfolio_contributions"] {
        assert!(!app.dump(table).await.contains(&key), "{table}");
    }
    let told = audit_of(&dora.id).await;
    assert!(told.len() > 4 && told.iter().all(|entry| entry["reason"].is_null()), "{told:?}");
    app.ctx().db.read(async |conn| audit::verify(conn).await).await.expect("the chain holds");
    // What others see goes on working.
    let carl = app.sign_up("carl-client", &["client"]).await;
    for project in app.get("/v1/projects").expect(200).await.at("/data").as_array().unwrap() {
        let bids = format!("/v1/projects/{}/bids", project["id"].as_str().unwrap());
        app.get(&bids).by(&carl).expect(200).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_kept_for_a_time_only_is_gone_when_the_time_is_over() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let path = format!("/v1/organisations/{}/invitations", carl.organisation());
    let invite = json!({ "email": "claire@atelierdubois.example", "role": "viewer" });
    app.post(&path).by(&carl).key("once").json(invite).expect(201).await;
    app.work().await;
    app.get("/v1/auth/github/start").expect(302).await;
    erasure(&app, &carl).await;
    app.post("/v1/me/erasure/cancel").by(&carl).expect(200).await;
    app.sql(
        "INSERT INTO jobs (id, kind, payload, run_at, created_at, dead_at) VALUES
        (gen_random_uuid(), 'test.dead', '{}', now(), now(), now())",
    )
    .await
    .expect("a dead job");
    let kept = [
        ("sign_in_states", 1),
        ("idempotency_keys", 2),
        ("events", 90),
        ("jobs", 90),
        ("sessions", 130),
        ("refresh_tokens", 130),
        ("organisation_invitations", 98),
        ("data_requests", 1_095),
    ];
    let clean = async || {
        assay::app::worker::schedule_housekeeping(app.ctx()).await.expect("a job");
        app.work_with_failures().await;
    };
    // What is yet to be done is not kept too long.
    let past = |table: &str| match table {
        "jobs" => format!("(SELECT * FROM jobs WHERE run_at <= '{}')", app.now()),
        table => table.to_owned(),
    };
    let mails = || std::fs::read_dir(app.services.sandbox.mail.clone().unwrap()).unwrap().count();
    let mut days = 0;
    clean().await;
    for (table, _) in kept {
        assert_ne!(app.dump(&past(table)).await, "", "{table} has nothing that could go");
    }
    assert!(mails() > 0);
    let mut order = kept.to_vec();
    order.sort_by_key(|(_, age)| *age);
    for (table, age) in order {
        // A day before, it is still there; a day after, it is gone. (Each day has its own events.)
        if age > days + 1 {
            app.advance_clock(Duration::from_secs((age - 1 - days) * DAY)).await;
            days = age - 1;
            clean().await;
            if !matches!(table, "events" | "sessions" | "refresh_tokens" | "organisation_invitations") {
                assert_ne!(app.dump(&past(table)).await, "", "{table} is gone a day too early");
            }
        }
        app.advance_clock(Duration::from_secs((age + 1 - days) * DAY)).await;
        days = age + 1;
        clean().await;
        if table != "events" {
            assert_eq!(app.dump(&past(table)).await, "", "{table} is kept for too long");
        }
        assert!(days < 31 || mails() == 0);
        if table == "idempotency_keys" {
            // The invitation expires on its day, from which its time counts.
            app.advance_clock(Duration::from_secs((8 - days) * DAY)).await;
            days = 8;
            clean().await;
        }
    }
    let first = app.dump("events").await;
    assert!(!first.contains("account.signed_up"), "{first}");
    app.stop().await;
}
