//! Adds to each operation what follows from its `x-access`, method and parameters: security, headers, problems.

use assay_kernel::ids::PREFIXES;
use serde_json::{Map, Value, json};

/// Operations that demand `If-Match` and do not say so by `x-if-match` (a test holds the list to the signatures).
pub const IF_MATCH: &[&str] = &[
    "delete_portfolio_item",
    "give_dispute_evidence",
    "hold_transfer",
    "pay_refund_out_of_band",
    "release_transfer_hold",
    "remove_organisation_member",
    "remove_payment_method",
    "replace_portfolio_skills",
    "resolve_provider_difference",
    "retry_refund",
    "revoke_approval",
    "update_me",
    "update_organisation",
    "update_organisation_member",
    "update_portfolio_item",
    "verify_organisation",
];

/// Operations by which money moves: they demand an `Idempotency-Key` (a test holds the list to the signatures).
pub const KEY_REQUIRED: &[&str] = &[
    "accept_change_order",
    "accept_dispute_offer",
    "accept_dispute_proposal",
    "accept_milestone",
    "accept_termination",
    "award_dispute",
    "cancel_late_milestone",
    "confirm_money_approval",
    "create_platform_payout",
    "decide_dispute_appeal",
    "free_milestone_holdback",
    "fund_milestones",
    "grant_milestone_refund",
    "pay_refund_out_of_band",
    "release_transfer_hold",
    "retry_refund",
    "sign_off_milestone",
    "terminate_contract_for_cause",
];

/// Private POST operations that take no `Idempotency-Key` (a test holds the list to the signatures).
pub const NOT_IDEMPOTENT: &[&str] = &[
    "add_payment_method",
    "cancel_erasure",
    "confirm_second_factor",
    "create_api_token",
    "create_calendar_feed",
    "create_payee_link",
    "decide_suspension_appeal",
    "enrol_second_factor",
    "get_payment_secret",
    "grant_permission",
    "logout",
    "open_payee",
    "refresh_payee",
    "reinstate_account",
    "replay_job",
    "replay_match",
    "reset_second_factor",
    "revoke_all_sessions",
    "revoke_organisation_invitation",
    "rotate_check_secret",
    "sign_up",
    "step_up",
    "suspend_account",
    "unverify_organisation",
    "verify_organisation",
];

/// Paths whose thing is named by the body, the query or the caller.
const NAMED_ELSEWHERE: &[&str] = &[
    "/v1/assessments",
    "/v1/assessments/slots",
    "/v1/mail/unsubscribe",
    "/v1/me/approval",
    "/v1/me/demographics",
    "/v1/me/erasure",
    "/v1/me/erasure/cancel",
    "/v1/me/payee",
    "/v1/me/payee/link",
    "/v1/me/payee/refresh",
    "/v1/me/second_factor",
    "/v1/me/second_factor/confirm",
    "/v1/me/step_up",
    "/v1/me/suspension/appeal",
    "/v1/organisation_invitations/accept",
];

/// Which kind of id follows a noun in a path.
const NOUNS: &[(&str, &str)] = &[
    ("accounts", "acc"),
    ("anchor_cards", "anc"),
    ("anchor_sessions", "ans"),
    ("assessments", "asm"),
    ("applications", "app"),
    ("approvals", "apv"),
    ("assessments", "asm"),
    ("assessors", "acc"),
    ("api_tokens", "tok"),
    ("appeals", "apl"),
    ("assessments", "asm"),
    ("bids", "bid"),
    ("calendar_feeds", "cal"),
    ("calibrations", "clb"),
    ("change_orders", "cho"),
    ("contracts", "ctr"),
    ("data_exports", "drq"),
    ("decisions", "dec"),
    ("dispute_offers", "dof"),
    ("disputes", "dsp"),
    ("deliverables", "dlv"),
    ("developers", "acc"),
    ("exclusions", "mex"),
    ("imports", "pim"),
    ("integrity_concerns", "icn"),
    ("invitations", "inv"),
    ("items", "pit"),
    ("jobs", "job"),
    ("matches", "mat"),
    ("members", "acc"),
    ("milestones", "mst"),
    ("money_approvals", "map"),
    ("offers", "ofr"),
    ("organisation_invitations", "oiv"),
    ("organisations", "org"),
    ("payees", "acc"),
    ("payment_disputes", "pdp"),
    ("payment_methods", "pmt"),
    ("payments", "pay"),
    ("projects", "prj"),
    ("provider_differences", "dif"),
    ("refunds", "rfd"),
    ("sessions", "ses"),
    ("time_off", "tof"),
    ("tokens", "tok"),
    ("transactions", "ltx"),
    ("transfers", "trf"),
];

