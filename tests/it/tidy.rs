//! The law of the house, where Cargo cannot hold it: which package may name which, which crate belongs in which room,
//! who writes which table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A source file of the house, without its tests.
pub struct Source {
    /// From the root of the repository.
    pub path: String,
    /// Its text up to `#[cfg(test)]`.
    pub text: String,
    /// Its whole length in lines.
    lines: usize,
}

impl Source {
    fn domain(&self) -> Option<&str> {
        self.path.strip_prefix("src/domains/")?.split('/').next()
    }

    /// The room of a domain: the file or folder below the domain's own.
    fn room(&self) -> Option<&str> {
        let room = self.path.strip_prefix("src/domains/")?.split('/').nth(1)?;
        Some(room.strip_suffix(".rs").unwrap_or(room))
    }

    /// Is it where handlers live?
    pub fn is_http_room(&self) -> bool {
        self.room() == Some("http") || self.path.starts_with("src/app/http/")
    }

    /// Its lines without comments, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file below `src`.
pub fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let mut paths = Vec::new();
        collect(&root().join("src"), &mut paths);
        paths.sort();
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).expect("a source file reads");
            let lines = text.lines().count();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
            let path = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            Source { path, text, lines }
        };
        paths.iter().map(read).collect()
    });
    &SOURCES
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder reads") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "tests") {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path.file_name().is_none_or(|name| name != "tests.rs")
        {
            into.push(path);
        }
    }
}

/// Fails with every fault.
pub fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Each package and the packages of the house that it may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("src/kernel", &[]),
    ("src/platform", &["kernel"]),
    ("src/adapters", &["kernel"]),
    ("src/domains/ledger", &["kernel", "platform"]),
    ("src/domains/skills", &["kernel", "platform"]),
    ("src/domains/notifications", &["kernel", "platform", "adapters", "skills"]),
    ("src/domains/identity", &["kernel", "platform", "adapters", "skills", "notifications"]),
    (
        "src/domains/payments",
        &["kernel", "platform", "adapters", "ledger", "skills", "notifications", "identity"],
    ),
    ("src/domains/portfolio", &["kernel", "platform", "adapters", "skills", "notifications", "identity"]),
    (
        "src/domains/vetting",
        &["kernel", "platform", "adapters", "skills", "notifications", "identity", "portfolio"],
    ),
    (
        "src/domains/assessments",
        &["kernel", "platform", "adapters", "skills", "notifications", "identity", "portfolio", "vetting"],
    ),
    (
        "src/domains/scoring",
        &[
            "kernel",
            "platform",
            "adapters",
            "skills",
            "notifications",
            "identity",
            "portfolio",
            "vetting",
            "assessments",
        ],
    ),
    (
        "src/domains/projects",
        &[
            "kernel",
            "platform",
            "adapters",
            "skills",
            "notifications",
            "identity",
            "payments",
            "portfolio",
            "vetting",
            "assessments",
        ],
    ),
    (
        "src/domains/contracts",
        &[
            "kernel",
            "platform",
            "adapters",
            "ledger",
            "skills",
            "notifications",
            "identity",
            "payments",
            "portfolio",
            "vetting",
            "assessments",
            "scoring",
            "projects",
        ],
    ),
    (
        "src/domains/matching",
        &[
            "kernel",
            "platform",
            "adapters",
            "ledger",
            "skills",
            "notifications",
            "identity",
            "payments",
            "portfolio",
            "vetting",
            "assessments",
            "scoring",
            "projects",
            "contracts",
        ],
    ),
];

#[test]
fn arrows_never_turn_back() {
    let mut faults = Vec::new();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(folder, _)| *folder).collect();
    for entry in std::fs::read_dir(root().join("src/domains")).expect("the domains") {
        let folder = format!("src/domains/{}", entry.expect("an entry").file_name().to_string_lossy());
        if !known.contains(folder.as_str()) {
            faults.push(format!("{folder} has no arrows in tests/it/tidy.rs"));
        }
    }
    for (folder, allowed) in ARROWS {
        let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        for line in manifest.lines() {
            let Some(name) = line.strip_prefix("assay-") else { continue };
            let name = name.split(['.', ' ', '=']).next().unwrap_or(name);
            if !allowed.contains(&name) {
                faults.push(format!("{folder}/Cargo.toml: must not name assay-{name}"));
            }
        }
    }
    report(&faults);
}

/// Does a line name the crate, as a path or in a `use`?
fn names(line: &str, krate: &str) -> bool {
    line.match_indices(krate).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + krate.len()..];
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_') && after.starts_with("::")
    })
}

