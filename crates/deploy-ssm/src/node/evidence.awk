# What explains a failure, out of the last poll. With mode=logs it prints which logs to fetch: `L`, namespace, pod, container, previous (0 or 1).
# With mode=evidence it prints deploy_core's `Evidence` as JSON, with the logs from the files NAMESPACE_POD_CONTAINER_PREVIOUS of the folder
# `logs`. What the judge printed stands in the file `verdicts`: what is healthy needs no explanation. Needs json.awk.

END { if (mode != "") gathered() }

function gathered(i, a, t) {
    if (D || !objects) gap("the cluster's answer could not be read")
    while (verdicts != "" && (getline line < verdicts) > 0) if (split(line, a, "\t") > 5 && a[1] == "V") VERDICT[a[2]] = line
    for (i = 1; i <= targets_n; i++) {
        split(TARGET[i], t, "\t")
        if (!split(VERDICT[i], a, "\t")) split("V\t\t\t\t-\t-", a, "\t")
        J = ID[t[5], t[4], t[6], t[7]] + 0
        if (J && a[3] != "healthy" && !broken) explain(a[3] == "failed" ? a[4] : "", a[3] == "failed" ? a[5] : a[6])
    }
    if (mode == "evidence") print "{\"pods\":[" told_pods "],\"events\":[" told_events "],\"gaps\":[" gaps "]}\n"
}

function gap(words) { gaps = gaps (gaps == "" ? "" : ",") "\"" words "\"" }

# The pods of the new revision that are not ready, and the warnings about the object and all that it owns.
function explain(words, failed_, list, set, n, a, i, k, told, because) {
    if (KIND[J] == "Pod") list = J
    else if (KIND[J] == "Deployment") { set = new_replica_set(); list = set ? pods(set) : "" }
    else if (KIND[J] == "StatefulSet") list = new_stateful_pods()
    else if (KIND[J] == "DaemonSet") list = new_daemon_pods()
    else list = pods(J)
    n = split(list, a, " ")
    for (i = 1; i <= n; i++) {
        IS_NEW[J, NAME[a[i]]] = 1
        k = condition(a[i], "Ready")
        if (told == 3 || pods_told == 10 || (k != "" && val(a[i], k "/status") == "True")) continue
        told++
        told_pods = told_pods (pods_told++ ? "," : "") pod_told(a[i], index(failed_, "\"pod\":\"" NAME[a[i]] "\"") ? words : "")
    }
    because = match(failed_, /"message":"([^"\\]|\\.)+"[}]$/) ? substr(failed_, RSTART + 11, RLENGTH - 13) : ""
    tell_events(n, because)
}

function pod_told(o, words, state_, k, i, out) {
    state_ = val(o, "/status/phase")
    k = val(o, "/status/message")
    for (i = 0; i < N[o, "/status/conditions"]; i++)
        if (val(o, "/status/conditions/" i "/reason") == "Unschedulable") { k = val(o, "/status/conditions/" i "/message"); break }
    state_ = joined(joined(joined(state_, val(o, "/status/reason")), k), words)
    for (i = 0; i < N[o, "/spec/initContainers"]; i++) out = out container_told(o, "/spec/initContainers/" i, "/status/initContainerStatuses")
    for (i = 0; i < N[o, "/spec/containers"]; i++) out = out container_told(o, "/spec/containers/" i, "/status/containerStatuses")
    return "{\"namespace\":\"" SPACE[o] "\",\"name\":\"" NAME[o] "\",\"state\":\"" clip(state_, 2048) "\",\"containers\":[" substr(out, 2) "]}"
}

function joined(a, b) { return a (a == "" || b == "" ? "" : ": ") b }

