//! `demo`: drives the road of the market over HTTP against a service that it starts itself: sign-in, import of a
//! portfolio, application, screening, appeal, approval, organisation, project, curation, listing, bid, offer, acceptance.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::header::{CONTENT_TYPE, COOKIE, ETAG, IF_MATCH, LOCATION, SET_COOKIE};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::boot::{Failure, Outcome};
use super::server;

/// Runs the demonstration.
///
/// # Errors
/// At the first wrong answer.
pub fn run() -> Outcome {
    let folder = Folder::make()?;
    println!("Starting a service of its own in {} …", folder.0.display());
    let service = Service::start(&folder.0)?;
    println!("It answers at {}.\n", service.url);
    server::runtime()?.block_on(async { Walk::new(&service, &folder.0)?.all().await })?;
    service.stop()?;
    println!("\nThe whole road was walked. The service has been stopped and its folder removed.");
    Ok(())
}

/// A temporary folder that goes when the demonstration ends.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("assay-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _may_be_gone = std::fs::remove_dir_all(&self.0);
    }
}

/// This very program, as a service.
fn program(folder: &Path) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    // The demonstration is of the sandbox, whatever is configured around it.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ASSAY_")) {
        if name != "ASSAY_PG_BIN" {
            command.env_remove(name);
        }
    }
    command
        .env("ASSAY_METRICS__PORT", "0")
        .env("ASSAY_GITHUB__SANDBOX_PORT", "0")
        .env("ASSAY_STRIPE__SANDBOX_PORT", "0")
        .env("ASSAY_LOG__FILTER", "warn")
        .arg("--data-dir")
        .arg(folder);
    Ok(command)
}

struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start(folder: &Path) -> Outcome<Self> {
        let mut child = program(folder)?.args(["--port", "0", "serve"]).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take();
        let mut service = Self { child, url: String::new() };
        let mut lines =
            BufReader::new(output.ok_or_else(|| Failure("the service has no output".to_owned()))?).lines();
        for line in lines.by_ref() {
            let line = line?;
            if let Some(rest) = line.trim().strip_prefix("API") {
                let url = rest.split_whitespace().next().unwrap_or_default();
                url.strip_suffix("/v1").unwrap_or(url).clone_into(&mut service.url);
                break;
            }
        }
        if service.url.is_empty() {
            return Err(Failure("the service did not start".to_owned()));
        }
        // What it goes on to say must be read, or it would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(service)
    }

    fn ask_to_stop(&self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _may_have_ended = kill(Pid::from_raw(pid), Signal::SIGINT);
        }
    }

    fn stop(mut self) -> Outcome {
        self.ask_to_stop();
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(Failure(format!("the service ended with {status}"))) }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // After `stop` it has ended; after a failure it must still stop its database.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.ask_to_stop();
            let _ended = self.child.wait();
        }
    }
}

/// An answer that was the right one.
struct Answer {
    body: Value,
    etag: Option<String>,
}

impl Answer {
    fn text(&self, pointer: &str) -> Outcome<String> {
        let found = self.body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.ok_or_else(|| Failure(format!("the answer has no {pointer}: {}", self.body)))
    }
}

/// Who walks: their name for the reader and their access token.
struct Person {
    login: &'static str,
    account: String,
    token: String,
}

struct Walk<'a> {
    url: &'a str,
    folder: &'a Path,
    http: reqwest::Client,
    step: std::cell::Cell<u32>,
}

