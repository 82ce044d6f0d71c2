#!/usr/bin/env python3
"""Writes src/openapi/schemas.gz: the schemas of Kubernetes' OpenAPI v3 documents, without their descriptions and defaults that are empty.

The documents are in the Go module `k8s.io/kubernetes`:

    go mod init x && dir=$(go mod download -json k8s.io/kubernetes@v1.36.2 | jq -r .Dir)
    python3 schema/openapi.py "$dir/api/openapi-spec/v3" > src/openapi/schemas.gz

One schema a line, sorted: its name, a blank, its JSON. References are left as they are. Only stable versions are there.
"""

import gzip
import json
import pathlib
import re
import sys


def bare(schema):
    """Without descriptions; a property of that name stays. Clients read each document anew: what says nothing costs them time."""
    if isinstance(schema, list):
        return [bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: bare(below) for name, below in value.items()}
        elif key != "description" and not (key == "default" and value in ({}, "", 0, False)):
            found[key] = bare(value)
    # A reference with nothing beside it needs no list of one.
    return found["allOf"][0] if list(found) == ["allOf"] and len(found["allOf"]) == 1 else found


def main(folder):
    schemas = {}
    for path in sorted(pathlib.Path(folder).glob("*_openapi.json")):
        # apis__GROUP__VERSION, api__VERSION
        if not re.search(r"__v\d+_openapi", path.name):
            continue
        for name, schema in json.loads(path.read_text()).get("components", {}).get("schemas", {}).items():
            found = bare(schema)
            # Options and the like have a kind in each group: a document takes its own.
            kinds = found.get("x-kubernetes-group-version-kind", [])
            if len(kinds) > 1:
                found["x-kubernetes-group-version-kind"] = [kind for kind in kinds if kind["version"] == "v1"][:1]
            schemas.setdefault(name, found)
    lines = [f"{name} {json.dumps(schema, separators=(',', ':'), sort_keys=True)}\n" for name, schema in sorted(schemas.items())]
    # No time: the same input gives the same file.
    sys.stdout.buffer.write(gzip.compress("".join(lines).encode(), 9, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