function container_told(o, p, list, c, i, st, state_, log_, before, restarts) {
    c = val(o, p "/name")
    state_ = "not started"
    for (i = 0; i < N[o, list] && st == ""; i++) if (val(o, list "/" i "/name") == c) st = list "/" i
    if (st != "") {
        if (has(o, st "/state/waiting")) state_ = joined("waiting: " val(o, st "/state/waiting/reason"), val(o, st "/state/waiting/message"))
        else if (has(o, st "/state/terminated"))
            state_ = "terminated: exit code " whole(int_(o, st "/state/terminated/exitCode") + 0) " (" val(o, st "/state/terminated/reason") ")"
        else if (has(o, st "/state/running")) state_ = "running"
        restarts = int_(o, st "/restartCount") + 0
        if (has(o, st "/state/running") || has(o, st "/state/terminated") || has(o, st "/lastState/terminated")) log_ = tail(o, c, 0)
        if (restarts > 0) before = tail(o, c, 1)
    }
    return ",{\"name\":\"" c "\",\"image\":\"" val(o, p "/image") "\",\"ready\":" (st != "" && flag(o, st "/ready") ? "true" : "false") ",\"restarts\":" \
        whole(restarts) ",\"state\":\"" clip(state_, 2048) "\",\"log\":[" log_ "],\"previousLog\":[" before "]}"
}

# The last lines of a log, or what asks for it.
function tail(o, c, previous, file, n, i, last_, out, got) {
    if (mode == "logs") { print "L\t" SPACE[o] "\t" NAME[o] "\t" c "\t" previous "\n"; return "" }
    file = logs "/" SPACE[o] "_" NAME[o] "_" c "_" previous
    while ((got = (getline line < file)) > 0) last_[++n % 20] = line
    close(file)
    if (got < 0) gap("no log of container " c " of pod " SPACE[o] "/" NAME[o])
    for (i = n > 20 ? n - 19 : 1; i <= n; i++) {
        line = last_[i % 20]
        out = out ",\"" esc(substr(line, 1, 1000)) (length(line) > 1000 ? "\342\200\246" : "") "\""
    }
    return substr(out, 2)
}

# Those that explain the failure first, and last those that pods of older revisions met too.
function tell_events(fresh, because, uids, n, u, k, m, a, done, e, usual, pass, rank) {
    n = split(UID[J], u, " ")
    for (k = 1; k <= n; k++) {
        if (u[k] in done) continue
        done[u[k]] = 1
        for (m = split(EVENTS[u[k]], a, " "); m >= 1; m--) if (WARNS[a[m]]) uids = " " a[m] uids
        for (m = split(OWNED[u[k]], a, " "); m >= 1; m--) if (UID[a[m]] != "") u[++n] = UID[a[m]]
    }
    n = split(uids, a, " ")
    for (k = 1; k <= n; k++) if (is_old(a[k], fresh)) usual = usual " " val(a[k], "/reason") " "
    for (pass = 1; pass <= 3; pass++) for (k = 1; k <= n; k++) {
        e = a[k]
        if (is_old(e, fresh)) continue
        rank = because != "" && index(SAYS[e], because) ? 1 : index(usual, " " val(e, "/reason") " ") ? 3 : 2
        if (rank == pass && events_told < 50) told_events = told_events (events_told++ ? "," : "") event_told(e)
    }
}

function about(e) { return has(e, "/involvedObject") ? "/involvedObject" : "/regarding" }
function is_old(e, fresh) { return fresh && val(e, about(e) "/kind") == "Pod" && !((J, val(e, about(e) "/name")) in IS_NEW) }

function event_told(e, p, api) {
    p = about(e)
    api = val(e, p "/apiVersion")
    api = api ~ /\// ? substr(api, 1, match(api, /\/[^\/]*$/) - 1) : ""
    return "{\"object\":" object_id(api, val(e, p "/kind"), val(e, p "/namespace"), val(e, p "/name")) ",\"reason\":\"" val(e, "/reason") \
        "\",\"message\":\"" SAYS[e] "\",\"count\":" whole(COUNT[e]) "}"
}
