//! Places at which a test lets a worker or a server die, to see that nothing is lost and nothing done twice. A release
//! build has nothing of it.
//!
//! - A process of its own stops (SIGSTOP) at the place whose name is in the file that `ASSAY_STOP_AT` names, and deletes
//!   the file first. The test then kills whom it likes: the process, or the database under it.
//! - In a test's own process [`watch`] is asked at each place of the thread. Where it says so, whoever came there goes
//!   no further; the test drops it, as a killed process would be.

/// Asked at each place: shall whoever came here go no further?
pub type Watch = Box<dyn Fn(&'static str) -> bool>;

#[cfg(debug_assertions)]
thread_local! {
    static WATCH: std::cell::RefCell<Option<Watch>> = const { std::cell::RefCell::new(None) };
}

/// Sets what this thread asks; none asks nobody.
pub fn watch(watch: Option<Watch>) {
    #[cfg(debug_assertions)]
    WATCH.set(watch);
    #[cfg(not(debug_assertions))]
    drop(watch);
}

/// Somebody came to that place.
pub async fn reached(place: &'static str) {
    #[cfg(debug_assertions)]
    {
        let ends = WATCH.with_borrow(|watch| watch.as_ref().is_some_and(|watch| watch(place)));
        if ends {
            std::future::pending::<()>().await;
        }
        stop_if_told(place);
    }
    #[cfg(not(debug_assertions))]
    let _nobody_asks = place;
}

#[cfg(debug_assertions)]
fn stop_if_told(place: &str) {
    static FILE: std::sync::LazyLock<Option<std::path::PathBuf>> =
        std::sync::LazyLock::new(|| std::env::var_os("ASSAY_STOP_AT").map(Into::into));
    let Some(file) = FILE.as_ref() else { return };
    let told = std::fs::read_to_string(file).is_ok_and(|text| text.trim() == place);
    // Of several that come here at once, the one that deletes the file stops.
    if told && std::fs::remove_file(file).is_ok() {
        let _goes_on_when_it_cannot = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
    }
}
