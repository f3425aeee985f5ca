//! The market: projects, curation, the listing, bids, offers, invitations.

mod bids;
mod clocks;
mod curation;
mod import;
mod listing;
mod offers;
mod projects;
mod statements;

use assay_kernel::Permission;
use assay_platform::crypto::sha256;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::harness::{Answer, Call, Person, TestApp};

/// A complete project of $12,000: two milestones, three deliverables.
pub fn complete(title: &str) -> Value {
    json!({
        "title": title,
        "description": "Our finance team reconciles three ledgers by hand. Build a service that imports them, \
            matches entries and lists what does not match, so that the month can be closed in a day.",
        "outcome": "Finance closes the month in one day instead of five.",
        "decision_maker": "Claire Duval, head of finance",
        "budget": { "amount": 1_200_000, "currency": "USD" },
        "effort_hours": 160,
        "starts_on": "2027-03-01",
        "duration_days": 60,
        "confidentiality": "public",
        "skills": [
            { "skill": "rust", "level": "proficient", "must": true },
            { "skill": "Postgres", "level": "working", "must": false },
        ],
        "milestones": [
            { "title": "Import", "amount": 700_000, "duration_days": 30, "deliverables": [
                { "title": "Importer", "specification": "Reads three formats.", "weight_bps": 6_000,
                  "acceptance": { "kind": "ci_status", "criterion": "import / corpus" } },
                { "title": "Sample month", "specification": "One month imported.", "weight_bps": 4_000,
                  "acceptance": { "kind": "human", "criterion": "The sums are the ledger's." } } ] },
            { "title": "Matching", "amount": 500_000, "duration_days": 25, "deliverables": [
                { "title": "Matcher", "specification": "Lists what does not match.", "weight_bps": 10_000,
                  "acceptance": { "kind": "human", "criterion": "March has four differences." } } ] },
        ],
    })
}

/// The same with some members replaced.
pub fn complete_with(title: &str, changes: Value) -> Value {
    let mut content = complete(title);
    let changes = changes.as_object().expect("an object of changes").clone();
    content.as_object_mut().expect("an object").extend(changes);
    content
}

/// A bid on the whole of a project at 90 % of each milestone's amount.
pub fn bid_on(project: &Value) -> Value {
    let milestones = project["milestones"].as_array().expect("milestones");
    let prices: Vec<Value> = milestones
        .iter()
        .map(|m| json!({ "milestone_id": m["id"], "amount": m["amount"].as_i64().expect("an amount") * 9 / 10 }))
        .collect();
    let approaches: Vec<Value> = milestones
        .iter()
        .flat_map(|m| m["deliverables"].as_array().expect("deliverables"))
        .map(|d| json!({ "deliverable_id": d["id"], "approach": "Tests against your own files come first." }))
        .collect();
    json!({
        "prices": prices, "approaches": approaches, "starts_on": "2027-03-08",
        "risks": [{ "risk": "Exports may change; the importer names the missing column." }],
        "first_step": "Load one closed month and show what does not match.",
    })
}

impl TestApp {
    /// A draft of a client.
    pub async fn draft(&self, client: &Person, content: Value) -> Answer {
        let path = format!("/v1/organisations/{}/projects", client.organisation());
        self.post(&path).by(client).json(content).expect(201).await
    }

    /// An act on a thing at its present version.
    pub async fn act(&self, person: &Person, path: &str, verb: &str) -> Answer {
        let seen = self.get(path).by(person).expect(200).await;
        self.post(&format!("{path}/{verb}")).by(person).if_match(&seen.etag()).send().await
    }

    /// The same with a body.
    pub async fn act_with(&self, person: &Person, path: &str, verb: &str, body: Value) -> Answer {
        let seen = self.get(path).by(person).expect(200).await;
        self.post(&format!("{path}/{verb}")).by(person).if_match(&seen.etag()).json(body).send().await
    }

    /// A listed project: drafted, submitted, claimed, listed. Answers it as a stranger sees it.
    pub async fn listed(&self, client: &Person, content: Value) -> Value {
        let curator = self.staff("staff-sam", Permission::Curator).await;
        let draft = self.draft(client, content).await;
        let path = format!("/v1/projects/{}", draft.id());
        self.act(client, &path, "submit").await.assert_status(200);
        self.post(&format!("{path}/claim")).by(&curator).expect(200).await;
        self.act(&curator, &path, "list").await.assert_status(200);
        self.get(&path).expect(200).await.json()
    }

    /// `count` approved developers beyond the personas, each with a browser session; answers ids and cookies.
    pub async fn crowd(&self, count: usize) -> Vec<(String, String)> {
        self.crowd_from(0, count).await
    }

    /// The same, numbered from `first`.
    pub async fn crowd_from(&self, first: usize, count: usize) -> Vec<(String, String)> {
        let mut conn = self.ctx().db.get().await.expect("a connection");
        let mut people = Vec::new();
        for n in first..first + count {
            let id = self.ctx().ids.uuid();
            let cookie = format!("crowd-{n}-{}", id.simple());
            let hash = sha256(cookie.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let sql = format!(
                "WITH person AS (
                    INSERT INTO accounts (id, github_id, login, status, roles, display_name, contact_email, github_emails,
                                          terms_version, version, created_at, updated_at)
                    VALUES ('{id}', {github}, 'crowd-{n}', 'active', '{{developer}}', 'Crowd {n}', 'c{n}@example.org', '[]',
                            '2026-11-01', 1, now(), now()) RETURNING id
                 ), session AS (
                    INSERT INTO sessions (id, account_id, kind, token_hash, user_agent, ip, created_at, authenticated_at,
                                          last_seen_at, expires_at)
                    SELECT gen_random_uuid(), id, 'browser', '\\x{hash}', 'test', '127.0.0.1', now(), now(), now(),
                           now() + interval '20 days' FROM person
                 ), application AS (
                    INSERT INTO applications (id, account_id, state, tracks, languages, policy_version, created_at, updated_at)
                    SELECT id, id, 'approved', '{{backend}}', '[]', (SELECT version FROM policies LIMIT 1), now(), now()
                    FROM person RETURNING id
                 )
                 INSERT INTO approvals (id, application_id, account_id, state, granted_by_id, granted_at, expires_at, reason, policy_version)
                 SELECT id, id, id, 'active', id, now(), now() + interval '400 days', 'Approved for a test.',
                        (SELECT version FROM policies LIMIT 1) FROM application",
                github = 7_000_000 + n,
            );
            // Foreign keys between the statements of one command are checked at its end.
            diesel::sql_query(sql).execute(&mut conn).await.expect("a person of the crowd");
            people.push((format!("acc_{}", id.simple()), cookie));
        }
        people
    }

    /// The token in the mail that invites to an organisation.
    pub async fn invitation_token(&self) -> String {
        let mails = self.get("/sandbox/mail").send_unchecked().await.json();
        let mails = mails["data"].as_array().expect("mails").clone();
        for mail in mails {
            let id = mail["id"].as_str().expect("an id");
            let text = self.get(&format!("/sandbox/mail/{id}")).send_unchecked().await.text;
            if let Some((_, rest)) = text.split_once("token=") {
                return rest
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                    .collect();
            }
        }
        panic!("no mail carries a token");
    }

    /// A call with a browser's cookie.
    pub fn with_cookie<'a>(&'a self, call: Call<'a>, cookie: &str) -> Call<'a> {
        call.header("cookie", &format!("__Host-session={cookie}"))
    }
}
