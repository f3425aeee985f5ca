//! CPU and memory of processes, from /proc.

use std::fs;

use crate::Failure;

/// Kernel ticks a second (USER_HZ, 100 on every Linux that this runs on).
const TICKS: f64 = 100.0;

/// What machine this is, on one line.
pub fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown CPU").to_owned();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{cores} cores, {model}; load generator, service and PostgreSQL share them.\n")
}

/// Resident memory in megabytes.
pub fn rss_mb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

/// User and system time of a process in seconds.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((_, rest)) = stat.rsplit_once(')') else { return 0.0 };
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS
}

/// The postmaster that serves a connection, and every process under it.
fn children(parent: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok())
                == Some(parent)
        })
        .collect()
}

/// Measures what the service and PostgreSQL use between two moments.
pub struct CpuMeter {
    service: Option<u32>,
    postmaster: u32,
    service_before: f64,
    postgres_before: Vec<(u32, f64)>,
}

/// What was used.
pub struct Cpu {
    service: f64,
    postgres: f64,
}

impl Cpu {
    /// Milliseconds for each request.
    pub fn per_request(&self, requests: usize) -> (f64, f64) {
        let requests = requests.max(1) as f64;
        (self.service * 1000.0 / requests, self.postgres * 1000.0 / requests)
    }
}

impl CpuMeter {
    /// Starts measuring; `service` 0 = PostgreSQL only.
    pub async fn start(service: u32, url: &str) -> Result<Self, Failure> {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        let driver = tokio::spawn(connection);
        let row = client.query_one("SELECT pg_backend_pid()", &[]).await?;
        let backend: i32 = row.get(0);
        let stat = fs::read_to_string(format!("/proc/{backend}/stat"))?;
        let postmaster = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok())
            .ok_or("the server's process is not visible")?;
        drop(client);
        driver.await??;
        Ok(Self {
            service: (service != 0).then_some(service),
            postmaster,
            service_before: if service == 0 { 0.0 } else { cpu_seconds(service) },
            postgres_before: children(postmaster).into_iter().map(|pid| (pid, cpu_seconds(pid))).collect(),
        })
    }

    /// PostgreSQL's seconds so far: processes that are new since the start count whole.
    pub fn postgres_so_far(&self) -> f64 {
        children(self.postmaster)
            .into_iter()
            .map(|pid| {
                let before = self
                    .postgres_before
                    .iter()
                    .find(|(known, _)| *known == pid)
                    .map_or(0.0, |(_, used)| *used);
                (cpu_seconds(pid) - before).max(0.0)
            })
            .sum()
    }

    /// Stops measuring.
    pub fn stop(self) -> Result<Cpu, Failure> {
        let service = self.service.map_or(0.0, |pid| cpu_seconds(pid) - self.service_before);
        Ok(Cpu { service, postgres: self.postgres_so_far() })
    }
}
