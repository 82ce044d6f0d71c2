#!/usr/bin/env python3
"""Writes src/schema/builtin.txt: how server-side apply merges the built-in types.

The truth is in Kubernetes' own OpenAPI v3 documents, which the Go module `k8s.io/kubernetes` carries:

    go mod init x && dir=$(go mod download -json k8s.io/kubernetes@v1.36.2 | jq -r .Dir)
    python3 schema/generate.py "$dir/api/openapi-spec/v3" v1.36.2 > src/schema/builtin.txt

The rules are those by which the API server turns its documents into a merge schema (k8s.io/kube-openapi, pkg/schemaconv):
a list is atomic unless `x-kubernetes-list-type` (or, without that, `x-kubernetes-patch-strategy`) says otherwise; an object
is granular unless `x-kubernetes-map-type` says otherwise; an object without any properties is free-form. Only what differs
from "objects granular, lists atomic" is written.
"""

import json
import pathlib
import sys

REF = "#/components/schemas/"
# Stands for a type that is merged as a whole.
ATOMIC = "atomic"
# Answers, options and lists: nobody applies them.
NOT_APPLIED = ("List", "Options", "WatchEvent", "Status", "APIGroup", "APIVersions", "Review")


def load(folder):
    schemas = {}
    for path in sorted(pathlib.Path(folder).glob("*_openapi.json")):
        for name, schema in json.loads(path.read_text()).get("components", {}).get("schemas", {}).items():
            schemas.setdefault(name, schema)
    return schemas


def short(name):
    for prefix in ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg."):
        if name.startswith(prefix):
            return name[len(prefix):]
    parts = name.removeprefix("io.k8s.").split(".")
    return ".".join(parts[-3:])


def reference(schema):
    """The name of the schema that this one points to, alone or inside a one-element allOf."""
    ref = schema.get("$ref") or (schema.get("allOf") or [{}])[0].get("$ref", "")
    return ref.removeprefix(REF)


class Table:
    def __init__(self, schemas):
        self.schemas = schemas
        self.types = {ATOMIC: [None]}

    def child(self, schema):
        """(words, type) of one property: words is None for what needs no line."""
        name = reference(schema)
        target = self.schemas[name] if name else schema
        if target.get("type") == "array":
            return self.array(target)
        if target.get("type", "object") != "object":
            return None, None
        if schema.get("x-kubernetes-map-type", target.get("x-kubernetes-map-type")) == "atomic":
            return "atomic", None
        # Merged as a whole wherever it stands (`__untyped_atomic_` in client-go's own schema; seen on a server).
        if name.endswith(".RawExtension"):
            return "atomic", None
        if name and target.get("properties"):
            return (":", name) if self.visit(name) else (None, None)
        values = target.get("additionalProperties")
        if isinstance(values, dict):
            below = reference(values)
            if below and self.schemas[below].get("properties"):
                return "values", self.element(below)
            return None, None
        # JSON and the like; a schema without a type (Quantity, IntOrString) is a scalar.
        return ("free", None) if target.get("type") == "object" else (None, None)

    def array(self, schema):
        kind = schema.get("x-kubernetes-list-type")
        keys = schema.get("x-kubernetes-list-map-keys", [])
        if kind is None and schema.get("x-kubernetes-patch-strategy") in ("merge", "merge,retainKeys"):
            keys = [key] if (key := schema.get("x-kubernetes-patch-merge-key")) else []
            kind = "map" if keys else "set"
        if kind == "set":
            return "set", None
        if kind != "map":
            return None, None
        item = reference(schema["items"])
        properties = self.schemas[item]["properties"]
        written = []
        for key in keys:
            default = properties[key].get("default")
            written.append(key if default is None else f"{key}={json.dumps(default)}")
        return "map " + ",".join(written), self.element(item)

    def element(self, name):
        """The type of a list's items or an object's values: None if it is all plain."""
        if self.schemas[name].get("x-kubernetes-map-type") == "atomic":
            return ATOMIC
        return name if self.visit(name) else None

    def visit(self, name):
        """Whether the type, or anything below it, differs from the default."""
        if name in self.types:
            return self.types[name] != []
        lines = self.types[name] = [None]  # a type inside itself counts until it is known not to
        found = []
        for field, schema in sorted(self.schemas[name].get("properties", {}).items()):
            words, below = self.child(schema)
            if words is not None:
                found.append((field, words, below))
        lines[:] = found
        return found != []


def zero(schemas, name):
    """The fields that a new object of the Go type has: structs that are no pointers, which have a default of {}, and what is
    required, which is never left out."""
    found = {}
    for field, schema in sorted(schemas[name].get("properties", {}).items()):
        below = reference(schema)
        if schema.get("default") == {} and below and schemas[below].get("properties"):
            found[field] = zero(schemas, below)
        elif field in schemas[name].get("required", []):
            found[field] = {"string": "", "integer": 0, "boolean": False}.get(schema.get("type"))
    return found


def main(folder, version):
    schemas = load(folder)
    table = Table(schemas)
    kinds = []
    for name, schema in schemas.items():
        for gvk in schema.get("x-kubernetes-group-version-kind", []):
            if "metadata" in schema.get("properties", {}) and not gvk["kind"].endswith(NOT_APPLIED):
                group = gvk["group"] + "/" if gvk["group"] else ""
                kinds.append((f"{group}{gvk['version']}", gvk["kind"], name))
                table.visit(name)
    # A type that turned out to be all defaults needs no mention.
    changed = True
    while changed:
        changed = False
        for lines in (lines for name, lines in table.types.items() if name != ATOMIC):
            for i, (field, words, below) in reversed(list(enumerate(lines))):
                if below and not table.types[below]:
                    changed = True
                    if words == ":":
                        del lines[i]
                    else:
                        lines[i] = (field, words, None)
    print(f"# How server-side apply merges the built-in types of Kubernetes {version}: what differs from 'objects granular, lists")
    print("# atomic'. Generated by schema/generate.py, which says from what; the words are explained in src/schema/table.rs.")
    for api_version, kind, name in sorted(kinds):
        # Nothing in these two tells a new object from none.
        new = {field: value for field, value in zero(schemas, name).items() if field not in ("metadata", "status")}
        new = " : " + json.dumps(new, separators=(",", ":")) if new else ""
        print(f"kind {api_version} {kind} {short(name)}{new}")
    reached, todo = set(), [name for _, _, name in kinds]
    todo.append("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    while todo:
        name = todo.pop()
        if name not in reached and name != ATOMIC:
            reached.add(name)
            todo.extend(below for _, _, below in table.types[name] if below)
    for name in sorted(reached, key=short):
        print(f"type {short(name)}")
        for field, words, below in table.types[name]:
            words = "struct" if words == ":" else words
            print(f"  {field} {words}" + (f" : {short(below)}" if below else ""))


if __name__ == "__main__":
    main(*sys.argv[1:])