impl<'a> Walk<'a> {
    fn new(service: &'a Service, folder: &'a Path) -> Outcome<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .map_err(told)?;
        Ok(Self { url: &service.url, folder, http, step: std::cell::Cell::new(0) })
    }

    fn say(&self, text: &str) {
        self.step.set(self.step.get().saturating_add(1));
        println!("{:>3}. {text}", self.step.get());
    }

    async fn all(&self) -> Outcome {
        let client = self.join("carl-client", "client").await?;
        let developer = self.join("dev-dora", "developer").await?;
        let rival = self.join("dev-deniz", "developer").await?;
        let sam = self.join("staff-sam", "developer").await?;
        let rosa = self.join("staff-rosa", "developer").await?;
        for (who, permission) in
            [(&sam, "curator"), (&sam, "reviewer"), (&rosa, "reviewer"), (&rosa, "admin")]
        {
            self.appoint(who, permission)?;
        }

        self.import(&developer).await?;
        let application = self.application(&developer, &sam).await?;
        self.appeal(&developer, &sam, &rosa, &application).await?;
        self.approval(&developer, &rosa, &application).await?;
        self.fast_lane(&rival, &rosa).await?;

        let organisation = self.organisation(&client, &sam).await?;
        let project = self.project(&client, &sam, &organisation).await?;
        let (listed, bid) = self.bids(&client, &developer, &rival, &project).await?;
        self.deal(&client, &developer, &listed, &bid).await
    }

    /// GitHub's sign-in as a script walks it, then the sign-up.
    async fn join(&self, login: &'static str, role: &str) -> Outcome<Person> {
        let start = self.fetch(&format!("{}/v1/auth/github/start?mode=token", self.url), None).await?;
        let cookie = header(&start, SET_COOKIE.as_str())?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let at_github =
            self.fetch(&format!("{}&login={login}", header(&start, LOCATION.as_str())?), None).await?;
        let back = self.fetch(&header(&at_github, LOCATION.as_str())?, Some(&cookie)).await?;
        let tokens = right(back, 200).await?;
        let person =
            Person { login, account: tokens.text("/account_id")?, token: tokens.text("/access_token")? };

        let me = self.get(&person, "/v1/me").await?;
        let terms = self.get(&person, "/v1/policy").await?.text("/consents/terms/version")?;
        let sign_up = json!({
            "roles": [role],
            "display_name": login,
            "contact_email": me.text("/verified_emails/0/email")?,
            "accept_terms_version": terms,
        });
        self.post(&person, "/v1/me/sign_up", 200, sign_up).await?;
        self.say(&format!("{login} signs in with GitHub and signs up as {role}: {}", person.account));
        Ok(person)
    }

    /// The bootstrap of the command line, while the service runs.
    fn appoint(&self, person: &Person, permission: &str) -> Outcome {
        let mut command = program(self.folder)?;
        let done = command.args(["staff", "grant", person.login, permission]).output()?;
        if !done.status.success() {
            return Err(Failure(String::from_utf8_lossy(&done.stderr).trim().to_owned()));
        }
        self.say(&format!("assay staff grant {} {permission}", person.login));
        Ok(())
    }

    /// The public work on GitHub, with its progress.
    async fn import(&self, developer: &Person) -> Outcome {
        let consents = self.get(developer, "/v1/me/consents").await?.body;
        let consents = consents["data"].as_array().cloned().unwrap_or_default();
        let vetting = consents.iter().find(|consent| consent["kind"] == "vetting");
        let version = vetting.map(|consent| consent["current_version"].clone()).unwrap_or_default();
        let put =
            self.send(Method::PUT, developer, "/v1/me/consents/vetting", None, json!({ "version": version }));
        right(put.await?, 200).await?;
        self.say(&format!("{} consents to vetting, version {version}", developer.login));
        let asked = self.post(developer, "/v1/portfolio/imports", 202, Value::Null).await?;
        let import = format!("/v1/portfolio/imports/{}", asked.text("/id")?);
        self.say(&format!("{} asks for an import from GitHub: {}", developer.login, asked.text("/id")?));
        let mut shown = String::new();
        // Half a minute; the import of this person takes about a second.
        for _ in 0..300 {
            let now = self.get(developer, &import).await?;
            let (state, step) = (now.text("/state")?, now.text("/step")?);
            let progress = format!("step {} of {}, {step}", now.body["step_number"], now.body["steps"]);
            if progress != shown {
                println!("       {progress}; so far {}", now.body["counts"]);
                shown = progress;
            }
            match state.as_str() {
                "completed" => {
                    self.say(&format!("the import is complete after {} requests", now.body["requests"]));
                    return Ok(());
                }
                "failed" => return Err(Failure(format!("the import failed: {}", now.body))),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        Err(Failure("the import did not end".to_owned()))
    }

    /// From a draft to changes requested and made, and back into the queue. Answers the application.
    async fn application(&self, developer: &Person, reviewer: &Person) -> Outcome<String> {
        let input = json!({
            "tracks": ["backend"],
            "statement": "Ten years of payment systems; the last three in Rust.",
            "hours_per_week": 30,
            "rate_per_hour": { "amount": 9_000, "currency": "EUR" },
            "languages": [{ "code": "en", "level": "fluent" }],
        });
        let draft = self.post(developer, "/v1/applications", 201, input).await?;
        let application = format!("/v1/applications/{}", draft.text("/id")?);
        let ready = self.get(developer, &format!("{application}/readiness")).await?;
        self.say(&format!("{} begins an application; ready: {}", developer.login, ready.body["ready"]));
        let sent = self.act(developer, &application, "submit", draft.etag.as_deref(), Value::Null).await?;
        self.say(&format!("submitted; screening is due by {}", sent.text("/screening_due_at")?));
        self.post(reviewer, &format!("{application}/claim"), 200, Value::Null).await?;
        let changes = json!({
            "reason": "Good work; one thing is unclear.",
            "notes": [{ "pointer": "/statement", "note": "Say which part of the system was yours." }],
        });
        self.act_on_latest(reviewer, &application, "request_changes", changes).await?;
        self.say(&format!("{} claims it and asks for changes to /statement", reviewer.login));
        let seen = self.get(developer, &application).await?;
        let better =
            json!({ "statement": "Payment systems for ten years; the ledger's import was mine alone." });
        let request = self
            .http
            .patch(format!("{}{application}", self.url))
            .bearer_auth(&developer.token)
            .header(IF_MATCH, seen.etag.unwrap_or_default())
            .header(CONTENT_TYPE, "application/merge-patch+json")
            .body(better.to_string());
        right(request.send().await.map_err(told)?, 200).await?;
        let again = self.act_on_latest(developer, &application, "submit", Value::Null).await?;
        self.say(&format!("{} makes them and submits again: {}", developer.login, again.text("/state")?));
        Ok(application)
    }

    /// A decline by one reviewer, overturned by another.
    async fn appeal(
        &self,
        developer: &Person,
        first: &Person,
        second: &Person,
        application: &str,
    ) -> Outcome {
        self.post(first, &format!("{application}/claim"), 200, Value::Null).await?;
        let decline = json!({
            "reason_code": "insufficient_evidence",
            "reason": "The work shown does not let anybody tell which part is yours.",
            "evidence": [{ "source": "https://github.com/dev-dora", "finding": "Few commits in the last year." }],
        });
        let declined = self.act_on_latest(first, application, "decline", decline).await?;
        let decision = declined.text("/decision/id")?;
        self.say(&format!(
            "{} screens and declines it: {}, {decision}",
            first.login,
            declined.text("/state")?
        ));
        let again = self.get(developer, application).await?.text("/reapply_at")?;
        self.say(&format!(
            "{} reads the reason and the evidence; may apply again at {again}",
            developer.login
        ));
        let text = json!({ "text": "The pull requests merged upstream are mine, as the portfolio shows." });
        let filed = self.post(developer, &format!("/v1/decisions/{decision}/appeal"), 201, text).await?;
        let appeal = format!("/v1/appeals/{}", filed.text("/id")?);
        self.say(&format!("{} appeals; the answer is due by {}", developer.login, filed.text("/due_at")?));
        let own = self.send(Method::POST, first, &format!("{appeal}/claim"), None, Value::Null).await?;
        if own.status().as_u16() != 409 {
            return Err(Failure(format!("a reviewer takes an appeal against themselves: {}", own.status())));
        }
        self.say(&format!("{} cannot take the appeal against their own decision: 409", first.login));
        self.post(second, &format!("{appeal}/claim"), 200, Value::Null).await?;
        let answer =
            json!({ "outcome": "overturn", "reason": "The merged pull requests show it well enough." });
        let answered = self.act_on_latest(second, &appeal, "decide", answer).await?;
        self.say(&format!("{} answers: the decision is {}", second.login, answered.text("/state")?));
        let back = self.get(developer, application).await?.text("/state")?;
        self.say(&format!("the application is back in the queue: {back}"));
        Ok(())
    }

    /// Screened by the other reviewer, and approved by the word of an admin.
    async fn approval(&self, developer: &Person, admin: &Person, application: &str) -> Outcome {
        self.post(admin, &format!("{application}/claim"), 200, Value::Null).await?;
        let passed = self.act_on_latest(admin, application, "pass", Value::Null).await?;
        self.say(&format!("{} screens and passes it: {}", admin.login, passed.text("/state")?));
        self.approve(developer, admin, application).await
    }

    async fn approve(&self, developer: &Person, admin: &Person, application: &str) -> Outcome {
        let reason = json!({ "reason": "Work seen and talked through." });
        let approved = self.act_on_latest(admin, application, "override_approval", reason).await?;
        let approval = approved.text("/approval_id")?;
        self.say(&format!("{} approves {} as an admin: {approval}", admin.login, developer.login));
        Ok(())
    }

    /// Another developer, whose work elsewhere speaks for itself.
    async fn fast_lane(&self, developer: &Person, admin: &Person) -> Outcome {
        self.import(developer).await?;
        let claim = json!({ "platform": "Elsewhere", "finished_projects": 64, "rating_hundredths": 492,
            "links": ["https://elsewhere.example/dev-deniz"] });
        let input = json!({ "tracks": ["backend"], "fast_lane": claim });
        let draft = self.post(developer, "/v1/applications", 201, input).await?;
        let application = format!("/v1/applications/{}", draft.text("/id")?);
        self.act(developer, &application, "submit", draft.etag.as_deref(), Value::Null).await?;
        let reason = json!({ "reason": "64 projects at 4.92; the profile links back." });
        let ready = self.act_on_latest(admin, &application, "confirm_fast_lane", reason).await?;
        let state = ready.text("/state")?;
        self.say(&format!(
            "{} takes the fast lane, which {} confirms: {state}",
            developer.login, admin.login
        ));
        self.approve(developer, admin, &application).await
    }

    async fn organisation(&self, client: &Person, curator: &Person) -> Outcome<String> {
        let input =
            json!({ "name": "Jensen Freight", "country": "DK", "website": "https://jensenfreight.example" });
        let made = self.post(client, "/v1/organisations", 201, input).await?;
        let id = made.text("/id")?;
        self.say(&format!("{} founds the organisation Jensen Freight: {id}", client.login));
        let reason = json!({ "reason": "Register entry and domain checked." });
        self.act(curator, &format!("/v1/organisations/{id}"), "verify", made.etag.as_deref(), reason).await?;
        self.say(&format!("{} verifies it", curator.login));
        Ok(id)
    }

    /// From a draft to the listing.
    async fn project(&self, client: &Person, curator: &Person, organisation: &str) -> Outcome<String> {
        let now = self.get(client, "/sandbox/clock").await?.text("/now")?;
        let starts_on = (now.parse::<chrono::DateTime<chrono::Utc>>().map_err(told)?
            + chrono::Duration::days(21))
        .date_naive()
        .to_string();
        let path = format!("/v1/organisations/{organisation}/projects");
        let draft = self.post(client, &path, 201, content(&starts_on)).await?;
        let project = format!("/v1/projects/{}", draft.text("/id")?);
        self.say(&format!("{} drafts a project of $12,000: {}", client.login, draft.text("/id")?));

        let readiness = self.get(client, &format!("{project}/readiness")).await?;
        let signals = readiness.body["signals"].as_array().cloned().unwrap_or_default();
        let shown = signals.iter().filter(|signal| signal["ok"] == true).count();
        self.say(&format!("the service tells how ready it is: {shown} of {} signals", signals.len()));
        self.act(client, &project, "submit", draft.etag.as_deref(), Value::Null).await?;
        self.say("it goes to curation");

        let claimed = self.post(curator, &format!("{project}/claim"), 200, Value::Null).await?;
        let etag = match claimed.etag {
            Some(etag) => Some(etag),
            None => self.get(curator, &project).await?.etag,
        };
        let listed = self.act(curator, &project, "list", etag.as_deref(), Value::Null).await?;
        self.say(&format!("{} claims and lists it: state {}", curator.login, listed.text("/state")?));
        Ok(project)
    }

    /// Two developers find the project and bid; the client compares. Answers the project and the better bid.
    async fn bids(
        &self,
        client: &Person,
        developer: &Person,
        rival: &Person,
        project: &str,
    ) -> Outcome<(String, String)> {
        let found = self.get(developer, "/v1/projects?q=ledgers&limit=5").await?;
        let title = found.text("/data/0/title")?;
        self.say(&format!("{} searches for \"ledgers\" and finds: {title}", developer.login));
        let seen = self.get(developer, project).await?.body;
        let mut first = String::new();
        for (who, percent) in [(developer, 90), (rival, 95)] {
            let bid = self.post(who, &format!("{project}/bids"), 201, bid_on(&seen, percent)).await?;
            self.say(&format!("{} bids {percent} % of the budget: {}", who.login, bid.text("/id")?));
            if first.is_empty() {
                first = format!("/v1/bids/{}", bid.text("/id")?);
            }
        }
        let other = self.send(Method::GET, rival, &first, None, Value::Null).await?;
        if other.status().as_u16() != 404 {
            return Err(Failure(format!("a rival sees a sealed bid: {}", other.status())));
        }
        self.say(&format!("{} cannot see that bid: 404", rival.login));
        let compared = self.get(client, &format!("{project}/bids")).await?;
        let count = compared.body["data"].as_array().map_or(0, Vec::len);
        if count != 2 {
            return Err(Failure(format!("the client should see two bids: {}", compared.body)));
        }
        self.say(&format!("{} compares {count} bids side by side", client.login));
        Ok((project.to_owned(), first))
    }

    /// Short list, offer, counter-offer, acceptance.
    async fn deal(&self, client: &Person, developer: &Person, project: &str, bid: &str) -> Outcome {
        self.act_on_latest(client, bid, "shortlist", Value::Null).await?;
        self.say(&format!("{} puts {}'s bid on the short list", client.login, developer.login));
        self.act_on_latest(client, bid, "offer", json!({ "message": "We would like to work with you." }))
            .await?;
        self.say(&format!("{} makes an offer", client.login));
        let accepted = self.act_on_latest(developer, bid, "accept_offer", Value::Null).await?;
        self.say(&format!("{} accepts: the bid is {}", developer.login, accepted.text("/state")?));
        let awarded = self.get(client, project).await?.text("/state")?;
        if awarded != "awarded" {
            return Err(Failure(format!("the project should be awarded, it is {awarded}")));
        }
        self.say("the project is awarded");
        Ok(())
    }

    async fn fetch(&self, url: &str, cookie: Option<&str>) -> Outcome<Response> {
        let mut request = self.http.get(url);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        request.send().await.map_err(told)
    }

    async fn send(
        &self,
        method: Method,
        person: &Person,
        path: &str,
        etag: Option<&str>,
        body: Value,
    ) -> Outcome<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&person.token);
        if let Some(etag) = etag {
            request = request.header(IF_MATCH, etag);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        request.send().await.map_err(told)
    }

    async fn get(&self, person: &Person, path: &str) -> Outcome<Answer> {
        right(self.send(Method::GET, person, path, None, Value::Null).await?, 200).await
    }

    async fn post(&self, person: &Person, path: &str, status: u16, body: Value) -> Outcome<Answer> {
        right(self.send(Method::POST, person, path, None, body).await?, status).await
    }

    /// An act on a thing as it was seen.
    async fn act(
        &self,
        person: &Person,
        thing: &str,
        verb: &str,
        etag: Option<&str>,
        body: Value,
    ) -> Outcome<Answer> {
        right(self.send(Method::POST, person, &format!("{thing}/{verb}"), etag, body).await?, 200).await
    }

    /// The same on a thing as it is now.
    async fn act_on_latest(&self, person: &Person, thing: &str, verb: &str, body: Value) -> Outcome<Answer> {
        let seen = self.get(person, thing).await?;
        self.act(person, thing, verb, seen.etag.as_deref(), body).await
    }
}

