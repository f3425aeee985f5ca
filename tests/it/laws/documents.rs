//! Generated files are fresh, the description is complete, the tables are sound.

use std::collections::BTreeSet;
use std::path::Path;

use assay::app::openapi::{self, IF_MATCH, KEY_REQUIRED, NOT_IDEMPOTENT};
use assay::app::spec::operations;
use assay::app::{domains, spec};
use assay_kernel::Code;
use assay_platform::config::Config;

use crate::tidy::{report, sources};

fn fresh(path: &str, generated: &str, command: &str) {
    let committed =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default();
    assert!(committed == generated, "{path} is stale; write it anew with `{command} > {path}`");
}

#[test]
fn the_description_is_fresh() {
    fresh("api-spec/openapi.json", &openapi::pretty(), "cargo run -- openapi");
}

#[test]
fn the_conventions_are_fresh() {
    fresh("api-spec/README.md", &spec::readme(), "cargo run -- openapi --readme");
}

#[test]
fn the_configuration_table_is_fresh() {
    fresh("config/README.md", &Config::readme(), "cargo run -- config --markdown");
}

#[test]
fn every_operation_says_who_may_call_it_and_what_it_does() {
    const ACCESS: &[&str] = &[
        "public",
        "signed_in",
        "reader",
        "manager",
        "developer",
        "hirer",
        "staff",
        "curator",
        "reviewer",
        "finance",
        "admin",
    ];
    let mut ids = BTreeSet::new();
    let mut faults = Vec::new();
    for (path, method, operation) in operations(openapi::whole()) {
        let place = format!("{method} {path}");
        match operation["x-access"].as_str() {
            Some(access) if ACCESS.contains(&access) => {}
            other => faults.push(format!("{place}: x-access is {other:?}")),
        }
        match operation["operationId"].as_str() {
            Some(id) if ids.insert(id) => {}
            other => faults.push(format!("{place}: the id {other:?} is missing or used twice")),
        }
        if operation["summary"].as_str().is_none_or(|summary| summary.trim().is_empty()) {
            faults.push(format!("{place}: no summary"));
        }
        if operation["tags"].as_array().is_none_or(|tags| tags.len() != 1) {
            faults.push(format!("{place}: not one tag"));
        }
        let responses = operation["responses"].as_object();
        if !responses.is_some_and(|all| all.keys().any(|status| status.starts_with(['2', '3']))) {
            faults.push(format!("{place}: no success is declared"));
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "path"
                && !path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap_or("")))
            {
                faults.push(format!("{place}: the path has no parameter {}", parameter["name"]));
            }
        }
    }
    let described: BTreeSet<&str> = openapi::whole()["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| tag["name"].as_str())
        .collect();
    for (path, method, operation) in operations(openapi::whole()) {
        for tag in operation["tags"].as_array().into_iter().flatten().filter_map(|tag| tag.as_str()) {
            if !described.contains(tag) {
                faults.push(format!(
                    "{method} {path}: the tag {tag} is not described in src/app/openapi/complete.rs"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_reference_in_the_description_names_something() {
    fn walk(value: &serde_json::Value, faults: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                if let Some(pointer) = map.get("$ref").and_then(|pointer| pointer.as_str())
                    && openapi::whole().pointer(pointer.trim_start_matches('#')).is_none()
                {
                    faults.push(pointer.to_owned());
                }
                map.values().for_each(|inner| walk(inner, faults));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|inner| walk(inner, faults)),
            _ => {}
        }
    }
    let mut faults = Vec::new();
    walk(openapi::whole(), &mut faults);
    assert!(faults.is_empty(), "{faults:?}");
}

/// A handler as written. What `acts!` declares is described as it is taken by construction.
struct Handler {
    /// Its name, which is the operation's id.
    name: String,
    attributes: String,
    signature: String,
}

impl Handler {
    fn takes(&self, what: &str) -> bool {
        self.signature.contains(what)
    }
}

fn handlers() -> Vec<Handler> {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.is_http_room()) {
        for piece in source.text.split("#[utoipa::path(").skip(1) {
            let Some((attributes, rest)) = piece.split_once("async fn ") else { continue };
            let Some(name) = rest.split(['(', '<']).next() else { continue };
            let mut signature = rest.split(" -> ").next().unwrap_or(rest).to_owned();
            for (original, alias) in aliases(&source.text) {
                signature = signature.replace(&format!("<{alias}>"), &format!("<{original}>"));
            }
            found.push(Handler {
                name: name.trim().to_owned(),
                attributes: attributes.to_owned(),
                signature,
            });
        }
    }
    found
}

fn takes_key(handler: &Handler) -> bool {
    [": IdempotencyKey", ": MoneyKey"].iter().any(|key| handler.takes(key))
}

/// The operations declared by `acts!` that take a `MoneyKey`: `name(Access, Id, MoneyKey…`.
fn acts_of_money() -> Vec<String> {
    let sources = sources();
    let texts = sources.iter().filter(|source| source.is_http_room()).map(|source| &source.text);
    let rows =
        texts.flat_map(|text| text.split("\nacts! {").skip(1)).filter_map(|rest| rest.split("\n}").next());
    let lines = rows.flat_map(str::lines).map(str::trim).filter(|line| line.contains(", MoneyKey"));
    lines.filter_map(|line| Some(line.split_once('(')?.0.to_owned())).collect()
}

/// `SignedIn as SignedInAccess` and the like.
fn aliases(text: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = text
        .lines()
        .take_while(|line| !line.contains("fn "))
        .flat_map(|line| line.split([' ', ',', ';', '{', '}']))
        .filter(|word| !word.is_empty())
        .collect();
    let last = |path: &str| path.rsplit("::").next().unwrap_or(path).to_owned();
    words
        .windows(3)
        .filter(|three| three[1] == "as")
        .map(|three| (last(three[0]), three[2].to_owned()))
        .collect()
}

#[test]
fn headers_and_bodies_are_described_as_the_handlers_take_them() {
    let handlers = handlers();
    let mut faults = Vec::new();
    let says_if_match = |handler: &Handler| handler.attributes.contains("\"x-if-match\"");
    let untold: BTreeSet<&str> = handlers
        .iter()
        .filter(|handler| handler.takes(": IfMatch") && !says_if_match(handler))
        .map(|handler| handler.name.as_str())
        .collect();
    let listed: BTreeSet<&str> = IF_MATCH.iter().copied().collect();
    assert_eq!(listed, untold, "IF_MATCH in src/app/openapi/complete.rs");
    let without_key: BTreeSet<&str> = handlers
        .iter()
        .filter(|handler| {
            handler.attributes.contains("#[post(") && !handler.attributes.contains("json!(\"public\")")
        })
        .filter(|handler| !takes_key(handler))
        .map(|handler| handler.name.as_str())
        .collect();
    let listed: BTreeSet<&str> = NOT_IDEMPOTENT.iter().copied().collect();
    assert_eq!(listed, without_key, "NOT_IDEMPOTENT in src/app/openapi/complete.rs");
    let of_acts = acts_of_money();
    let demanding = handlers.iter().filter(|handler| handler.takes(": MoneyKey"));
    let demanding: BTreeSet<&str> =
        demanding.map(|handler| handler.name.as_str()).chain(of_acts.iter().map(String::as_str)).collect();
    let listed: BTreeSet<&str> = KEY_REQUIRED.iter().copied().collect();
    assert_eq!(listed, demanding, "KEY_REQUIRED in src/app/openapi/complete.rs");

    for handler in &handlers {
        if says_if_match(handler) && !handler.takes(": IfMatch") {
            faults.push(format!("{}: takes no If-Match, but says so", handler.name));
        }
        if takes_key(handler) && !handler.attributes.contains("#[post(") {
            faults.push(format!("{}: takes an Idempotency-Key, but is no POST", handler.name));
        }
        let takes_body = [": Body<", ": MergePatch", ": Bytes"].iter().any(|kind| handler.takes(kind));
        if takes_body != handler.attributes.contains("request_body") {
            faults.push(format!(
                "{}: takes a body: {takes_body}, but `request_body` says otherwise",
                handler.name
            ));
        }
    }
    for (path, method, operation) in operations(openapi::whole()) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let Some(handler) = handlers.iter().find(|handler| handler.name == id) else { continue };
        let parameters = operation["parameters"].as_array();
        let has_query = parameters.is_some_and(|all| all.iter().any(|parameter| parameter["in"] == "query"));
        if handler.takes(": Query<") != has_query {
            faults.push(format!("{method} {path}: `params(…)` does not name the query of {id}"));
        }
    }
    report(&faults);
}

#[test]
fn the_access_that_is_described_is_the_one_in_the_signature() {
    let mut faults = Vec::new();
    for handler in &handlers() {
        let marker = handler.signature.split("Auth<").nth(1).and_then(|rest| rest.split('>').next());
        let demanded = marker.map_or("public".to_owned(), snake_case);
        if !handler.attributes.contains(&format!("(\"x-access\" = json!(\"{demanded}\"))")) {
            faults.push(format!("{}: the signature says {demanded}, x-access does not", handler.name));
        }
    }
    report(&faults);
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for c in name.rsplit("::").next().unwrap_or(name).chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[test]
fn every_process_table_is_sound() {
    let mut names = BTreeSet::new();
    for machine in domains::machines() {
        assert!(names.insert(machine.name), "{} is there twice", machine.name);
        assert_eq!(machine.faults(), Vec::<String>::new(), "{}", machine.name);
    }
}

#[test]
fn every_error_code_is_used() {
    let used = |code: &Code| {
        let spelled = format!("Code::{}", code.variant());
        sources().iter().filter(|source| !source.path.starts_with("src/kernel/")).any(|source| {
            source.text.match_indices(&spelled).any(|(at, _)| {
                let next = source.text[at + spelled.len()..].chars().next();
                !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
            })
        })
    };
    // Made by functions of the kernel that the house calls.
    let made_in_kernel = [
        Code::NotFound,
        Code::InvalidFields,
        Code::Internal,
        Code::StateConflict,
        Code::GuardFailed,
        Code::InsufficientScope,
        Code::SignUpRequired,
        Code::AccountSuspended,
    ];
    let unused: Vec<&str> = Code::all()
        .iter()
        .filter(|code| !made_in_kernel.contains(code) && !used(code))
        .map(|code| code.variant())
        .collect();
    assert!(unused.is_empty(), "codes that nothing answers with: {unused:?}");
}
