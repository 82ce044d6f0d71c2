//! Objects as the rows of a table, as a terminal shows them (`as=Table`): printed by the server, with its columns.

mod cells;
mod columns;
mod custom;
mod human;
mod pod;
mod services;
mod storage;
mod workload;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::controllers::object::{at, text};
use crate::kinds::Kind;

/// What of each object stands in its row, beside the cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Included {
    Metadata,
    Object,
    Nothing,
}

/// Prints the objects of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer<'a> {
    pub(crate) kind: &'a Kind,
    /// Whether they are the scales of such objects.
    pub(crate) scale: bool,
    /// The version of the table: `meta.k8s.io/v1`.
    pub(crate) api_version: &'static str,
    pub(crate) included: Included,
    /// Ages are until then.
    pub(crate) now: Timestamp,
}

impl Printer<'_> {
    /// The table of these objects; `metadata` is that of their list.
    pub(crate) fn table<'o>(
        &self,
        metadata: &Value,
        objects: impl Iterator<Item = &'o Value>,
        with_headers: bool,
    ) -> Value {
        let custom = self.kind.definition.as_ref().map(|definition| custom::Cells::read(definition));
        let rows: Vec<Value> = objects.map(|object| self.row(object, custom.as_ref())).collect();
        let mut table = json!({"kind": "Table", "apiVersion": self.api_version, "metadata": metadata});
        table["columnDefinitions"] = if with_headers { self.columns() } else { Value::Null };
        table["rows"] = rows.into();
        table
    }

    fn columns(&self) -> Value {
        match &self.kind.definition {
            _ if self.scale => columns::of("scale"),
            Some(definition) => custom::columns(definition),
            None => columns::of(&self.kind.resource),
        }
    }

    fn row(&self, object: &Value, custom: Option<&custom::Cells>) -> Value {
        let cells = match custom {
            _ if self.scale => cells::scale(object, self.now),
            Some(columns) => columns.of(object, self.now),
            None => cells::of(&self.kind.resource, object, self.now),
        };
        let mut row = json!({"cells": cells});
        let ended = (&*self.kind.resource == "pods.").then(|| text(object, "/status/phase"));
        let message = match ended {
            Some("Succeeded") => "The pod has completed successfully.",
            Some("Failed") => "The pod failed.",
            _ => "",
        };
        if !message.is_empty() {
            row["conditions"] =
                json!([{"type": "Completed", "status": "True", "reason": ended, "message": message}]);
        }
        row["object"] = match self.included {
            Included::Nothing => Value::Null,
            Included::Metadata => metadata_of(object, self.api_version),
            Included::Object => whole(object, self.kind),
        };
        row
    }
}

/// An object's metadata as an object of its own (`as=PartialObjectMetadata`).
pub(crate) fn metadata_of(object: &Value, api_version: &str) -> Value {
    let metadata = at(object, "/metadata").cloned().unwrap_or_default();
    json!({"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": metadata})
}

/// An item of a list, which may come without its kind.
fn whole(object: &Value, kind: &Kind) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.entry("kind").or_insert_with(|| kind.kind.clone().into());
        fields.entry("apiVersion").or_insert_with(|| kind.api_version().into());
    }
    object
}

#[cfg(test)]
mod tests;
