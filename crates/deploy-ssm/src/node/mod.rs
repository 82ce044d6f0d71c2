//! What runs on the node: the shell scripts, the command that carries them there, and what they answer.
//!
//! A command unpacks the scripts into a temporary folder and runs them. For a deployment they check the package, start a
//! unit of its own (by `systemd-run`, or `setsid` where there is no systemd) and wait for its result: the unit goes on
//! whatever becomes of the command, of the agent, and of the caller. All state is in `STATE_DIR/APP` on the node, readable
//! by root only (kept bundles hold their Secrets): `current`, `history.jsonl`, `bundles/NUMBER`, `runs/ID`, `unpruned` (what could not
//! be deleted). An id is used once: one that was refused, or cancelled before it began, has ended.
//!
//! | file | what |
//! | --- | --- |
//! | `node.sh`, `base.sh` | parameters and verbs; what every part needs |
//! | `obtain.sh`, `start.sh` | the command: get and check the package, start the unit, wait |
//! | `deploy.sh` | the unit: one deployment to its end |
//! | `apply.sh`, `follow.sh`, `undo.sh`, `finish.sh` | its steps |
//! | `ask.sh` | `status`, `history`, `show`, `fail`, `diagnose`, `health`, `sweep` |
//!
//! ```
//! use deploy_ssm::node::{Request, Verb, parse_answer};
//!
//! let commands = Request::new(Verb::History, "shop")?.commands()?;
//! assert!(commands.iter().all(|line| !line.contains('\n')));
//!
//! let answer = r#"deploy-ssm/1 {"app":"shop","current":7,"kept":[6,7],"entries":[]}
//! "#;
//! let history: deploy_ssm::node::History = parse_answer(answer)?.0;
//! assert_eq!(history.current, Some(7));
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod answers;
mod command;
mod payload;
mod report;
mod request;
#[doc(hidden)]
pub mod rules;

pub use answers::{
    Diagnosis, Disk, Entry, Health, History, Memory, NodeState, PodState, RunState, Show, State,
    Status as NodeStatus, Sweep, WarningEvent,
};
pub use command::MAX_REQUEST;
pub use report::{Cause, Left, Report, RunStatus, Undo, Written, parse_answer, parse_report};
pub use request::{Request, Source, Validate, Verb};
