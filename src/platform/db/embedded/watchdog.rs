//! A throw-away cluster does not outlive its owner, however the owner ends.
//!
//! A small shell process reads from a pipe whose other end only we hold. A line means that the cluster is already
//! stopped; end of file without one means that the owner is gone (a test binary never drops its statics, and nobody
//! runs anything after `kill -9`), and the shell stops the postmaster and removes the folders.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use super::error::EmbeddedError;
use super::layout::Layout;

/// `$1` is the data folder of PostgreSQL, the rest are the folders to remove. The working directory of a postmaster is
/// its data folder, so a recycled process id is recognised where there is `/proc`.
const SCRIPT: &str = r#"
trap '' INT HUP
if read -r _; then exit 0; fi
pgdata=$1
shift
pid_file=$pgdata/postmaster.pid
if [ -d "$pgdata" ] && [ ! -f "$pid_file" ]; then sleep 1; fi
if [ -f "$pid_file" ]; then
    pid=$(head -n 1 "$pid_file")
    if [ ! -d /proc/self ] || [ "/proc/$pid/cwd" -ef "$pgdata" ]; then
        kill -INT "$pid"
        n=0
        while [ -f "$pid_file" ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done
        if [ -f "$pid_file" ]; then kill -QUIT "$pid"; sleep 5; fi
    fi
fi
rm -rf -- "$@" || { sleep 1; rm -rf -- "$@"; }
"#;

/// The shell that waits for our end.
#[derive(Debug)]
pub(super) struct Watchdog {
    shell: Child,
}

impl Watchdog {
    /// Starts watching: from here on the folders of the cluster are removed when we end.
    pub(super) fn spawn(layout: &Layout) -> Result<Self, EmbeddedError> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "assay-watchdog"])
            .arg(&layout.pgdata)
            .args(layout.folders())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(EmbeddedError::io("run", "/bin/sh".as_ref()))?;
        Ok(Self { shell })
    }

    /// Tells it that the cluster is stopped and there is nothing left to do.
    pub(super) fn release(mut self) {
        if let Some(pipe) = self.shell.stdin.as_mut() {
            let _gone_already = pipe.write_all(b"stopped\n");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _gone_already = self.shell.wait();
    }
}