#[test]
fn crates_stay_in_their_rooms() {
    type Allowed = fn(&Source) -> bool;
    const RULES: &[(&[&str], &str, Allowed)] = &[
        (&["diesel", "diesel_async"], "stores and the platform", |source| {
            source.path.starts_with("src/platform/") || source.room() == Some("store")
        }),
        (&["actix_web", "actix_cors"], "http rooms, the platform's web edge, the app, sandboxes", |source| {
            source.is_http_room()
                || source.path.starts_with("src/platform/web/")
                || source.path.starts_with("src/app/")
                || (source.path.starts_with("src/adapters/") && source.path.contains("/sandbox/"))
        }),
        (&["reqwest", "lettre", "oauth2"], "adapters and the demonstration", |source| {
            source.path.starts_with("src/adapters/") || source.path.starts_with("src/app/demo")
        }),
        (&["jsonwebtoken"], "identity", |source| source.domain() == Some("identity")),
        (&["figment"], "the platform", |source| source.path.starts_with("src/platform/")),
        (&["clap"], "the command line", |source| {
            source.path.starts_with("src/app/cli") || source.path == "src/app/ledger.rs"
        }),
        (&["tokio_postgres", "bb8"], "the platform's database", |source| {
            source.path.starts_with("src/platform/db/")
        }),
    ];
    let mut faults = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for (crates, where_allowed, allowed) in RULES {
                if !allowed(source) && crates.iter().any(|krate| names(line, krate)) {
                    faults.push(format!(
                        "{}:{number}: {crates:?} belongs in {where_allowed}: {}",
                        source.path,
                        line.trim()
                    ));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn rooms_have_their_names_and_stay_private() {
    const ROOMS: &[&str] = &["lib", "model", "policy", "error", "store", "service", "http", "jobs"];
    let mut faults = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        if !ROOMS.contains(&room) {
            faults.push(format!("{}: `{room}` is no room of a domain", source.path));
        }
        if room == "lib" {
            for (number, line) in source.code() {
                if line.starts_with("pub mod ") {
                    faults.push(format!("{}:{number}: rooms are private", source.path));
                }
            }
        }
    }
    report(&faults);
}

#[test]
fn no_file_is_a_labyrinth() {
    let long = sources().iter().filter(|source| source.lines > 900);
    report(&long.map(|source| format!("{}: {} lines", source.path, source.lines)).collect::<Vec<_>>());
}

#[test]
fn time_and_chance_come_from_the_kernel() {
    const BANNED: &[&str] =
        &["Utc::now", "Local::now", "SystemTime::now", "Uuid::new_v4", "Uuid::now_v7", "getrandom::fill"];
    let mut faults = Vec::new();
    for source in sources() {
        if matches!(source.path.as_str(), "src/kernel/clock.rs" | "src/kernel/entropy.rs") {
            continue;
        }
        for (number, line) in source.code() {
            if BANNED.iter().any(|banned| line.contains(banned)) {
                faults.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    report(&faults);
}

#[test]
fn nothing_is_left_to_do() {
    const MARKS: &[&str] = &["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("];
    let mut faults = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            if MARKS.iter().any(|mark| line.contains(mark)) {
                faults.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    report(&faults);
}

/// Table → the domain (or `platform`) that owns it, from the files of the schema.
fn owners() -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for source in sources() {
        let Some(file) = source.path.strip_prefix("src/platform/db/schema/") else { continue };
        let owner = file.trim_end_matches(".rs");
        for body in source.text.split("diesel::table! {").skip(1) {
            // Attributes and `use` lines may stand before the table's name.
            let name = body.lines().map(str::trim).find(|line| line.ends_with('{'));
            if let Some((table, _)) = name.and_then(|line| line.split_once(" (")) {
                owners.insert(table.to_owned(), owner.to_owned());
            }
        }
    }
    owners
}

/// Tables that a text writes, by diesel's builder or by SQL.
fn written(text: &str) -> Vec<(usize, String)> {
    let word = |rest: &str| -> String {
        rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect()
    };
    let mut found = Vec::new();
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    for call in ["insert_into(", "update(", "delete(", "replace_into("] {
        for (at, _) in text.match_indices(call) {
            let path = word(&text[at + call.len()..]);
            // `jobs::table…`: the segment before `table`.
            let segments: Vec<&str> = path.split("::").collect();
            if let Some(place) = segments.iter().position(|segment| *segment == "table")
                && let Some(table) = place.checked_sub(1).and_then(|place| segments.get(place))
            {
                found.push((line_of(at), (*table).to_owned()));
            }
        }
    }
    for verb in ["INSERT INTO ", "UPDATE ", "DELETE FROM ", "TRUNCATE "] {
        for (at, _) in text.match_indices(verb) {
            if text[..at].ends_with("FOR ") || text[..at].ends_with("DO ") || text[..at].ends_with("NO KEY ")
            {
                continue;
            }
            let name = word(&text[at + verb.len()..]);
            if !name.is_empty()
                && name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
            {
                found.push((line_of(at), name));
            }
        }
    }
    found
}

#[test]
fn a_domain_writes_its_own_tables_only() {
    let owners = owners();
    assert!(owners.len() > 8, "the owners are not found: {owners:?}");
    let mut faults = Vec::new();
    for source in sources() {
        let Some(domain) = source.domain() else { continue };
        for (number, table) in written(&source.text) {
            match owners.get(&table) {
                Some(owner) if owner != domain => {
                    faults.push(format!("{}:{number}: {table} is {owner}'s to write", source.path));
                }
                _ => {}
            }
        }
    }
    report(&faults);
}

#[test]
fn writes_are_found_in_both_languages() {
    let text = "diesel::update(jobs::table.find(1))\n\"INSERT INTO events (a)\"\n\"SELECT 1 FOR UPDATE SKIP LOCKED\"";
    assert_eq!(written(text), [(1, "jobs".to_owned()), (2, "events".to_owned())]);
}

#[test]
fn handlers_hold_no_sql() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| source.is_http_room()) {
        for (number, line) in source.code() {
            if ["SELECT ", "INSERT INTO ", "DELETE FROM ", "sql_query"].iter().any(|sql| line.contains(sql)) {
                faults.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    report(&faults);
}