const TAGS: &[(&str, &str)] = &[
    ("about", "What the service says about itself: process tables, error codes, policy, this description."),
    ("auth", "Sign-in with GitHub, tokens, keys."),
    ("me", "The caller's own account, sessions and tokens."),
    ("accounts", "People, as others and staff see them."),
    ("organisations", "Clients' organisations, their members and invitations."),
    ("skills", "The taxonomy of skills."),
    ("portfolio", "Evidence of developers' work: import from GitHub, items, signals, skills."),
    ("vetting", "Applications of developers, decisions about them, appeals, approvals."),
    (
        "assessments",
        "Paired assessments: requests, slots, bookings, sessions; rubric, blind cards, decisions, appeals.",
    ),
    ("assessors", "Who assesses: availability, time off, tracks."),
    ("scores", "Scores with intervals, explained; calibrations, validity, adverse impact."),
    ("projects", "Scoped projects: drafts, curation, listing."),
    ("curation", "Staff's work on submitted projects."),
    ("bids", "Bids and their revisions."),
    ("offers", "Offers and counter-offers on bids."),
    ("invitations", "Invitations to bid."),
    (
        "matching",
        "Which developers suit a project, and why: rankings, replays, exclusions, the market's metrics.",
    ),
    ("contracts", "Contracts: drawn up, signed, paid, ended; messages."),
    ("milestones", "Milestones of contracts: work, delivery, review, refunds, checks."),
    ("change orders", "Changes of signed contracts."),
    ("disputes", "Disputes over a milestone's money: answers, offers, proposals, awards, appeals."),
    ("payments", "What clients pay with, what they paid and got back."),
    ("payees", "How developers are paid: their account at the payment provider, transfers, payouts."),
    ("finance", "Finance staff's work on money that does not move."),
    ("webhooks", "Where the payment provider tells what has happened."),
    ("ledger", "Where money is, for finance staff: balances, transactions, checks."),
    ("events", "What happened, in order."),
    ("notifications", "Mails and what a person wants to get."),
    ("operations", "Running the service: health, jobs, the audit log."),
    ("sandbox", "Only in the sandbox: the clock that can be moved, the mails that were not sent."),
];

