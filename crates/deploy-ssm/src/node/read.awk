# kubectl's pretty JSON, one key a line, as facts. V[o, pointer] is a token of object o: a string keeps its first quote and its escapes, so
# that it can be written as JSON again; N[o, pointer] is a list's length. TX[o] is the text of its pod template without the hash.
# Needs LC_ALL=C. What is no such JSON sets `broken`, and then nothing is concluded.

BEGIN {
    now = sprintf("%.3f", now) + 0
    Q = "\\\""
    hex = "[0-9a-fA-F]"
    STRING = "\"([^\"\\\\" sprintf("%c", 1) "-" sprintf("%c", 31) "]|\\\\([\"\\\\/bfnrt]|u" hex hex hex hex "))*\""
    ALONE = "^" STRING "$"
    KEYED = "^" STRING ": "
    dull("managedFields env envFrom command args ports resources allocatedResources securityContext livenessProbe startupProbe readinessProbe lifecycle volumeMounts volumeDevices tolerations affinity topologySpreadConstraints matchLabels template")
    while ((getline line < targets) > 0) TARGET[++targets_n] = line
    while (state != "" && (getline line < state) > 0) remember(line)
}

function dull(list, i, n, w) { n = split(list, w, " "); for (i = 1; i <= n; i++) DULL[w[i]] = 1 }

{
    if (broken || !(i = match($0, /[^ ]/))) next
    c = substr($0, i, 1)
    e = length($0)
    if (substr($0, e, 1) == ",") e--
    l = substr($0, e, 1)
    if (quiet) {
        if (c == "}" || c == "]") D--
        else if (l == "{" || l == "[") D++
        if (grab && !(D == quiet + 2 && index($0, "\"pod-template-hash\": ") == i)) TX[o] = TX[o] "\n" substr($0, 1, e)
        if (D < quiet) quiet = grab = 0
        next
    }
    if (c == "}" || c == "]") { shut(c); next }
    if (D && OPEN[D] == "{") {
        k = index($0, "\": ")
        if (index(substr($0, i, k - i), "\\")) k = match(substr($0, i), KEYED) ? i + RLENGTH - 3 : 0
        if (c != "\"" || k <= i) { broken = 1; next }
        key = substr($0, i + 1, k - i - 1)
        p = PATH[D] "/" key
        i = k + 3
    } else {
        key = ""
        p = PATH[D] "/" AT[D]++
    }
    v = substr($0, i, e - i + 1)
    if (v == "{" || v == "[") opened(v)
    else if (v ~ /^"/) {
        if (v !~ ALONE) broken = 1
        else V[o, p] = substr(v, 1, length(v) - 1)
    } else if (v ~ /^(-?[0-9][0-9.eE+-]*|true|false|null|\{\}|\[\])$/) V[o, p] = v
    else broken = 1
    if (!D) broken = 1
}

# An item of a list is an object of its own; what is not a list is one.
function opened(v) {
    if (++D > 64) broken = 1
    OPEN[D] = v
    AT[D] = 0
    if (D == 1) { root = o = ++objects; PATH[D] = ""; return }
    if (D == 3 && listed) { o = ++objects; PATH[D] = ""; return }
    if (D == 2 && p == "/items") listed = 1
    V[o, p] = v
    PATH[D] = p
    if (key in DULL) { quiet = D; grab = p == "/spec/template" }
}

function shut(c) {
    if (!D || (OPEN[D] == "{") != (c == "}")) { broken = 1; return }
    if (c == "]") N[o, PATH[D]] = AT[D] < 1000 ? AT[D] : 1000
    if (D == 3 && listed) { registered(o); o = root }
    if (D == 2) listed = 0
    if (D == 1 && val(o, "/kind") !~ /List$/) registered(o)
    D--
}

# A string, or nothing; a whole number, or nothing; a count.
function val(o, p) { return substr(V[o, p], 1, 1) == "\"" ? substr(V[o, p], 2) : "" }
function int_(o, p) { return V[o, p] ~ /^-?[0-9]+$/ ? V[o, p] + 0 : "" }
function count(o, p) { return V[o, p] ~ /^[0-9]+$/ ? V[o, p] + 0 : 0 }
function flag(o, p) { return V[o, p] == "true" }
function has(o, p) { return V[o, p] != "" && V[o, p] != "null" }

function registered(o, api, kind, name, i) {
    api = val(o, "/apiVersion"); kind = val(o, "/kind"); name = val(o, "/metadata/name")
    if (api == "" || kind == "" || name == "") return
    group = api ~ /\// ? substr(api, 1, match(api, /\/[^\/]*$/) - 1) : ""
    if (kind == "Event" && (group == "" || group == "events.k8s.io")) { event(o, name); return }
    KIND[o] = kind; GROUP[o] = group; NAME[o] = name; SPACE[o] = val(o, "/metadata/namespace")
    ID[group, kind, SPACE[o], name] = o
    UID[o] = val(o, "/metadata/uid")
    HELD[UID[o]] = 1
    KEY[o] = group "/" kind "/" SPACE[o] "/" name "/" UID[o]
    for (i = 0; i < N[o, "/metadata/ownerReferences"] && i < 16; i++) {
        owner = val(o, "/metadata/ownerReferences/" i "/uid")
        if (owner == "") continue
        HELD[owner] = 1
        OWNERS[o] = OWNERS[o] " " owner
        OWNED[owner] = sorted(OWNED[owner], o)
    }
    ALL[++all] = o
}

# A list of objects by kind and name, with one more; kubectl lists them so already.
function sorted(list, o, n, i, a, out) {
    n = split(list, a, " ")
    if (!n || KIND[a[n]] " " NAME[a[n]] <= KIND[o] " " NAME[o]) return list " " o
    for (i = n; i >= 1 && KIND[a[i]] " " NAME[a[i]] > KIND[o] " " NAME[o]; i--) out = " " a[i] out
    out = " " o out
    for (; i >= 1; i--) out = " " a[i] out
    return out
}

# The place of a condition.
function condition(o, type, i) {
    for (i = 0; i < N[o, "/status/conditions"]; i++)
        if (V[o, "/status/conditions/" i "/type"] == "\"" type) return "/status/conditions/" i
    return ""
}

# Seconds since 1970 of a time in UTC, by Fliegel and Van Flandern's formula; nothing of what is none.
function epoch(t, y, m, d, a) {
    if (t !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9](\.[0-9]+)?Z$/) return ""
    y = substr(t, 1, 4); m = substr(t, 6, 2); d = substr(t, 9, 2)
    a = int((m - 14) / 12)
    d += int(1461 * (y + 4800 + a) / 4) + int(367 * (m - 2 - 12 * a) / 12) - int(3 * int((y + 4900 + a) / 100) / 4) - 32075 - 2440588
    return d * 86400 + substr(t, 12, 2) * 3600 + substr(t, 15, 2) * 60 + substr(t, 18, length(t) - 18)
}

# The first `max` characters, the last of them `…` if more were there. Knows of escapes and of UTF-8.
function clip(t, max, i, n, cut, c) {
    if (length(t) <= max) return t
    for (i = 1; i <= length(t); i++) {
        c = substr(t, i, 1)
        if (c >= "\200" && c < "\300") continue
        if (++n == max) cut = i
        if (n > max) return substr(t, 1, cut - 1) "\342\200\246"
        if (c == "\\") i += substr(t, i + 1, 1) == "u" ? 5 : 1
    }
    return t
}

function whole(n) { return sprintf("%.0f", n) }
function number(n) { return n == "" ? "" : sprintf("%.3f", n) }
