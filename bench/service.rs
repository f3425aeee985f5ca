//! The service as a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Failure;

/// Builds the service in release mode; answers where it is.
pub async fn build() -> Result<PathBuf, Failure> {
    let status = Command::new(env!("CARGO")).args(["build", "--release", "-p", "assay"]).status().await?;
    if !status.success() {
        return Err("the service does not build".into());
    }
    let this = std::env::current_exe()?;
    Ok(this.with_file_name("assay"))
}

fn command(binary: &Path, url: &str, data_dir: &Path, port: u16) -> Command {
    let mut command = Command::new(binary);
    command
        .arg("--data-dir")
        .arg(data_dir.join("service"))
        .env("ASSAY_DATABASE__URL", url)
        .env("ASSAY_SERVER__PORT", port.to_string())
        .env("ASSAY_METRICS__PORT", "0")
        .env("ASSAY_GITHUB__SANDBOX_PORT", "0")
        .env("ASSAY_STRIPE__SANDBOX_PORT", "0")
        .env("ASSAY_LOG__FILTER", "warn")
        .env("ASSAY_RATE_LIMIT__DEFAULT", "100000000")
        .env("ASSAY_RATE_LIMIT__SEARCH", "100000000")
        .env("ASSAY_RATE_LIMIT__SIGN_IN", "100000000")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// A worker that reads from the sandbox GitHub of another process. Tokens are the sandbox's own, so that the client's id
/// and secret do not matter.
pub fn worker(binary: &Path, url: &str, data_dir: &Path, github: SocketAddr) -> Result<Child, Failure> {
    let mut command = command(binary, url, data_dir, 0);
    command
        .env("ASSAY_GITHUB__CLIENT_ID", "bench")
        .env("ASSAY_GITHUB__CLIENT_SECRET", "bench")
        .env("ASSAY_GITHUB__WEB_BASE", format!("http://{github}"))
        .env("ASSAY_GITHUB__API_BASE", format!("http://{github}/api"));
    Ok(command.arg("worker").kill_on_drop(true).spawn()?)
}

/// A running service.
pub struct Service {
    child: Child,
    pid: u32,
    port: u16,
}

impl Service {
    /// Starts it and waits until it is ready.
    pub async fn start(binary: &Path, url: &str, data_dir: &Path, worker: bool) -> Result<Self, Failure> {
        let worker = ("ASSAY_SERVER__WORKER", worker.to_string());
        Self::start_with(binary, url, data_dir, &[worker]).await
    }

    /// The same with some settings.
    pub async fn start_with(
        binary: &Path,
        url: &str,
        data_dir: &Path,
        settings: &[(&str, String)],
    ) -> Result<Self, Failure> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = command(binary, url, data_dir, port);
        let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
        let child = command.envs(settings).arg("serve").kill_on_drop(true).spawn()?;
        let pid = child.id().ok_or("the service ended at once")?;
        let service = Self { child, pid, port };
        for _ in 0..600 {
            if service.is_ready().await {
                return Ok(service);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the service did not become ready".into())
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address()).await else { return false };
        let request = b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n";
        let mut answer = Vec::new();
        stream.write_all(request).await.is_ok()
            && stream.read_to_end(&mut answer).await.is_ok()
            && answer.starts_with(b"HTTP/1.1 200")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Stops it.
    pub async fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").arg(self.pid.to_string()).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}
