//! `assay slots`: the slot engine on standard input and output, without a service or a database.

use std::io::{Read, Write};
use std::process::ExitCode;

use assay_assessments::{Input, assign, explain, read, slots, standings};
use assay_kernel::{Code, Error, Result};
use assay_platform::web::problem::ProblemBody;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Longest input.
const MAX_BYTES: u64 = 64 * 1_024 * 1_024;

/// Whether to say why, and for which start.
#[derive(Clone, Copy, Debug)]
pub enum Explain {
    /// Answer only.
    No,
    /// Every start of the grid.
    Grid,
    /// One start.
    Start(DateTime<Utc>),
}

/// Answers the question on standard input: 0 and the answer, or 2 and a problem on standard error.
pub fn run(why: Explain) -> ExitCode {
    match answer(why) {
        Ok(text) => {
            // A reader that has gone away wants no answer.
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let problem = serde_json::to_string_pretty(&ProblemBody::new(&error));
            let _ = writeln!(std::io::stderr(), "{}", problem.unwrap_or_else(|_| error.to_string()));
            ExitCode::from(2)
        }
    }
}

fn answer(why: Explain) -> Result<String> {
    let input = read(&stdin()?)?;
    let text = match (&input, why) {
        (Input::Slots(input), Explain::No) => serde_json::to_string(&slots(input)),
        (Input::Slots(input), Explain::Grid) => serde_json::to_string(&explain(input, None)?),
        (Input::Slots(input), Explain::Start(start)) => serde_json::to_string(&explain(input, Some(start))?),
        (Input::Assign(input), Explain::No) => serde_json::to_string(&assign(input)),
        (Input::Assign(input), _) => {
            let requests = input.requests.iter().zip(standings(input));
            let requests: Vec<Value> =
                requests.map(|(request, order)| json!({ "at": request.at, "order": order })).collect();
            serde_json::to_string(&json!({ "picks": assign(input).picks, "requests": requests }))
        }
    };
    text.map_err(Error::internal)
}

fn stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::new(Code::MalformedRequest, format!("The input cannot be read: {error}.")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::new(Code::BodyTooLarge, format!("The input may have {MAX_BYTES} bytes at most.")));
    }
    Ok(bytes)
}
