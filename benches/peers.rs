//! `xtask` beside the real kubectl and helm: see README.md.

fn main() -> std::process::ExitCode {
    deploy_benches::peers()
}
