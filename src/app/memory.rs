//! What the allocator keeps.

// The allocator is linked wherever this is.
use mimalloc as _;

/// Gives back to the system what this thread has freed. mimalloc keeps freed pages for the next allocation, which is
/// right while requests are served; after a start they are tens of megabytes of the description of the API, which each
/// HTTP thread's registration of its routes makes and drops.
#[allow(unsafe_code)]
pub fn give_back() {
    unsafe extern "C" {
        fn mi_collect(force: bool);
    }
    // SAFETY: it takes no pointer, may be called by any thread at any time, and frees nothing that is in use.
    unsafe { mi_collect(true) }
}
