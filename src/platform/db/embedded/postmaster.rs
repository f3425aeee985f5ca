//! The server process: `initdb`, start, readiness and stop, and the one that a killed owner left behind.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::binaries::Binaries;
use super::deadline::Deadline;
use super::error::EmbeddedError;
use super::layout::{Layout, SOCKET_NAME};
use super::{Options, USER};

const START_PATIENCE: Duration = Duration::from_secs(60);
/// A fast shutdown ends the sessions and writes a checkpoint.
const FAST_PATIENCE: Duration = Duration::from_secs(30);
/// An immediate one kills its children itself after 5 s.
const IMMEDIATE_PATIENCE: Duration = Duration::from_secs(10);
/// A log longer than this is put aside at the next start.
const LOG_BYTES: u64 = 16 * 1024 * 1024;

/// The running server, our child.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
}

impl Postmaster {
    /// Starts the server and waits until it takes connections. The lock of the data folder is held by the caller.
    pub(super) fn start(
        layout: &Layout,
        binaries: &Binaries,
        options: &Options,
    ) -> Result<Self, EmbeddedError> {
        let deadline = Deadline::after(START_PATIENCE);
        stop_orphan(layout)?;
        loop {
            let (log, offset) = open_log(&layout.log())?;
            let mut postmaster = Self::spawn(layout, binaries, options, log)?;
            let reason = match postmaster.wait_ready(layout, deadline) {
                Ok(()) => return Ok(postmaster),
                Err(reason) => reason,
            };
            let tail = log_since(&layout.log(), offset);
            // The sessions of a killed postmaster need a moment to notice, and until then its memory is in use.
            if tail.contains("is still in use") && !deadline.passed() {
                deadline.pause();
                continue;
            }
            let _best_effort = postmaster.stop();
            return Err(EmbeddedError::Start { reason, log: layout.log(), tail: last_lines(&tail) });
        }
    }

    fn spawn(
        layout: &Layout,
        binaries: &Binaries,
        options: &Options,
        log: File,
    ) -> Result<Self, EmbeddedError> {
        let program = binaries.bin_dir.join("postgres");
        let mut command = layout.account.command(&program, &layout.home);
        command.arg("-D").arg(&layout.pgdata).arg("-k").arg(&layout.socket_dir).args(["-p", "5432"]);
        for setting in settings(options.durable) {
            command.args(["-c", setting]);
        }
        let errors = log.try_clone().map_err(EmbeddedError::io("open", &layout.log()))?;
        command.stdout(Stdio::from(log)).stderr(Stdio::from(errors));
        Ok(Self { child: command.spawn().map_err(EmbeddedError::io("run", &program))? })
    }

    fn wait_ready(&mut self, layout: &Layout, deadline: Deadline) -> Result<(), String> {
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended at once, {status}"));
            }
            if pid_file(&layout.pgdata).is_some_and(|file| file.pid == self.pid() && file.ready)
                && accepts_connections(&layout.socket_dir)
            {
                return Ok(());
            }
            if deadline.passed() {
                return Err(format!("it was not ready after {} s", START_PATIENCE.as_secs()));
            }
            deadline.pause();
        }
    }

    /// The process id of the server.
    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Whether the server process is still there.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Shuts the server down and waits for its end.
    pub(super) fn stop(&mut self) -> Result<(), EmbeddedError> {
        let pid = self.pid();
        shut_down(pid, || !self.is_alive())
    }
}

/// Makes the cluster in a sibling folder and moves it to its place, so that there never is half a cluster.
pub(super) fn initdb(layout: &Layout, binaries: &Binaries, durable: bool) -> Result<(), EmbeddedError> {
    let entries = fs::read_dir(&layout.home).map_err(EmbeddedError::io("read", &layout.home))?;
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"data.init-") {
            let _left_by_a_killed_start = fs::remove_dir_all(entry.path());
        }
    }
    if layout.pgdata.exists() && fs::remove_dir(&layout.pgdata).is_err() {
        return Err(EmbeddedError::folder(
            &layout.pgdata,
            "it is not empty and holds no cluster (no PG_VERSION)",
        ));
    }
    let fresh = layout.home.join(format!("data.init-{}", std::process::id()));
    let program = binaries.bin_dir.join("initdb");
    let mut detail = String::new();
    // Order by code point, upper and lower case of all of Unicode; some systems have no C.UTF-8 and get plain C.
    for locale in ["C.UTF-8", "C"] {
        let mut command = layout.account.command(&program, &layout.home);
        command
            .arg("-D")
            .arg(&fresh)
            .args(["-U", USER, "--auth=trust", "--encoding=UTF8", "--no-instructions"])
            .arg(format!("--locale={locale}"));
        if binaries.version.major >= 17 {
            command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]);
        }
        if !durable {
            command.arg("--no-sync");
        }
        let output = command.output().map_err(EmbeddedError::io("run", &program))?;
        if output.status.success() {
            fs::rename(&fresh, &layout.pgdata).map_err(EmbeddedError::io("rename", &fresh))?;
            if durable {
                File::open(&layout.home)
                    .and_then(|dir| dir.sync_all())
                    .map_err(EmbeddedError::io("sync", &layout.home))?;
            }
            return Ok(());
        }
        let _may_be_missing = fs::remove_dir_all(&fresh);
        detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if !detail.contains("locale") {
            break;
        }
    }
    Err(EmbeddedError::Init { detail })
}

