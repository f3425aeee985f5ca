//! Access and refresh tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

use crate::harness::TestApp;

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&BASE64URL.decode(part).expect("base64url")).expect("JSON")
}

fn encode(value: &Value) -> String {
    BASE64URL.encode(value.to_string())
}

#[tokio::test]
async fn each_refresh_token_works_once_and_a_lost_answer_is_forgiven() {
    let app = TestApp::start().await;
    let signed_in = app.walk_sign_in("dev-dora").await;
    let first = signed_in.text_at("/refresh_token");
    let lost = app.refresh(&first).expect(200).await;
    assert_ne!(lost.text_at("/refresh_token"), first);
    assert_eq!(lost.text_at("/account_id"), signed_in.text_at("/account_id"));
    assert_eq!(lost.text_at("/token_type"), "Bearer");
    assert_eq!(lost.header("cache-control"), Some("no-store"));
    // The answer got lost: the token may be shown again within a minute.
    app.advance(Duration::from_secs(30)).await;
    let second = app.refresh(&first).expect(200).await;
    let third = app.refresh(&second.text_at("/refresh_token")).expect(200).await;
    for tokens in [&signed_in, &lost, &second, &third] {
        app.get("/v1/me").bearer(&tokens.text_at("/access_token")).expect(200).await;
    }

    // Its successor has been used, so whoever shows it now has a copy: everything of the family ends at once.
    let refused = app.refresh(&first).expect(401).await;
    assert_eq!(refused.code(), "invalid_refresh_token");
    for tokens in [&signed_in, &lost, &second, &third] {
        let refused = app.get("/v1/me").bearer(&tokens.text_at("/access_token")).expect(401).await;
        assert_eq!(refused.code(), "unauthenticated");
        app.refresh(&tokens.text_at("/refresh_token")).expect(401).await;
    }
    // Another session of the same person goes on.
    app.sign_in("dev-dora").await;
}

#[tokio::test]
async fn a_used_refresh_token_shown_after_a_minute_ends_the_family() {
    let app = TestApp::start().await;
    let bystander = app.walk_sign_in("dev-dora").await.text_at("/refresh_token");
    let first = app.walk_sign_in("dev-dora").await.text_at("/refresh_token");
    let second = app.refresh(&first).expect(200).await;
    app.advance(Duration::from_secs(61)).await;
    app.refresh(&first).expect(401).await;
    app.get("/v1/me").bearer(&second.text_at("/access_token")).expect(401).await;
    app.refresh(&second.text_at("/refresh_token")).expect(401).await;
    app.refresh(&bystander).expect(200).await;
}

#[tokio::test]
async fn a_replaced_refresh_token_is_no_second_way_in() {
    let app = TestApp::start().await;
    let first = app.walk_sign_in("dev-dora").await.text_at("/refresh_token");
    let lost = app.refresh(&first).expect(200).await.text_at("/refresh_token");
    let kept = app.refresh(&first).expect(200).await;
    app.advance(Duration::from_secs(61)).await;
    // Both the answer that was thought lost and the one that came are shown: two hold the family.
    app.refresh(&lost).expect(401).await;
    app.refresh(&kept.text_at("/refresh_token")).expect(401).await;
    app.get("/v1/me").bearer(&kept.text_at("/access_token")).expect(401).await;
}

#[tokio::test]
async fn refreshing_at_once_leaves_one_live_token() {
    let app = TestApp::start().await;
    let first = app.walk_sign_in("dev-dora").await.text_at("/refresh_token");
    let tries = (0..6).map(|_| app.refresh(&first).send());
    let answers = futures_util::future::join_all(tries).await;
    // A lost answer looks the same, so all are answered; all but the last token are spent.
    assert!(answers.iter().all(|answer| answer.status == 200));
    app.advance(Duration::from_secs(61)).await;
    let mut live = 0;
    for answer in &answers {
        live += usize::from(app.refresh(&answer.text_at("/refresh_token")).send().await.status == 200);
    }
    assert!(live <= 1, "{live} live tokens of one family");
}

#[tokio::test]
async fn junk_is_no_refresh_token() {
    let app = TestApp::start().await;
    let tokens = app.walk_sign_in("dev-dora").await;
    for junk in ["x", &"A".repeat(43), &tokens.text_at("/access_token")[..43], "\u{1F600}", "a b"] {
        let refused = app.refresh(junk).expect(401).await;
        assert_eq!(refused.code(), "invalid_refresh_token");
    }
    app.refresh("").expect(422).await;
    app.refresh(&"A".repeat(201)).expect(422).await;
    let other = json!({ "grant_type": "password", "refresh_token": tokens.at("/refresh_token") });
    app.post("/v1/auth/token").json(other).expect(422).await;
    // The family is untouched by junk.
    app.refresh(&tokens.text_at("/refresh_token")).expect(200).await;
}

