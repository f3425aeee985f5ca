//! Skills derived from evidence and corrected by the person.

use serde_json::{Value, json};

use super::PAUSE;
use crate::harness::{Answer, TestApp};

fn slugs(skills: &Answer) -> Vec<String> {
    let data = skills.at("/data");
    data.as_array().unwrap().iter().map(|skill| skill["slug"].as_str().unwrap().to_owned()).collect()
}

fn skill(skills: &Answer, slug: &str) -> Value {
    let data = skills.at("/data");
    data.as_array().unwrap().iter().find(|skill| skill["slug"] == slug).expect(slug).clone()
}

#[tokio::test]
async fn skills_follow_from_languages_topics_and_merged_work() {
    let app = TestApp::start().await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    app.imported(&deniz).await;
    let skills = app.get("/v1/portfolio/skills").by(&deniz).expect(200).await;
    // HCL is an alias; aws and airflow are topics; bluejay/terraform-modules took two pull requests.
    let terraform = skill(&skills, "terraform");
    assert_eq!(terraform["derived"], true);
    assert_eq!(terraform["pull_requests"], 2);
    let python = skill(&skills, "python");
    assert!(python["share_bps"].as_i64().unwrap() > 500, "{python}");
    assert_eq!(python["pull_requests"], 3);
    assert!(slugs(&skills).contains(&"aws".to_owned()), "{:?}", slugs(&skills));
    let evidence = python["evidence"].as_array().unwrap();
    assert!(!evidence.is_empty() && evidence.len() <= 5);
    let item = format!("/v1/portfolio/items/{}", evidence[0].as_str().unwrap());
    let first = app.get(&item).by(&deniz).expect(200).await;
    assert_eq!(first.text_at("/kind"), "pull_request_contribution", "what others took goes first");
    let shares: i64 =
        skills.at("/data").as_array().unwrap().iter().filter_map(|skill| skill["share_bps"].as_i64()).sum();
    assert!((9_000..=10_000).contains(&shares), "{shares}");
    app.stop().await;
}

#[tokio::test]
async fn what_a_person_adds_or_removes_outlives_an_import() {
    let app = TestApp::start().await;
    let deniz = app.sign_up("dev-deniz", &["developer"]).await;
    app.imported(&deniz).await;
    let before = app.get("/v1/portfolio/skills").by(&deniz).expect(200).await;
    let mut wanted = slugs(&before);
    wanted.retain(|slug| slug != "python");
    wanted.push("kubernetes".to_owned());
    let put = |skills: &[String]| json!({ "skills": skills });
    app.put("/v1/portfolio/skills").by(&deniz).json(put(&wanted)).expect(428).await;
    let after = app
        .put("/v1/portfolio/skills")
        .by(&deniz)
        .if_match(&before.etag())
        .json(put(&wanted))
        .expect(200)
        .await;
    assert_eq!(after.at("/removed"), json!(["python"]));
    assert_eq!(skill(&after, "kubernetes")["derived"], false);
    app.put("/v1/portfolio/skills").by(&deniz).if_match(&before.etag()).json(put(&wanted)).expect(412).await;

    app.github("/_sandbox/repositories", json!({ "full_name": "dev-deniz/late-data", "pushed": true })).await;
    app.advance(PAUSE).await;
    app.imported(&deniz).await;
    let again = app.get("/v1/portfolio/skills").by(&deniz).expect(200).await;
    assert_eq!(slugs(&again), slugs(&after));
    assert_eq!(again.at("/removed"), json!(["python"]));

    wanted.push("python".to_owned());
    let back = app
        .put("/v1/portfolio/skills")
        .by(&deniz)
        .if_match(&again.etag())
        .json(put(&wanted))
        .expect(200)
        .await;
    assert_eq!(skill(&back, "python")["derived"], true, "its evidence was kept");
    assert!(skill(&back, "python")["share_bps"].is_i64());
    app.stop().await;
}

#[tokio::test]
async fn skills_can_be_claimed_before_any_import() {
    let app = TestApp::start().await;
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let empty = app.get("/v1/portfolio/skills").by(&dora).expect(200).await;
    assert_eq!((empty.at("/data"), empty.at("/version")), (json!([]), 0.into()));
    let bad = json!({ "skills": ["rust", "carpentry", "Rust"] });
    let refused =
        app.put("/v1/portfolio/skills").by(&dora).if_match(&empty.etag()).json(bad).expect(422).await;
    assert_eq!(refused.at("/errors").as_array().unwrap().len(), 2);
    let given = json!({ "skills": ["Golang", "rust"] });
    let made =
        app.put("/v1/portfolio/skills").by(&dora).if_match(&empty.etag()).json(given).expect(200).await;
    assert_eq!(slugs(&made), ["go", "rust"]);
    let none = app
        .put("/v1/portfolio/skills")
        .by(&dora)
        .if_match(&made.etag())
        .json(json!({ "skills": [] }))
        .expect(200)
        .await;
    assert_eq!((none.at("/data"), none.at("/removed")), (json!([]), json!([])), "a claim leaves no trace");
    let carl = app.sign_up("carl-client", &["client"]).await;
    app.put("/v1/portfolio/skills")
        .by(&carl)
        .if_match("\"0\"")
        .json(json!({ "skills": [] }))
        .expect(403)
        .await;
    app.stop().await;
}
