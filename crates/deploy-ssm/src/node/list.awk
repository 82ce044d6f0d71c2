# Reads what `kubectl … -o json` prints (objects alone or in a List, one key a line, four spaces a level) while `part`
# is "json", and calls `object()` at the end of each, with apiVersion, kind, group, namespace, name, rv and lines[1..count].
function word(line) {
    sub(/^[^:]*: "/, "", line)
    sub(/",?$/, "", line)
    return line
}

function begin() {
    count = meta = 0
    apiVersion = kind = group = namespace = name = rv = ""
}

part == "json" {
    match($0, /^ */)
    indent = RLENGTH
    if (indent == 0 && $0 == "{") {
        base = 0
        begin()
    } else if (indent == 4 && base == 0 && /^    "items": \[/) {
        base = 8
        next
    } else if (base == 8 && indent == 8 && /^ *\{$/) begin()
    lines[++count] = substr($0, base + 1)
    depth = indent - base
    if (depth == 4) {
        meta = /^ *"metadata": \{$/
        if (/^ *"apiVersion": "/) {
            apiVersion = word($0)
            if (apiVersion ~ /\//) {
                group = apiVersion
                sub(/\/.*/, "", group)
            }
        } else if (/^ *"kind": "/) kind = word($0)
    } else if (depth == 8 && meta) {
        if (/^ *"namespace": "/) namespace = word($0)
        else if (/^ *"name": "/) name = word($0)
        else if (/^ *"resourceVersion": "/) {
            rv = word($0)
            sub(/: ".*"/, ": \"\"", lines[count])
        } else if (/^ *"uid": "/) sub(/: ".*"/, ": \"\"", lines[count])
    } else if (depth == 0 && /^ *\},?$/) {
        sub(/,$/, "", lines[count])
        if (kind != "") object()
        begin()
    }
}
