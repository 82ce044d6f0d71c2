//! A cluster whose components never come to rest.

use serde_json::{Value, json};

use super::world::World;
use crate::component::CONTROLLER_MANAGER;
use crate::controllers::{Agenda, Component, Everything, Only, settle_all};

#[test]
fn who_never_rests_is_named() {
    const COMPONENTS: [Component; 2] = [
        Component { name: "the idle one", sync: |_| None, reads: Only(&["pods."]) },
        Component {
            name: "the busy one",
            sync: |state| {
                let map = state.objects("configmaps.", None).remove(0);
                let turn = |map: &mut Value| map["data"]["turn"] = map["metadata"]["resourceVersion"].clone();
                CONTROLLER_MANAGER.change(state, &map, None, turn).unwrap();
                None
            },
            reads: Everything,
        },
    ];
    let mut world = World::new();
    world.create(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}),
    );
    world.state.agenda = Agenda::default();
    assert_eq!(
        settle_all(&COMPONENTS, 100, &mut world.state).unwrap_err(),
        "the busy one never came to rest"
    );
}
