//! Organisations and their members.

use assay_kernel::Permission;
use serde_json::json;

use crate::harness::TestApp;
use crate::market::complete;

#[tokio::test]
async fn strangers_do_not_learn_that_an_organisation_exists() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let claire = app.sign_up("claire-client", &["client"]).await;
    let path = format!("/v1/organisations/{}", carl.organisation());
    let nowhere = "/v1/organisations/org_00000000000000000000000000000001";
    let rename = json!({ "name": "Mine now" });
    let invite = json!({ "email": "claire@atelierdubois.example", "role": "owner" });
    for base in [path.as_str(), nowhere] {
        let member = format!("{base}/members/{}", carl.id);
        let answers = [
            app.get(base).by(&claire).send().await,
            app.patch(base).by(&claire).if_match("*").json(rename.clone()).send().await,
            app.get(&format!("{base}/members")).by(&claire).send().await,
            app.get(&member).by(&claire).send().await,
            app.patch(&member).by(&claire).if_match("*").json(json!({ "role": "viewer" })).send().await,
            app.delete(&member).by(&claire).if_match("*").send().await,
            app.get(&format!("{base}/invitations")).by(&claire).send().await,
            app.post(&format!("{base}/invitations")).by(&claire).json(invite.clone()).send().await,
        ];
        for answer in answers {
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{answer}");
        }
    }
    app.get(&path).expect(401).await;
    assert_eq!(app.get("/v1/organisations").by(&claire).expect(200).await.at("/data"), json!([]));
    // A developer has no organisations to make.
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let made = json!({ "name": "Dora Ltd", "country": "GH" });
    assert_eq!(app.post("/v1/organisations").by(&dora).json(made).expect(403).await.code(), "forbidden");
    // Staff who verify read it, but only they.
    let curator = app.staff("staff-sam", Permission::Curator).await;
    assert!(app.get(&path).by(&curator).expect(200).await.at("/your_role").is_null());
    let reviewer = app.staff("ada-oss", Permission::Reviewer).await;
    app.get(&path).by(&reviewer).expect(404).await;
}

#[tokio::test]
async fn a_viewer_reads_and_does_nothing() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let claire = app.sign_up("claire-client", &["client"]).await;
    app.join(&carl, &claire, "viewer").await;
    let path = format!("/v1/organisations/{}", carl.organisation());
    assert_eq!(app.get(&path).by(&claire).expect(200).await.text_at("/your_role"), "viewer");
    let members = app.get(&format!("{path}/members")).by(&claire).expect(200).await;
    assert_eq!(members.at("/data").as_array().unwrap().len(), 2);

    let draft = app.post(&format!("{path}/projects")).by(&claire).json(complete("Reconcile three ledgers"));
    assert_eq!(draft.expect(403).await.code(), "forbidden");
    let invite = json!({ "email": "eve@example.com", "role": "owner" });
    app.post(&format!("{path}/invitations")).by(&claire).json(invite).expect(403).await;
    app.patch(&path).by(&claire).if_match("*").json(json!({ "name": "Mine now" })).expect(403).await;
    let own = format!("{path}/members/{}", claire.id);
    let others = format!("{path}/members/{}", carl.id);
    app.patch(&own).by(&claire).if_match("*").json(json!({ "role": "owner" })).expect(403).await;
    app.delete(&others).by(&claire).if_match("*").expect(403).await;

    // An owner makes her a hirer; then she may post.
    let seen = app.get(&own).by(&carl).expect(200).await;
    let hirer = json!({ "role": "hirer", "spending_limit": { "amount": 500_000, "currency": "USD" } });
    let changed = app.patch(&own).by(&carl).if_match(&seen.etag()).json(hirer.clone()).expect(200).await;
    assert_eq!(changed.at("/spending_limit/amount"), 500_000);
    app.patch(&own).by(&carl).if_match(&seen.etag()).json(hirer).expect(412).await;
    let euros = json!({ "spending_limit": { "amount": 1, "currency": "EUR" } });
    app.patch(&own).by(&carl).if_match(&changed.etag()).json(euros).expect(422).await;
    let free = app.patch(&own).by(&carl).if_match(&changed.etag()).json(json!({ "spending_limit": null }));
    assert!(free.expect(200).await.at("/spending_limit").is_null());
    app.post(&format!("{path}/projects"))
        .by(&claire)
        .json(complete("Reconcile three ledgers"))
        .expect(201)
        .await;

    // Who leaves is a stranger again.
    app.delete(&own).by(&claire).expect(428).await;
    app.delete(&own).by(&claire).if_match("*").expect(204).await;
    app.get(&path).by(&claire).expect(404).await;
    app.get(&own).by(&carl).expect(404).await;
}

