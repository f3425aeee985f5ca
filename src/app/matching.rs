//! `assay match`: rankings for the projects of a market in files, without a service or a database.

use std::path::{Path, PathBuf};

use assay_matching::{Market, Settings, read_json, read_lines};
use assay_scoring::{RatingsBuilder, read_line};
use serde::de::DeserializeOwned;

use super::score::write_lines;

/// What to rank and where to.
#[derive(Debug)]
pub struct Task {
    /// The folder with the market's files.
    pub market: PathBuf,
    /// Rankings, a JSON object a line.
    pub out: PathBuf,
    /// How.
    pub settings: Settings,
    /// Say why, too.
    pub explain: bool,
}

/// Ranks; bad input says why, and nothing is written.
pub fn run(task: &Task) -> Result<(), String> {
    let market = read(&task.market)?;
    write_lines(&task.out, &assay_matching::run(&market, &task.settings, task.explain))
}

fn read(folder: &Path) -> Result<Market, String> {
    Ok(Market {
        skills: file(folder, "skills.json", read_json)?,
        developers: lines(folder, "developers.jsonl")?,
        invitations: lines(folder, "invitations.jsonl")?,
        contracts: lines(folder, "contracts.jsonl")?,
        projects: lines(folder, "projects.jsonl")?,
        ratings: ratings(folder)?,
    })
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn file<T>(
    folder: &Path,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, assay_matching::Fault>,
) -> Result<T, String> {
    let path = folder.join(name);
    read(&text(&path)?).map_err(|fault| format!("{}, {fault}", path.display()))
}

fn lines<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Vec<T>, String> {
    file(folder, name, read_lines)
}

/// The ratings; a market may have none yet.
fn ratings(folder: &Path) -> Result<Option<assay_scoring::Ratings>, String> {
    let path = folder.join("ratings.jsonl");
    let mut builder = RatingsBuilder::new(None);
    let mut any = false;
    for (index, line) in text(&path)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        any = true;
        read_line(&mut builder, line)
            .map_err(|fault| format!("{}, line {}: {fault}", path.display(), index + 1))?;
    }
    if !any {
        return Ok(None);
    }
    builder.build().map(Some).map_err(|fault| format!("{}: {fault}", path.display()))
}
