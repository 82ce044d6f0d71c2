//! Programs that others wrote (helm, kubectl, trivy, a credential helper), run for the adapters of the `deploy-core` engine.
//!
//! There is no shell: an argument is what it is. Time and output are bounded. A program is killed when what waits for it is dropped.
//!
//! ```
//! use std::time::Duration;
//!
//! use deploy_program::Program;
//!
//! # #[cfg(unix)]
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let ran = Program::new("cat").timeout(Duration::from_secs(10)).input("4f1c2d9").run(&["-"]).await?;
//! assert!(ran.success());
//! assert_eq!(ran.out, b"4f1c2d9");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod output;
mod program;
mod tool;
mod version;

pub use program::{MAX_OUTPUT, Program, Ran};
pub use tool::Tool;
pub use version::Version;
