#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;
use actix_web::{App, HttpServer, middleware::from_fn, web::Data};
use assay_adapters::github::{self, sandbox};
use assay_identity::Identity;
use assay_kernel::{Clock, Entropy, IdSource, Permission};
use assay_platform::{Ctx, config::Config, crypto::Keyring, db, policy::Policy, rate_limit::RateLimiter, web::edge::{Edge, edge}};
use secrecy::SecretString;
use serde_json::{Value, json};
use utoipa_actix_web::AppExt;

struct C { http: reqwest::Client, base: String }
impl C {
    async fn call(&self, m: &str, path: &str, tok: Option<&str>, body: Option<Value>, hdr: &[(&str, &str)]) -> (u16, Value, reqwest::header::HeaderMap) {
        let mut r = self.http.request(m.parse().unwrap(), format!("{}{path}", self.base));
        if let Some(t) = tok { r = r.bearer_auth(t); }
        for (k, v) in hdr { r = r.header(*k, *v); }
        if let Some(b) = body { r = r.header("content-type", "application/json").body(b.to_string()); }
        let a = r.send().await.unwrap();
        let (s, h) = (a.status().as_u16(), a.headers().clone());
        let t = a.text().await.unwrap();
        (s, serde_json::from_str(&t).unwrap_or(Value::String(t)), h)
    }
    fn cookies(h: &reqwest::header::HeaderMap) -> Vec<String> {
        h.get_all("set-cookie").iter().map(|c| c.to_str().unwrap().split(';').next().unwrap().to_owned()).collect()
    }
    async fn sign_in(&self, login: &str, mode: &str) -> (u16, Value, reqwest::header::HeaderMap, String, String) {
        let (s, b, h) = self.call("GET", &format!("/v1/auth/github/start?mode={mode}&return_to=/docs"), None, None, &[]).await;
        assert_eq!(s, 302, "{b}");
        let cookie = Self::cookies(&h)[0].clone();
        let loc = h["location"].to_str().unwrap().to_owned();
        let a = self.http.get(format!("{loc}&login={login}")).send().await.unwrap();
        let back = a.headers().get("location").unwrap_or_else(|| panic!("no redirect {}", a.status())).to_str().unwrap().to_owned();
        let path = back.strip_prefix(&self.base).unwrap().to_owned();
        let (s, b, h) = self.call("GET", &path, None, None, &[("cookie", &cookie)]).await;
        (s, b, h, path, cookie)
    }
    async fn token(&self, login: &str) -> (String, String, String) {
        let (s, b, ..) = self.sign_in(login, "token").await;
        assert_eq!(s, 200, "{b}");
        let g = |k: &str| b[k].as_str().unwrap().to_owned();
        (g("access_token"), g("refresh_token"), g("account_id"))
    }
}

