//! The binary: reads the command line and calls the application.

/// A request makes some hundred small allocations (`docs/PERFORMANCE.md` has the difference).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    assay::app::cli::main()
}