#[tokio::test]
async fn tokens_end_in_time() {
    let app = TestApp::start().await;
    let tokens = app.walk_sign_in("dev-dora").await;
    assert_eq!(tokens.at("/expires_in"), 600);
    let access = tokens.text_at("/access_token");
    app.advance(Duration::from_secs(540)).await;
    app.get("/v1/me").bearer(&access).expect(200).await;
    app.advance(Duration::from_secs(61)).await;
    let refused = app.get("/v1/me").bearer(&access).expect(401).await;
    assert_eq!(refused.code(), "unauthenticated");

    // A session of a program lasts as long as it is refreshed every thirty days.
    let mut refresh = tokens.text_at("/refresh_token");
    for _ in 0..3 {
        app.advance_days(29).await;
        refresh = app.refresh(&refresh).expect(200).await.text_at("/refresh_token");
    }
    app.advance_days(31).await;
    app.refresh(&refresh).expect(401).await;
}

#[tokio::test]
async fn only_our_own_signature_counts() {
    let app = TestApp::start().await;
    let token = app.walk_sign_in("dev-dora").await.text_at("/access_token");
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let kid = header["kid"].as_str().expect("a kid").to_owned();
    let key = app.get("/.well-known/jwks.json").expect(200).await.text_at("/keys/0/x");

    let sign = |header: &Header, key: &EncodingKey, claims: &Value| {
        jsonwebtoken::encode(header, claims, key).expect("a token")
    };
    let with =
        |alg: Algorithm| Header { typ: Some("at+jwt".into()), kid: Some(kid.clone()), ..Header::new(alg) };
    // PKCS #8 of an Ed25519 key is this prefix and 32 bytes.
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let foreign = EncodingKey::from_ed_der(&[prefix.as_slice(), &[7; 32]].concat());
    let public = BASE64URL.decode(&key).expect("base64url");

    let mut later = claims.clone();
    later["exp"] = json!(claims["exp"].as_i64().unwrap() + 100);
    let swapped = {
        let parts: Vec<&str> = token.split('.').collect();
        format!("{}.{}.{}", parts[0], encode(&later), parts[2])
    };
    let none = |signature: &str| {
        let header = json!({ "alg": "none", "typ": "at+jwt", "kid": kid });
        format!("{}.{}.{signature}", encode(&header), encode(&claims))
    };
    let mut cut = token.clone();
    cut.truncate(token.len() - 4);
    let stranger = Header { kid: Some("unknown".into()), ..with(Algorithm::EdDSA) };
    for forged in [
        sign(&with(Algorithm::EdDSA), &foreign, &claims),
        sign(&stranger, &foreign, &claims),
        // The public key taken for a shared secret.
        sign(&with(Algorithm::HS256), &EncodingKey::from_secret(&public), &claims),
        sign(&with(Algorithm::HS256), &EncodingKey::from_secret(key.as_bytes()), &claims),
        none(""),
        none(token.split('.').nth(2).unwrap()),
        swapped,
        cut,
        format!("{token}x"),
        format!("{token}.x"),
        "junk".to_owned(),
        "a.b.c".to_owned(),
        "..".to_owned(),
        "x".repeat(4_000),
        "asy_pat_junk".to_owned(),
        format!("asy_pat_{}", "0".repeat(49)),
    ] {
        let refused = app.get("/v1/me").bearer(&forged).expect(401).await;
        assert_eq!(refused.code(), "unauthenticated", "{forged}");
        // A bad credential is refused where none is needed, too.
        app.get("/v1/policy").bearer(&forged).expect(401).await;
    }
    for bad in ["Basic ZG9yYTpwYXNz", "Bearer", "Bearer ", token.as_str()] {
        app.get("/v1/me").header("authorization", bad).expect(401).await;
    }
    app.get("/v1/me").header("authorization", &format!("bearer {token}")).expect(200).await;
}

#[tokio::test]
async fn programs_can_check_tokens_with_the_published_keys() {
    let app = TestApp::start().await;
    let tokens = app.walk_sign_in("dev-dora").await;
    let token = tokens.text_at("/access_token");
    let jwks = app.get("/.well-known/jwks.json").expect(200).await;
    assert!(jwks.header("cache-control").expect("told").contains("max-age"));
    let kid = jsonwebtoken::decode_header(&token).expect("a header").kid.expect("a kid");
    let keys = jwks.at("/keys");
    let key = keys.as_array().unwrap().iter().find(|key| key["kid"] == kid.as_str()).expect("the key");
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    assert!(key.get("d").is_none(), "no private part");

    let key = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).expect("a key");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[&app.base]);
    validation.set_audience(&[format!("{}/v1", app.base)]);
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).expect("a good token").claims;
    assert_eq!(claims["sub"], tokens.at("/account_id"));

    // A rotation: the new key signs, the old one is believed for a day.
    let ctx = app.ctx();
    ctx.db.tx(async |conn| assay_identity::rotate_signing_keys(ctx, conn).await).await.expect("rotated");
    app.advance(Duration::from_secs(61)).await;
    let next = app.walk_sign_in("dev-dora").await.text_at("/access_token");
    assert_ne!(part(&next, 0)["kid"], kid.as_str());
    app.get("/v1/me").bearer(&token).expect(200).await;
    app.get("/v1/me").bearer(&next).expect(200).await;
    let count =
        async || app.get("/.well-known/jwks.json").expect(200).await.at("/keys").as_array().unwrap().len();
    assert_eq!(count().await, 2);
    app.advance_days(2).await;
    assert_eq!(count().await, 1);
}
