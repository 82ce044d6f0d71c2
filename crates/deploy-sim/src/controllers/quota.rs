//! ResourceQuotas: what is used of them, told in their status (`pkg/controller/resourcequota`).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::write_status;
use crate::quota;
use crate::state::State;

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    for quota in state.objects("resourcequotas.", None) {
        let used: Map<String, Value> = quota::used(state, &quota)
            .into_iter()
            .map(|(name, amount)| (name, amount.canonical().into()))
            .collect();
        let hard = quota["spec"].get("hard").cloned().unwrap_or_else(|| json!({}));
        write_status(state, &quota, json!({"hard": hard, "used": used}));
    }
    None
}