#[tokio::test]
async fn an_organisation_keeps_an_owner() {
    let app = TestApp::start().await;
    let carl = app.client("carl-client").await;
    let claire = app.sign_up("claire-client", &["client"]).await;
    let path = format!("/v1/organisations/{}/members", carl.organisation());
    let member = |person: &crate::harness::Person| format!("{path}/{}", person.id);
    for refused in [
        app.delete(&member(&carl)).by(&carl).if_match("*").expect(409).await,
        app.patch(&member(&carl)).by(&carl).if_match("*").json(json!({ "role": "hirer" })).expect(409).await,
    ] {
        assert_eq!(refused.code(), "state_conflict");
    }
    for round in 0..4 {
        // Both are owners; both leave, or step down, at once.
        let (stays, joins) = match app.get(&path).by(&carl).send().await.status {
            200 => (&carl, &claire),
            _ => (&claire, &carl),
        };
        let email = app.get("/v1/me").by(joins).expect(200).await.text_at("/contact_email");
        let invitations = format!("/v1/organisations/{}/invitations", carl.organisation());
        let invite = json!({ "email": email, "role": "owner" });
        let role = app.get(&member(joins)).by(stays).send().await;
        if role.status == 404 {
            app.post(&invitations).by(stays).json(invite).expect(201).await;
            app.work().await;
            let token = app.invitation_token().await;
            let accept = json!({ "token": token });
            app.post("/v1/organisation_invitations/accept").by(joins).json(accept).expect(200).await;
        }
        let leave = |person| app.delete(&member(person)).by(person).if_match("*").send();
        let other = async {
            if round % 2 == 0 {
                leave(&claire).await
            } else {
                let hirer = json!({ "role": "hirer" });
                app.patch(&member(&claire)).by(&claire).if_match("*").json(hirer).send().await
            }
        };
        let (a, b) = futures_util::join!(leave(&carl), other);
        let statuses = (a.status, b.status);
        assert!(matches!(statuses, (204, 409) | (409, 204 | 200)), "{a}\n{b}");
        let left = if a.status == 409 { &carl } else { &claire };
        let members = app.get(&path).by(left).expect(200).await.at("/data");
        let owners = members.as_array().unwrap().iter().filter(|one| one["role"] == "owner").count();
        assert_eq!(owners, 1);
        if b.status == 200 {
            app.patch(&member(&claire))
                .by(&carl)
                .if_match("*")
                .json(json!({ "role": "owner" }))
                .expect(200)
                .await;
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn what_was_verified_does_not_survive_a_new_name() {
    let app = TestApp::start().await;
    let carl = app.sign_up("carl-client", &["client"]).await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    let content = json!({ "name": "Jensen Freight", "country": "DK" });
    let post = || app.post("/v1/organisations").by(&carl).key("one").json(content.clone());
    let made = post().expect(201).await;
    assert_eq!(post().expect(201).await.id(), made.id());
    assert_eq!(made.header("location"), Some(format!("/v1/organisations/{}", made.id()).as_str()));
    let path = format!("/v1/organisations/{}", made.id());
    let verify = || app.post(&format!("{path}/verify")).json(json!({ "reason": "Register checked." }));

    verify().by(&carl).if_match(&made.etag()).expect(403).await;
    verify().by(&sam).expect(428).await;
    let queue = app.get("/v1/staff/organisations").by(&sam).expect(200).await;
    assert_eq!(queue.at("/data/0/id"), json!(made.id()));
    // The owner renames it while the curator checks: what was not seen is not vouched for.
    let patch = |tag: &str, body| app.patch(&path).by(&carl).if_match(tag).json(body);
    let renamed = patch(&made.etag(), json!({ "name": "Jensen Shipping" })).expect(200).await;
    verify().by(&sam).if_match(&made.etag()).expect(412).await;
    let verified = verify().by(&sam).if_match(&renamed.etag()).expect(200).await;
    assert_eq!(verified.at("/verified"), true);
    assert_eq!(verify().by(&sam).if_match(&verified.etag()).expect(409).await.code(), "state_conflict");

    let site = patch(&verified.etag(), json!({ "website": "https://jensen.example" })).expect(200).await;
    assert_eq!(site.at("/verified"), true, "a web page was not what was verified");
    let other = patch(&site.etag(), json!({ "name": "Global Bank" })).expect(200).await;
    assert_eq!((other.at("/verified"), other.at("/verified_at")), (json!(false), json!(null)));
    let verified = verify().by(&sam).if_match(&other.etag()).expect(200).await;
    let moved = patch(&verified.etag(), json!({ "country": "SE" })).expect(200).await;
    assert_eq!(moved.at("/verified"), false);
    patch(&moved.etag(), json!({ "verified": true })).expect(422).await;

    verify().by(&sam).if_match(&moved.etag()).expect(200).await;
    let back = json!({ "reason": "The register entry was forged." });
    let unverify = app.post(&format!("{path}/unverify")).by(&sam).json(back);
    assert_eq!(unverify.expect(200).await.at("/verified"), false);
}

#[tokio::test]
async fn members_do_not_verify_their_own_organisation() {
    let app = TestApp::start().await;
    app.staff("staff-sam", Permission::Curator).await;
    let sam = app.sign_in("staff-sam").await;
    let tag = app.get("/v1/me").by(&sam).expect(200).await.etag();
    let both = json!({ "roles": ["developer", "client"] });
    app.patch("/v1/me").by(&sam).if_match(&tag).json(both).expect(200).await;
    let content = json!({ "name": "Sam and Sons", "country": "DE" });
    let made = app.post("/v1/organisations").by(&sam).json(content).expect(201).await;
    let verify = format!("/v1/organisations/{}/verify", made.id());
    let reason = json!({ "reason": "I know myself." });
    let refused = app.post(&verify).by(&sam).if_match(&made.etag()).json(reason).expect(403).await;
    assert_eq!(refused.code(), "forbidden");
}
