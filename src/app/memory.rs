//! How a process takes its memory, and gives back what it no longer needs.

// The allocator is linked wherever this is.
use mimalloc as _;

/// Takes pages of the usual size only, from here on and in child processes. mimalloc asks for transparent huge pages;
/// where the system grants them, each small thing that outlives the start keeps two megabytes.
pub fn usual_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_thp_disable(true) {
        tracing::debug!(%error, "transparent huge pages stay");
    }
}

/// Gives back to the system what this thread has freed: mimalloc keeps freed pages for the next allocation, which is
/// right while requests are served, and not after a start.
#[allow(unsafe_code)]
pub fn give_back() {
    unsafe extern "C" {
        fn mi_collect(force: bool);
    }
    // SAFETY: it takes no pointer, may be called by any thread at any time, and frees nothing that is in use.
    unsafe { mi_collect(true) }
}