/// Completes the description.
pub fn complete(mut document: Value) -> Value {
    document["components"]["securitySchemes"] = json!({
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-session",
            "description": "The browser's session, set by the sign-in. Requests that change something must come from an \
                            allowed origin."
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token of a sign-in (a JWT that holds ten minutes at most) or a personal API token \
                            with scopes."
        }
    });
    document["components"]["responses"] = Value::Object(PROBLEMS.iter().map(Problem::component).collect());
    document["components"]["headers"] = json!({
        "RequestId": {
            "description": "The id under which the request is logged: the caller's own when it is 8 to 64 letters, \
                            digits, `-` or `_`.",
            "schema": { "type": "string" }
        },
        "RetryAfter": {
            "description": "Seconds after which a repeat makes sense.",
            "schema": { "type": "integer", "minimum": 0 }
        },
        "Link": {
            "description": "The next page as a URL, `rel=\"next\"` (RFC 8288); absent on the last page.",
            "schema": { "type": "string" },
            "example": "</v1/projects?skills=rust&cursor=…>; rel=\"next\""
        }
    });
    document["components"]["parameters"] = json!({
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "required": true,
            "description": "The ETag of the version that was seen. Missing: 428. Stale: 412.",
            "schema": { "type": "string" },
            "example": "\"3\""
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "Makes a repeat safe: the same key and body give the first answer again, with \
                            `Idempotency-Replayed: true`. Scoped to the caller and the path, kept for two days.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
            "example": "0b7c1c9e-2f0e-4a51-9d1f-6f4f0e3c8a11"
        }
    });
    let mut demanded = document["components"]["parameters"]["IdempotencyKey"].clone();
    demanded["required"] = json!(true);
    document["components"]["parameters"]["RequiredIdempotencyKey"] = demanded;
    add_id_schemas(&mut document);
    super::compose::compose(&mut document);
    let mut used = std::collections::BTreeSet::new();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths.iter_mut() {
            let Some(item) = item.as_object_mut() else { continue };
            for (method, operation) in item.iter_mut() {
                if let Some(operation) = operation.as_object_mut() {
                    for tag in operation.get("tags").and_then(Value::as_array).into_iter().flatten() {
                        used.extend(tag.as_str().map(str::to_owned));
                    }
                    complete_operation(path, method, operation);
                }
            }
        }
    }
    let described = TAGS.iter().filter(|(name, _)| used.contains(*name));
    document["tags"] =
        described.map(|(name, description)| json!({ "name": name, "description": description })).collect();
    document
}

/// utoipa refers to the types of ids by name, but does not describe them.
fn add_id_schemas(document: &mut Value) {
    let text = document.to_string();
    for (prefix, what) in PREFIXES {
        let name = format!("{prefix}Id");
        if text.contains(&format!("\"#/components/schemas/{name}\"")) {
            document["components"]["schemas"][name] = json!({
                "type": "string",
                "description": format!("Id of the {what}."),
                "pattern": format!("^{prefix}_[0-9a-f]{{32}}$"),
                "examples": [format!("{prefix}_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")],
            });
        }
    }
}

fn complete_operation(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let public = operation.get("x-access").and_then(Value::as_str) == Some("public");
    let has_body = operation.contains_key("requestBody");
    let told = operation.get("x-if-match").and_then(Value::as_bool) == Some(true);
    let if_match = told || IF_MATCH.contains(&id.as_str());
    let idempotent = method == "post" && !public && !NOT_IDEMPOTENT.contains(&id.as_str());
    let safe = method == "get";

    operation.insert(
        "security".to_owned(),
        if public { json!([]) } else { json!([{ "session": [] }, { "bearer": [] }]) },
    );
    add_path_parameters(path, operation);
    if if_match {
        add_parameter(operation, "IfMatch");
    }
    if idempotent {
        let demanded = KEY_REQUIRED.contains(&id.as_str());
        add_parameter(operation, if demanded { "RequiredIdempotencyKey" } else { "IdempotencyKey" });
    }
    let probe = matches!(path, "/livez" | "/readyz");
    let v1 = path.starts_with("/v1/");
    let applies = |status: u16| match status {
        400 => true,
        // A credential that is sent must be valid, even where none is needed.
        401 => !probe,
        403 => !public || !safe,
        404 => path.contains('{') || NAMED_ELSEWHERE.contains(&path),
        406 => v1,
        409 => !safe,
        408 | 413 | 415 => has_body,
        412 | 428 => if_match,
        422 => has_body || idempotent,
        429 => !probe,
        503 => true,
        _ => false,
    };
    let paged = operation
        .get("parameters")
        .and_then(Value::as_array)
        .is_some_and(|parameters| parameters.iter().any(|parameter| parameter["name"] == "cursor"));
    let Some(responses) = operation.entry("responses").or_insert_with(|| json!({})).as_object_mut() else {
        return;
    };
    for (status, response) in responses.iter_mut() {
        if let Some(response) = response.as_object_mut() {
            let headers = response.entry("headers").or_insert_with(|| json!({}));
            headers["X-Request-Id"] = json!({ "$ref": "#/components/headers/RequestId" });
            if paged && status == "200" {
                headers["Link"] = json!({ "$ref": "#/components/headers/Link" });
            }
        }
    }
    for problem in PROBLEMS.iter().filter(|problem| applies(problem.status)) {
        responses
            .entry(problem.status.to_string())
            .or_insert_with(|| json!({ "$ref": format!("#/components/responses/{}", problem.name) }));
    }
}

