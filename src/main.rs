//! The binary: reads the command line and calls the application.

fn main() -> std::process::ExitCode {
    assay::app::cli::main()
}
