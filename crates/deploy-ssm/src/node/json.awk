# Writing JSON. Strings are bytes (LC_ALL=C): what is not UTF-8 becomes U+FFFD, so that the far side can always read it.
BEGIN {
    for (byte = 1; byte < 256; byte++) code[sprintf("%c", byte)] = byte
    ORS = ""
}

# The inside of a JSON string.
function esc(s,    out, i, n, c, b, more, second, k) {
    if (s !~ /[^ -~]/ && !index(s, "\"") && !index(s, "\\")) return s
    n = length(s)
    for (i = 1; i <= n; i++) {
        c = substr(s, i, 1)
        b = code[c]
        if (c == "\"" || c == "\\") out = out "\\" c
        else if (!(c in code) || b > 31 && b < 127) out = out c
        else if (b < 128) out = out sprintf("\\u%04x", b)
        else {
            more = b < 194 ? 0 : b < 224 ? 1 : b < 240 ? 2 : b < 245 ? 3 : 0
            for (k = 1; k <= more; k++) {
                second = code[substr(s, i + k, 1)] + 0
                if (second < 128 || second > 191) break
                # Overlong forms, surrogates, and what lies beyond Unicode.
                if (k == 1 && (b == 224 && second < 160 || b == 237 && second > 159 || b == 240 && second < 144 || b == 244 && second > 143)) break
            }
            if (more && k > more) {
                out = out substr(s, i, more + 1)
                i += more
            } else out = out "\357\277\275"
        }
    }
    return out
}

# A JSON string, or null for an empty one where `empty` is null.
function str(s, empty) {
    return s == "" && empty == "null" ? "null" : "\"" esc(s) "\""
}

# An ObjectId.
function id(group, kind, namespace, name) {
    return "{\"group\":" str(group) ",\"kind\":" str(kind) ",\"namespace\":" str(namespace, "null") ",\"name\":" str(name) "}"
}

# The same for people.
function shown(group, kind, namespace, name) {
    if (group ~ /\./ && group !~ /\.k8s\.io$/) kind = kind "." group
    return kind " " (namespace == "" ? "" : namespace "/") name
}