/// Declares the parameters of the path that the handler's attribute does not.
fn add_path_parameters(path: &str, operation: &mut Map<String, Value>) {
    let mut noun = "";
    for segment in path.split('/') {
        let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            noun = segment;
            continue;
        };
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        let Some(parameters) = parameters.as_array_mut() else { return };
        if parameters.iter().any(|known| known["in"] == "path" && known["name"] == name) {
            continue;
        }
        let prefix = NOUNS.iter().find(|(plural, _)| *plural == noun).map(|(_, prefix)| *prefix);
        let kind = prefix.and_then(|prefix| PREFIXES.iter().find(|(known, _)| *known == prefix));
        parameters.insert(
            0,
            match kind {
                Some((prefix, what)) => json!({
                    "name": name,
                    "in": "path",
                    "required": true,
                    "description": format!("Id of the {what}."),
                    "schema": { "type": "string", "pattern": format!("^{prefix}_[0-9a-f]{{32}}$") },
                    "example": format!("{prefix}_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b"),
                }),
                None => {
                    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
                }
            },
        );
    }
}

fn add_parameter(operation: &mut Map<String, Value>, name: &str) {
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
    }
}

struct Problem {
    status: u16,
    name: &'static str,
    description: &'static str,
}

impl Problem {
    fn component(&self) -> (String, Value) {
        let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/RequestId" } });
        if matches!(self.status, 429 | 503) {
            headers["Retry-After"] = json!({ "$ref": "#/components/headers/RetryAfter" });
        }
        if self.status == 401 {
            headers["WWW-Authenticate"] = json!({ "schema": { "type": "string" } });
        }
        let response = json!({
            "description": self.description,
            "headers": headers,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
        });
        (self.name.to_owned(), response)
    }
}

const PROBLEMS: &[Problem] = &[
    Problem { status: 400, name: "BadRequest", description: "The request cannot be read." },
    Problem { status: 401, name: "Unauthenticated", description: "No valid credential was sent." },
    Problem { status: 403, name: "Forbidden", description: "The caller is known, but may not do this." },
    Problem { status: 404, name: "NotFound", description: "There is no such thing, or not for the caller." },
    Problem { status: 406, name: "NotAcceptable", description: "The caller takes no JSON." },
    Problem { status: 408, name: "RequestTimeout", description: "The body did not arrive in time." },
    Problem {
        status: 409,
        name: "Conflict",
        description: "The state, a guard or a limit does not allow it now.",
    },
    Problem {
        status: 412,
        name: "PreconditionFailed",
        description: "The thing has changed since it was seen.",
    },
    Problem { status: 413, name: "BodyTooLarge", description: "The body is too large." },
    Problem { status: 415, name: "UnsupportedMediaType", description: "The body is not JSON." },
    Problem {
        status: 422,
        name: "Invalid",
        description: "Some fields are not acceptable; all are told at once.",
    },
    Problem { status: 428, name: "PreconditionRequired", description: "If-Match is missing." },
    Problem { status: 429, name: "RateLimited", description: "The caller's share is used up for now." },
    Problem { status: 503, name: "Unavailable", description: "The service or a provider cannot answer now." },
];
