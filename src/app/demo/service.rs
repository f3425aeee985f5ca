//! The service that the demonstration starts for itself.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::app::boot::{Failure, Outcome};

/// A temporary folder that goes when the demonstration ends.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Makes it.
    pub fn make() -> Outcome<Self> {
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
pub fn program(folder: &Path) -> Outcome<Command> {
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

/// The service that is walked through.
pub struct Service {
    child: Child,
    /// Where it answers.
    pub url: String,
}

impl Service {
    /// Starts it and waits until it says where it is.
    pub fn start(folder: &Path) -> Outcome<Self> {
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

    /// Ends it, and waits for that.
    pub fn stop(mut self) -> Outcome {
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