fn told(error: impl std::fmt::Display) -> Failure {
    Failure(error.to_string())
}

fn header(response: &Response, name: &str) -> Outcome<String> {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    value.ok_or_else(|| {
        Failure(format!("{} answers {} without {name}", response.url().path(), response.status()))
    })
}

/// The answer, if it is the right one.
async fn right(response: Response, status: u16) -> Outcome<Answer> {
    let place = response.url().path().to_owned();
    let got = response.status().as_u16();
    let etag = response.headers().get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = response.text().await.map_err(told)?;
    if got != status {
        return Err(Failure(format!("{place} should answer {status}, it answers {got}: {text}")));
    }
    Ok(Answer { body: serde_json::from_str(&text).unwrap_or_default(), etag })
}

/// A complete project of $12,000: two milestones, three deliverables.
fn content(starts_on: &str) -> Value {
    json!({
        "title": "Reconcile three ledgers",
        "description": "Our finance team reconciles three ledgers by hand. Build a service that imports them, matches \
                        entries and lists what does not match, so that the month can be closed in a day.",
        "outcome": "Finance closes the month in one day instead of five.",
        "decision_maker": "Carl Jensen, head of product",
        "budget": { "amount": 1_200_000, "currency": "USD" },
        "effort_hours": 160,
        "starts_on": starts_on,
        "duration_days": 60,
        "confidentiality": "public",
        "skills": [
            { "skill": "rust", "level": "proficient", "must": true },
            { "skill": "postgresql", "level": "working", "must": false },
        ],
        "milestones": [
            { "title": "Import", "amount": 700_000, "duration_days": 30, "deliverables": [
                { "title": "Importer", "specification": "Reads three formats.", "weight_bps": 6_000,
                  "acceptance": { "kind": "ci_status", "criterion": "import / corpus" } },
                { "title": "Sample month", "specification": "One month imported.", "weight_bps": 4_000,
                  "acceptance": { "kind": "human", "criterion": "The sums are the ledgers'." } } ] },
            { "title": "Matching", "amount": 500_000, "duration_days": 25, "deliverables": [
                { "title": "Matcher", "specification": "Lists what does not match.", "weight_bps": 10_000,
                  "acceptance": { "kind": "human", "criterion": "March has four differences." } } ] },
        ],
    })
}

/// A bid on the whole of a project at a share of each milestone's amount.
fn bid_on(project: &Value, percent: i64) -> Value {
    let milestones = project["milestones"].as_array().cloned().unwrap_or_default();
    let price =
        |milestone: &Value| milestone["amount"].as_i64().unwrap_or_default().saturating_mul(percent) / 100;
    let prices: Vec<Value> =
        milestones.iter().map(|m| json!({ "milestone_id": m["id"], "amount": price(m) })).collect();
    let approaches: Vec<Value> = milestones
        .iter()
        .flat_map(|milestone| milestone["deliverables"].as_array().cloned().unwrap_or_default())
        .map(|d| json!({ "deliverable_id": d["id"], "approach": "Tests against your own files come first." }))
        .collect();
    json!({
        "prices": prices,
        "approaches": approaches,
        "starts_on": project["starts_on"],
        "risks": [{ "risk": "Exports may change; the importer names the missing column." }],
        "first_step": "Load one closed month and show what does not match.",
    })
}