/// Whether a server listens in this folder.
pub(super) fn accepts_connections(socket_dir: &Path) -> bool {
    UnixStream::connect(socket_dir.join(SOCKET_NAME)).is_ok()
}

/// Ends a postmaster that still runs on the folder because its owner was killed. We do not adopt it: it may run with
/// other settings or from other binaries. Then removes what would keep a new one from starting.
fn stop_orphan(layout: &Layout) -> Result<(), EmbeddedError> {
    let Some(file) = pid_file(&layout.pgdata) else { return Ok(()) };
    if is_postmaster_of(file.pid, &layout.pgdata) {
        tracing::warn!(pid = file.pid.as_raw(), "stopping the PostgreSQL that a killed process left behind");
        shut_down(file.pid, || !is_postmaster_of(file.pid, &layout.pgdata))?;
    }
    // PostgreSQL takes any living process with the id in its lock files for its predecessor, also an unrelated one
    // that got the id later. This costs no safety: the shared memory of sessions that still run is found by the
    // inode of the data folder.
    let socket = layout.socket();
    for stale in [layout.pgdata.join("postmaster.pid"), socket.with_added_extension("lock"), socket] {
        let _may_be_missing = fs::remove_file(stale);
    }
    Ok(())
}

fn shut_down(pid: Pid, mut gone: impl FnMut() -> bool) -> Result<(), EmbeddedError> {
    for (signal, patience) in [(Signal::SIGINT, FAST_PATIENCE), (Signal::SIGQUIT, IMMEDIATE_PATIENCE)] {
        if gone() {
            return Ok(());
        }
        match kill(pid, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => {
                return Err(EmbeddedError::io("signal process", pid.to_string().as_ref())(errno.into()));
            }
        }
        if Deadline::after(patience).wait_until(&mut gone) {
            return Ok(());
        }
        tracing::warn!(pid = pid.as_raw(), %signal, "PostgreSQL did not stop in time");
    }
    Err(EmbeddedError::Stop { pid: pid.as_raw() })
}

/// Whether this process is a living postmaster of that folder: its working directory is its data folder.
fn is_postmaster_of(pid: Pid, pgdata: &Path) -> bool {
    if Path::new("/proc/self/cwd").exists() {
        // A zombie has no working directory any more.
        return fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == pgdata);
    }
    let output = std::process::Command::new("ps")
        .args(["-o", "stat=,command=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .output();
    output.is_ok_and(|output| {
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        !line.trim_start().starts_with('Z') && line.contains("postgres")
    })
}

/// The first and the last line of `postmaster.pid`.
struct PidFile {
    pid: Pid,
    ready: bool,
}

fn pid_file(pgdata: &Path) -> Option<PidFile> {
    let text = fs::read_to_string(pgdata.join("postmaster.pid")).ok()?;
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    // Zero and negative numbers would signal whole process groups.
    (pid > 1).then(|| PidFile {
        pid: Pid::from_raw(pid),
        ready: text.lines().nth(7).is_some_and(|s| s.trim() == "ready"),
    })
}

/// What the command line sets, over `postgresql.conf`.
fn settings(durable: bool) -> impl Iterator<Item = &'static str> {
    const ALWAYS: &[&str] = &[
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "max_connections=200",
        "timezone=UTC",
        "log_timezone=UTC",
        "logging_collector=off",
        "log_destination=stderr",
        "log_line_prefix=%m [%p] %d ",
        "jit=off",
    ];
    // Taken from the machine as it is used. A market of 10^6 projects stays in it while it is searched.
    const DURABLE: &[&str] = &["shared_buffers=512MB"];
    const THROW_AWAY: &[&str] = &[
        "shared_buffers=128MB",
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "log_checkpoints=off",
    ];
    ALWAYS.iter().chain(if durable { DURABLE } else { THROW_AWAY }).copied()
}

/// Opens the log for appending; also returns its length.
fn open_log(path: &Path) -> Result<(File, u64), EmbeddedError> {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.len() > LOG_BYTES) {
        let _kept_as_one_long_log = fs::rename(path, path.with_added_extension("1"));
    }
    let file = File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)
        .map_err(EmbeddedError::io("open", path))?;
    let length = file.metadata().map_err(EmbeddedError::io("look at", path))?.len();
    Ok((file, length))
}

fn log_since(path: &Path, offset: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let _as_much_as_there_is =
            file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(1 << 20).read_to_end(&mut bytes));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}
