//! `assay score`: the rating model on files, without a service or a database.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use assay_scoring::{Estimator, RatingsBuilder, Scale, read_line, report};
use serde::Serialize;

/// What to score and where to.
#[derive(Debug)]
pub struct Task {
    /// Ratings, a JSON object a line.
    pub ratings: PathBuf,
    /// Scores, a JSON object a line.
    pub out: PathBuf,
    /// The report.
    pub report: Option<PathBuf>,
    /// How.
    pub estimator: Estimator,
    /// The scale, if not the data's own.
    pub levels: Option<Scale>,
}

/// A scale such as `0..4`.
pub fn parse_levels(text: &str) -> Result<Scale, String> {
    let ends = text.split_once("..").and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
    let (min, max) = ends.ok_or_else(|| "two levels such as 0..4".to_owned())?;
    Scale::new(min, max).map_err(|fault| fault.to_string())
}

/// Scores; bad input says why, and nothing is written.
pub fn run(task: &Task) -> Result<(), String> {
    let name = task.ratings.display();
    let file =
        std::fs::File::open(&task.ratings).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let mut builder = RatingsBuilder::new(task.levels);
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let number = index + 1;
        let line = line.map_err(|error| format!("{name}, line {number}: {error}"))?;
        if !line.trim().is_empty() {
            read_line(&mut builder, &line).map_err(|fault| format!("{name}, line {number}: {fault}"))?;
        }
    }
    let ratings = builder.build().map_err(|fault| format!("{name}: {fault}"))?;
    let (scores, report) = report(&ratings, task.estimator);
    write_lines(&task.out, &scores)?;
    match &task.report {
        Some(path) => write(path, |file| {
            serde_json::to_writer_pretty(&mut *file, &report)?;
            writeln!(file)
        }),
        None => Ok(()),
    }
}

/// Writes each value as a line of JSON.
pub fn write_lines<T: Serialize>(path: &Path, values: &[T]) -> Result<(), String> {
    write(path, |file| {
        for value in values {
            serde_json::to_writer(&mut *file, value)?;
            writeln!(file)?;
        }
        Ok(())
    })
}

fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<std::fs::File>) -> std::io::Result<()>,
) -> Result<(), String> {
    let done = std::fs::File::create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        fill(&mut file)?;
        file.flush()
    });
    done.map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
