//! What every sandbox is: a small HTTP server on a thread of its own.

use std::io;
use std::sync::mpsc;
use std::thread;

use actix_web::dev::{Server, ServerHandle};

/// Runs the server that `make` makes on a thread of that name, until its handle stops it.
///
/// # Errors
/// When the thread cannot be started, or the server not be made.
pub fn run(
    name: &'static str,
    make: impl FnOnce() -> io::Result<Server> + Send + 'static,
) -> io::Result<ServerHandle> {
    let (tell, told) = mpsc::channel();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            match make() {
                Ok(server) => {
                    let _ = tell.send(Ok(server.handle()));
                    if let Err(error) = server.await {
                        tracing::error!(%error, name, "a sandbox ended");
                    }
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                }
            }
        });
    })?;
    told.recv().map_err(io::Error::other)?
}
