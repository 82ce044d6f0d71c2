//! Parameter Store in memory.

use serde_json::Value;

/// The parameters of the emulated account.
#[derive(Debug, Default)]
pub(super) struct Parameters {}

impl Parameters {
    /// Answers one operation of Parameter Store, or says the type and the message of the error.
    #[expect(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "the emulator's interface")]
    pub(super) fn answer(&mut self, operation: &str, _input: &Value) -> Result<Value, (String, String)> {
        Err(("UnknownOperationException".into(), format!("there is no operation {operation}")))
    }
}