#[test]
fn flow() {
    let cluster = db::embedded::start_throwaway().unwrap();
    let url = cluster.url("postgres");
    println!("{:?}", db::migrate::run(&url).unwrap());
    let revert = url.clone();
    actix_web::rt::System::new().block_on(async move {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (clock, entropy) = (Clock::system(), Entropy::system());
        let gh = sandbox::Server::bind("127.0.0.1", 0, sandbox::Options::new(clock.clone(), entropy.clone(), "id", SecretString::from("secret"))).unwrap();
        let config = Config::load(None, &[("server.public_url", base.clone())], std::path::Path::new("x")).unwrap();
        let keys = Arc::new(Keyring::parse(&Keyring::generate(&entropy, "k1")).unwrap());
        let database = db::Db::connect(&url, db::PoolOptions { size: 4, statement_timeout: std::time::Duration::from_secs(5) }).await.unwrap();
        let ctx = Ctx { db: database, clock: clock.clone(), ids: IdSource::new(clock.clone(), entropy.clone()), entropy: entropy.clone(), keys, policy: Arc::new(Policy::shipped().unwrap()), config: Arc::new(config) };
        let client = github::Client::new(gh.client_config(), clock.clone(), entropy.clone()).unwrap();
        let identity = Identity::new(ctx.clone(), client);
        let e = Edge { authenticator: Arc::new(identity.clone()), limiter: RateLimiter::new(assay_platform::rate_limit::Limits { default: 9999, search: 9999, sign_in: 9999 }, clock.clone()), entropy: entropy.clone(), origins: vec![base.clone()].into(), trusted_proxies: vec![].into(), https: false, show_statements: true, draining: Arc::default() };
        let (i2, c2) = (identity.clone(), ctx.clone());
        let server = HttpServer::new(move || {
            let (app, doc) = App::new().into_utoipa_app().configure(assay_identity::routes).split_for_parts();
            if std::env::var("DOC").is_ok() { println!("{}", doc.to_pretty_json().unwrap()); }
            app.app_data(Data::new(e.clone())).app_data(Data::new(c2.clone())).app_data(Data::new(i2.clone())).wrap(from_fn(edge))
        }).workers(1).disable_signals().listen(listener).unwrap().run();
        actix_web::rt::spawn(server);
        let c = C { http: reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap(), base };
        let names: Vec<_> = sandbox::personas().iter().map(|p| p.login).collect();
        println!("{names:?}");
        let (admin, admin_refresh, admin_id) = c.token(names[0]).await;
        let (s, me, h) = c.call("GET", "/v1/me", Some(&admin), None, &[]).await;
        println!("{s} {me} stmts {:?}", h.get("x-db-statements"));
        assert_eq!(s, 200);
        let email = me["verified_emails"][0]["email"].as_str().unwrap().to_owned();
        // not signed up
        let (s, b, _) = c.call("POST", "/v1/organisations", Some(&admin), Some(json!({"name":"North","country":"DE"})), &[]).await;
        assert_eq!((s, b["code"].as_str()), (403, Some("sign_up_required")));
        let up = |mail: &str| json!({"roles":["client","developer"],"display_name":"Ada Lovelace","contact_email":mail,"accept_terms_version":"2026-11-01"});
        let (s, b, _) = c.call("POST", "/v1/me/sign_up", Some(&admin), Some(up("evil@example.com")), &[]).await;
        assert_eq!(s, 422, "{b}");
        let (s, b, _) = c.call("POST", "/v1/me/sign_up", Some(&admin), Some(up(&email)), &[]).await;
        assert_eq!(s, 200, "{b}");
        let (s, _, _) = c.call("POST", "/v1/me/sign_up", Some(&admin), Some(up(&email)), &[]).await;
        assert_eq!(s, 409);
        let (_, me, h) = c.call("GET", "/v1/me", Some(&admin), None, &[]).await;
        let tag = h["etag"].to_str().unwrap().to_owned();
        let (s, b, _) = c.call("PATCH", "/v1/me", Some(&admin), Some(json!({"bio":"x\ny","country":"DE","time_zone":"Mars/Base"})), &[("if-match", &tag)]).await;
        assert_eq!(s, 422, "{b}");
        let (s, b, _) = c.call("PATCH", "/v1/me", Some(&admin), Some(json!({"bio":"x\ny","country":"DE","headline":null})), &[("if-match", &tag)]).await;
        assert_eq!((s, b["bio"].as_str()), (200, Some("x\ny")), "{b}");
        let (s, _, _) = c.call("PATCH", "/v1/me", Some(&admin), Some(json!({"bio":null})), &[("if-match", &tag)]).await;
        assert_eq!(s, 412);
        let (s, b, _) = c.call("GET", &format!("/v1/developers/{admin_id}"), None, None, &[]).await;
        assert_eq!(s, 200, "{b}");
        assert!(b.get("contact_email").is_none());
        let _ = me;
        // jwks
        let (s, b, h) = c.call("GET", "/.well-known/jwks.json", None, None, &[]).await;
        println!("{s} {b} {:?}", h.get("cache-control"));
        // bootstrap
        println!("{:?}", assay_identity::grant_permission_by_login(&ctx, &names[0].to_uppercase(), Permission::Admin, true).await.unwrap());
        assay_identity::grant_permission_by_login(&ctx, names[0], Permission::Admin, true).await.unwrap();
        assert!(assay_identity::grant_permission_by_login(&ctx, "nobody-x", Permission::Admin, true).await.is_err());
        // browser sign-in
        let (s, b, h, path, cookie) = c.sign_in(names[0], "browser").await;
        assert_eq!((s, h["location"].to_str().unwrap()), (302, "/docs"), "{b}");
        let session = C::cookies(&h).into_iter().find(|x| x.starts_with("__Host-session=")).unwrap();
        println!("{:?}", h.get_all("set-cookie").iter().collect::<Vec<_>>());
        let (s, b, _) = c.call("GET", &path, None, None, &[("cookie", &cookie)]).await;
        assert_eq!((s, b["code"].as_str()), (400, Some("sign_in_failed")), "state replay");
        let (s, _, h) = c.call("GET", "/v1/me/sessions", None, None, &[("cookie", &session)]).await;
        println!("sessions {s} stmts {:?}", h.get("x-db-statements"));
        let (s, b, _) = c.call("POST", "/v1/auth/logout", None, None, &[("cookie", &session), ("origin", "https://evil.example")]).await;
        assert_eq!(s, 403, "{b}");
        let (s, _, _) = c.call("POST", "/v1/auth/logout", None, None, &[("cookie", &session), ("origin", &c.base)]).await;
        assert_eq!(s, 204);
        let (s, _, _) = c.call("GET", "/v1/me", None, None, &[("cookie", &session)]).await;
        assert_eq!(s, 401);
        // start with bad return_to
        for bad in ["//evil", "https://evil", "/%5Cevil"] {
            let (s, b, _) = c.call("GET", &format!("/v1/auth/github/start?return_to={bad}"), None, None, &[]).await;
            assert_eq!(s, 400, "{bad} {b}");
        }
        // wrong browser
        let (_, _, h) = c.call("GET", "/v1/auth/github/start", None, None, &[]).await;
        let loc = h["location"].to_str().unwrap().to_owned();
        let a = c.http.get(format!("{loc}&login={}", names[0])).send().await.unwrap();
        let p = a.headers()["location"].to_str().unwrap().strip_prefix(&c.base).unwrap().to_owned();
        let (s, b, _) = c.call("GET", &p, None, None, &[]).await;
        assert_eq!((s, b["code"].as_str()), (400, Some("sign_in_failed")), "{b}");
        // declined
        let (_, _, h) = c.call("GET", "/v1/auth/github/start", None, None, &[]).await;
        let ck = C::cookies(&h)[0].clone();
        let a = c.http.get(format!("{}&deny=1", h["location"].to_str().unwrap())).send().await.unwrap();
        let p = a.headers()["location"].to_str().unwrap().strip_prefix(&c.base).unwrap().to_owned();
        let (s, b, _) = c.call("GET", &p, None, None, &[("cookie", &ck)]).await;
        println!("declined {s} {b}");
        assert_eq!(s, 400);
        // refresh
        let rf = |t: &str| Some(json!({"grant_type":"refresh_token","refresh_token":t}));
        let (s, r1, _) = c.call("POST", "/v1/auth/token", None, rf(&admin_refresh), &[]).await;
        assert_eq!(s, 200, "{r1}");
        let (s, r2, _) = c.call("POST", "/v1/auth/token", None, rf(&admin_refresh), &[]).await;
        assert_eq!(s, 200, "grace {r2}");
        let admin = r2["access_token"].as_str().unwrap().to_owned();
        let r2t = r2["refresh_token"].as_str().unwrap().to_owned();
        let (s, r3, _) = c.call("POST", "/v1/auth/token", None, rf(&r2t), &[]).await;
        assert_eq!(s, 200, "{r3}");
        let (s, b, _) = c.call("POST", "/v1/auth/token", None, rf(&admin_refresh), &[]).await;
        assert_eq!((s, b["code"].as_str()), (401, Some("invalid_refresh_token")));
        let (s, _, _) = c.call("GET", "/v1/me", Some(&admin), None, &[]).await;
        assert_eq!(s, 401, "family revoked");
        let (s, _, _) = c.call("POST", "/v1/auth/token", None, rf(r3["refresh_token"].as_str().unwrap()), &[]).await;
        assert_eq!(s, 401);
        let (admin, ..) = c.token(names[0]).await;
        // api tokens
        let (s, t, _) = c.call("POST", "/v1/me/tokens", Some(&admin), Some(json!({"name":"n","scopes":["read","spend"],"spend_limit":{"amount":1000,"currency":"USD"},"expires_at": clock.now() + chrono::Duration::days(10)})), &[]).await;
        assert_eq!(s, 201, "{t}");
        let pat = t["token"].as_str().unwrap().to_owned();
        let (s, b, h) = c.call("GET", "/v1/me", Some(&pat), None, &[]).await;
        println!("pat {s} stmts {:?}", h.get("x-db-statements"));
        assert_eq!(s, 200, "{b}");
        let (_, _, h) = c.call("GET", "/v1/me", Some(&pat), None, &[]).await;
        println!("pat again stmts {:?}", h.get("x-db-statements"));
        let (s, b, _) = c.call("GET", "/v1/me/tokens", Some(&pat), None, &[]).await;
        assert_eq!((s, b["code"].as_str()), (403, Some("insufficient_scope")));
        let (_, l, _) = c.call("GET", "/v1/me/tokens", Some(&admin), None, &[]).await;
        println!("{l}");
        let (s, b, _) = c.call("POST", "/v1/me/tokens", Some(&admin), Some(json!({"name":"n","scopes":["account","account"],"expires_at":"2020-01-01T00:00:00Z","spend_limit":{"amount":0,"currency":"EUR"}})), &[]).await;
        println!("{s} {b}");
        let (s, _, _) = c.call("DELETE", &format!("/v1/me/tokens/{}", t["id"].as_str().unwrap()), Some(&admin), None, &[]).await;
        assert_eq!(s, 204);
        let (s, _, _) = c.call("GET", "/v1/me", Some(&pat), None, &[]).await;
        assert_eq!(s, 401);
        // organisation
        let (s, org, _) = c.call("POST", "/v1/organisations", Some(&admin), Some(json!({"name":"Northwind","country":"DE","website":"https://n.example.com"})), &[("idempotency-key", "k1")]).await;
        assert_eq!(s, 201, "{org}");
        let (s, again, h) = c.call("POST", "/v1/organisations", Some(&admin), Some(json!({"name":"Northwind","country":"DE","website":"https://n.example.com"})), &[("idempotency-key", "k1")]).await;
        assert_eq!((s, &again["id"]), (201, &org["id"])); assert!(h.contains_key("idempotency-replayed"));
        let oid = org["id"].as_str().unwrap().to_owned();
        // second person
        let (two, two_refresh, two_id) = c.token(names[1]).await;
        let _ = two_refresh;
        let (_, me2, _) = c.call("GET", "/v1/me", Some(&two), None, &[]).await;
        let mail2 = me2["verified_emails"][0]["email"].as_str().unwrap().to_owned();
        let (s, b, _) = c.call("POST", "/v1/me/sign_up", Some(&two), Some(up(&mail2)), &[]).await;
        assert_eq!(s, 200, "{b}");
        let (s, _, _) = c.call("GET", &format!("/v1/organisations/{oid}"), Some(&two), None, &[]).await;
        assert_eq!(s, 404);
        let (s, inv, _) = c.call("POST", &format!("/v1/organisations/{oid}/invitations"), Some(&admin), Some(json!({"email": mail2.to_uppercase(), "role":"hirer","spending_limit":{"amount":500000,"currency":"USD"}})), &[]).await;
        println!("{s} {inv}");
        assert_eq!(s, 201);
        let (s, b, _) = c.call("POST", &format!("/v1/organisations/{oid}/invitations"), Some(&admin), Some(json!({"email": mail2, "role":"hirer"})), &[]).await;
        assert_eq!(s, 409, "{b}");
        // read the token from the mail job
        let job: String = ctx.db.read(async |conn| {
            use diesel::QueryableByName; use diesel_async::RunQueryDsl;
            #[derive(QueryableByName)] struct R { #[diesel(sql_type = diesel::sql_types::Text)] t: String }
            let r: R = diesel::sql_query("SELECT payload::text AS t FROM jobs WHERE kind = 'mail.send' ORDER BY created_at DESC LIMIT 1").get_result(conn).await.map_err(db::DbError::from)?;
            Ok(r.t)
        }).await.unwrap();
        let tok = job.split("token=").nth(1).unwrap()[..43].to_owned();
        let (s, b, _) = c.call("GET", &format!("/v1/organisation_invitations/accept?token={tok}"), None, None, &[]).await;
        println!("{s} {b}"); assert_eq!(s, 200);
        let (s, b, _) = c.call("POST", "/v1/organisation_invitations/accept", Some(&admin), Some(json!({"token": tok})), &[]).await;
        assert_eq!(s, 404, "{b}");
        let (s, b, h) = c.call("POST", "/v1/organisation_invitations/accept", Some(&two), Some(json!({"token": tok})), &[]).await;
        assert_eq!(s, 200, "{b}"); println!("accept stmts {:?}", h.get("x-db-statements"));
        let (s, b, _) = c.call("POST", "/v1/organisation_invitations/accept", Some(&two), Some(json!({"token": tok})), &[]).await;
        assert_eq!((s, b["code"].as_str()), (409, Some("state_conflict")), "{b}");
        let (_, l, _) = c.call("GET", &format!("/v1/organisations/{oid}/members?limit=1"), Some(&two), None, &[]).await;
        println!("{l}");
        let (s, l2, _) = c.call("GET", &format!("/v1/organisations/{oid}/members?limit=1&cursor={}", l["next_cursor"].as_str().unwrap()), Some(&two), None, &[]).await;
        assert_eq!(s, 200); assert!(l2["next_cursor"].is_null());
        let (s, b, _) = c.call("PATCH", &format!("/v1/organisations/{oid}/members/{admin_id}"), Some(&admin), Some(json!({"role":"viewer"})), &[("if-match", "\"1\"")]).await;
        assert_eq!(s, 409, "{b}");
        let (s, b, _) = c.call("PATCH", &format!("/v1/organisations/{oid}/members/{two_id}"), Some(&admin), Some(json!({"spending_limit":null})), &[("if-match", "\"1\"")]).await;
        assert_eq!(s, 200, "{b}"); assert!(b["spending_limit"].is_null());
        let (s, b, _) = c.call("PATCH", &format!("/v1/organisations/{oid}"), Some(&two), Some(json!({"name":"X corp"})), &[("if-match", "*")]).await;
        assert_eq!(s, 403, "{b}");
        // staff
        let (s, b, _) = c.call("POST", &format!("/v1/accounts/{two_id}/permissions"), Some(&admin), Some(json!({"permission":"curator","reason":"joins"})), &[]).await;
        assert_eq!(s, 200, "{b}");
        let (s, b, _) = c.call("POST", &format!("/v1/accounts/{admin_id}/permissions"), Some(&admin), Some(json!({"permission":"curator","reason":"joins"})), &[]).await;
        assert_eq!(s, 403, "{b}");
        let (s, b, _) = c.call("POST", &format!("/v1/organisations/{oid}/verify"), Some(&two), Some(json!({"reason":"checked"})), &[("if-match", "\"1\"")]).await;
        assert_eq!(s, 403, "{b}");
        let (three, _, three_id) = c.token(names[2]).await;
        let (_, me3, _) = c.call("GET", "/v1/me", Some(&three), None, &[]).await;
        let mail3 = me3["verified_emails"][0]["email"].as_str().unwrap().to_owned();
        c.call("POST", "/v1/me/sign_up", Some(&three), Some(up(&mail3)), &[]).await;
        for p in ["curator", "reviewer"] {
            let (s, b, _) = c.call("POST", &format!("/v1/accounts/{three_id}/permissions"), Some(&admin), Some(json!({"permission":p,"reason":"joins"})), &[]).await;
            assert_eq!(s, 200, "{b}");
        }
        let (s, q, _) = c.call("GET", "/v1/staff/organisations?verified=false", Some(&three), None, &[]).await;
        assert_eq!((s, q["data"].as_array().unwrap().len()), (200, 1), "{q}");
        let (s, b, _) = c.call("POST", &format!("/v1/organisations/{oid}/verify"), Some(&three), Some(json!({"reason":"checked"})), &[("if-match", "\"1\"")]).await;
        assert_eq!((s, b["verified"].as_bool()), (200, Some(true)), "{b}");
        let (s, b, _) = c.call("PATCH", &format!("/v1/organisations/{oid}"), Some(&admin), Some(json!({"name":"Evil corp"})), &[("if-match", "\"2\"")]).await;
        assert_eq!((s, b["verified"].as_bool()), (200, Some(false)), "{b}");
        // suspend
        let (s, b, _) = c.call("POST", &format!("/v1/accounts/{two_id}/suspend"), Some(&admin), Some(json!({"reason_code":"fraud","reason":"stolen portfolio here"})), &[]).await;
        assert_eq!(s, 200, "{b}"); println!("{b}");
        let (s, _, _) = c.call("GET", "/v1/me", Some(&two), None, &[]).await;
        assert_eq!(s, 401);
        let (two, ..) = c.token(names[1]).await;
        let (s, b, _) = c.call("GET", "/v1/me", Some(&two), None, &[]).await;
        assert_eq!((s, b["suspension"]["reason_code"].as_str()), (200, Some("fraud")), "{b}");
        let (s, b, _) = c.call("GET", "/v1/organisations", Some(&two), None, &[]).await;
        assert_eq!((s, b["code"].as_str()), (403, Some("account_suspended")));
        let (s, ap, _) = c.call("POST", "/v1/me/suspension/appeal", Some(&two), Some(json!({"text":"it is my own work"})), &[("idempotency-key", "a1")]).await;
        assert_eq!(s, 201, "{ap}");
        let (s, _, _) = c.call("POST", "/v1/me/suspension/appeal", Some(&two), Some(json!({"text":"it is my own work"})), &[]).await;
        assert_eq!(s, 409);
        let (s, q, _) = c.call("GET", "/v1/staff/suspension_appeals", Some(&three), None, &[]).await;
        println!("{s} {q}"); assert_eq!(q["data"].as_array().unwrap().len(), 1);
        let (s, b, _) = c.call("POST", &format!("/v1/suspension_appeals/{}/decide", ap["id"].as_str().unwrap()), Some(&three), Some(json!({"decision":"overturn","reason":"signatures checked"})), &[]).await;
        assert_eq!((s, b["state"].as_str()), (200, Some("overturned")), "{b}");
        let (s, b, _) = c.call("GET", "/v1/organisations", Some(&two), None, &[]).await;
        assert_eq!(s, 200, "{b}");
        let (s, b, _) = c.call("POST", &format!("/v1/accounts/{two_id}/suspend"), Some(&admin), Some(json!({"reason_code":"other","reason":"again for a test"})), &[]).await;
        assert_eq!(s, 200, "{b}");
        let (s, b, _) = c.call("POST", &format!("/v1/accounts/{two_id}/reinstate"), Some(&admin), Some(json!({"reason":"done with it"})), &[]).await;
        assert_eq!((s, b["status"].as_str()), (200, Some("active")), "{b}");
        let (s, b, _) = c.call("DELETE", &format!("/v1/accounts/{two_id}/permissions/curator?reason=left%20us"), Some(&admin), None, &[]).await;
        assert_eq!((s, b["permissions"].as_array().map(Vec::len)), (200, Some(0)), "{b}");
        let (s, b, _) = c.call("GET", &format!("/v1/staff/accounts?login={}", names[1].to_uppercase()), Some(&admin), None, &[]).await;
        assert_eq!((s, b["data"].as_array().map(Vec::len)), (200, Some(1)), "{b}");
        // recency
        clock.advance(std::time::Duration::from_secs(590));
        let (s, _, h) = c.call("GET", "/v1/me", Some(&admin), None, &[]).await;
        println!("touch stmts {s} {:?}", h.get("x-db-statements"));
        clock.advance(std::time::Duration::from_secs(11));
        let (s, _, _) = c.call("GET", "/v1/me", Some(&admin), None, &[]).await;
        assert_eq!(s, 401, "expired");
        // all personas sign in
        for name in &names { let (s, b, ..) = c.sign_in(name, "token").await; println!("{name}: {s} {}", if s == 200 { String::new() } else { b.to_string() }); }
        // rotation and retention
        ctx.db.tx(async |conn| assay_identity::rotate_signing_keys(&ctx, conn).await).await.unwrap();
        clock.advance(std::time::Duration::from_secs(61));
        let (_, j, _) = c.call("GET", "/.well-known/jwks.json", None, None, &[]).await;
        assert_eq!(j["keys"].as_array().unwrap().len(), 2);
        clock.advance(std::time::Duration::from_secs(86400));
        let (_, j, _) = c.call("GET", "/.well-known/jwks.json", None, None, &[]).await;
        assert_eq!(j["keys"].as_array().unwrap().len(), 1);
        clock.advance(std::time::Duration::from_secs(86400 * 200));
        println!("gone {}", ctx.db.tx(async |conn| assay_identity::retention(&ctx, conn).await).await.unwrap());
        println!("audit {}", ctx.db.read(async |conn| assay_platform::audit::verify(conn).await).await.unwrap());
    });
    db::migrate::revert(&revert, None).unwrap();
}
