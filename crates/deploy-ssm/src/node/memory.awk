# What must be remembered from poll to poll: since when things are so, by our clock.

function remember(line, a) {
    split(line, a, "\t")
    S[a[1], a[2], a[3]] = line
    if (a[1] == "o") WAS[a[2]] = a[7]
    if (a[1] == "w") CHANGED[a[2]] = a[4] + 0
    if (a[1] == "k") TRACKED[a[2]] = TRACKED[a[2]] "\t" a[3]
    if (a[1] == "p") TOLD[a[2]] = TOLD[a[2]] "\t" a[3]
    if (a[1] == "u") OWNERS_OF[a[2]] = OWNERS_OF[a[2]] " " a[3]
}

function keep(line) { KEPT[++kept] = line }
function changed(owners, i, n, a) { n = split(owners, a, " "); for (i = 1; i <= n; i++) CHANGED[a[i]] = now }

# Everything that was seen in this poll, held against the state of the last.
# gawk 5.2.1 breaks where elements that split() did not make are read: hence `known`.
function observe(i, o, k, a, key, known) {
    for (i = 1; i <= all; i++) {
        o = ALL[i]
        key = KEY[o]
        LIVE[key] = 1
        known = split(S["o", key, ""], a, "\t")
        FIRST[o] = known ? a[4] + 0 : now
        generation = int_(o, "/metadata/generation")
        SINCE[o] = known && a[5] == generation "" ? a[6] + 0 : now
        READY[o] = known && a[8] != "" ? a[8] + 0 : ""
        if (!known) changed(OWNERS[o])
        else if (a[7] != OWNERS[o]) changed(a[7] OWNERS[o])
        conditions(o, key)
        if (KIND[o] == "Pod" && GROUP[o] == "") {
            track(o, key, "/status/initContainerStatuses")
            track(o, key, "/status/containerStatuses")
            recall(o, key)
            k = condition(o, "Ready")
            if (READY[o] == "" && k != "" && val(o, k "/status") == "True") READY[o] = now
            phase(o)
        }
        keep("o\t" key "\t\t" number(FIRST[o]) "\t" generation "\t" number(SINCE[o]) "\t" OWNERS[o] "\t" number(READY[o]))
    }
    for (key in WAS) if (!(key in LIVE)) changed(WAS[key])
    for (key in CHANGED) if (key in HELD) keep("w\t" key "\t\t" number(CHANGED[key]))
}

function conditions(o, key, i, p, type, status, reason, a, known) {
    for (i = 0; i < N[o, "/status/conditions"] && i < 64; i++) {
        p = "/status/conditions/" i
        type = val(o, p "/type"); status = val(o, p "/status"); reason = val(o, p "/reason")
        known = split(S["c", key, type], a, "\t")
        HAS[o, type] = known && a[4] == status && a[5] == reason ? a[6] + 0 : now
        keep("c\t" key "\t" type "\t" status "\t" reason "\t" number(HAS[o, type]))
    }
}

# A container's restarts, its run, and the bad sign that it shows: ErrImagePull and ImagePullBackOff are one.
function track(o, key, list, i, p, c, a, known, reason, running, ended, run_id, fresh) {
    for (i = 0; i < N[o, list] && i < 128; i++) {
        p = list "/" i
        c = val(o, p "/name")
        if (c == "") continue
        known = split(S["k", key, c], a, "\t")
        reason = val(o, p "/state/waiting/reason")
        running = has(o, p "/state/running")
        ended = has(o, p "/state/terminated")
        RESTARTS[o, c] = count(o, p "/restartCount")
        MEANS[o, c] = reason in WAITING ? WAITING[reason] : ""
        DOWN[o, c] = ended || (has(o, p "/state/waiting") && has(o, p "/lastState/terminated")) ? 1 : 0
        BASE[o, c] = known ? a[4] + 0 : (DOWN[o, c] ? 0 : RESTARTS[o, c])
        if (BASE[o, c] > RESTARTS[o, c]) BASE[o, c] = RESTARTS[o, c]
        UP[o, c] = running || ended ? now : (known && a[8] != "" ? a[8] + 0 : "")
        RUN[o, c] = STARTED[o, c] = run_id = ""
        if (running) {
            run_id = val(o, p "/containerID")
            if (run_id == "") run_id = val(o, p "/state/running/startedAt")
            run_id = RESTARTS[o, c] " " run_id
            RUN[o, c] = now
            if (!known) STARTED[o, c] = epoch(val(o, p "/state/running/startedAt"))
            else if (a[5] == run_id) {
                RUN[o, c] = a[6] + 0
                STARTED[o, c] = a[7] == "" ? "" : a[7] + 0
            }
        }
        if (MEANS[o, c] != "") {
            fresh = !known || a[9] != MEANS[o, c]
            SIGN[o, c] = fresh ? now : a[10] + 0
            TURNED[o, c] = fresh || a[13] != reason ? now : a[11] + 0
            PULLS[o, c] = (fresh ? 0 : a[12]) + ((fresh || a[13] != reason) && reason == "ErrImagePull")
        }
        keep("k\t" key "\t" c "\t" BASE[o, c] "\t" run_id "\t" number(RUN[o, c]) "\t" number(STARTED[o, c]) "\t" number(UP[o, c]) "\t" \
            MEANS[o, c] "\t" number(SIGN[o, c]) "\t" number(TURNED[o, c]) "\t" PULLS[o, c] "\t" reason)
    }
}

# A container that has no status any more is as it was.
function recall(o, key, i, a, c) {
    for (i = split(TRACKED[key], c, "\t"); i > 1; i--) {
        if ((o, c[i]) in MEANS) continue
        split(S["k", key, c[i]], a, "\t")
        UP[o, c[i]] = a[8] == "" ? "" : a[8] + 0
        MEANS[o, c[i]] = a[9]; SIGN[o, c[i]] = a[10] + 0; TURNED[o, c[i]] = a[11] + 0; PULLS[o, c[i]] = a[12] + 0
        keep(S["k", key, c[i]])
    }
}

# How often a container was seen to end. The kubelet backs off only after a second end, whatever we saw of it.
function ends(o, c, n) {
    n = RESTARTS[o, c] - BASE[o, c] + DOWN[o, c]
    return MEANS[o, c] == "CrashLoop" && n < 2 ? 2 : n
}

# An Event, kept by the uid of what it is about.
function event(o, name, p, uid, a, n, t, i) {
    p = has(o, "/involvedObject") ? "/involvedObject" : "/regarding"
    uid = val(o, p "/uid")
    if (uid == "") return
    n = count(o, "/count")
    if (count(o, "/series/count") > n) n = count(o, "/series/count")
    if (count(o, "/deprecatedCount") > n) n = count(o, "/deprecatedCount")
    COUNT[o] = n < 1 ? 1 : n
    HAPPENED[o] = later(later(epoch(val(o, "/lastTimestamp")), epoch(val(o, "/series/lastObservedTime"))), \
        later(epoch(val(o, "/deprecatedLastTimestamp")), epoch(val(o, "/eventTime"))))
    WARNS[o] = val(o, "/type") == "Warning"
    SAYS[o] = clip(val(o, "/message") == "" ? val(o, "/note") : val(o, "/message"), 2048)
    t = val(o, p "/fieldPath")
    if ((i = index(t, "{")) && substr(t, length(t)) == "}") ABOUT[o] = substr(t, i + 1, length(t) - i - 1)
    BORN[o] = LAST[o] = now
    if (split(S["e", uid, name], a, "\t")) {
        BORN[o] = a[4] + 0
        if (COUNT[o] <= a[6] + 0 && (HAPPENED[o] == "" || (a[7] != "" && HAPPENED[o] <= a[7] + 0))) LAST[o] = a[5] + 0
    }
    EVENTS[uid] = EVENTS[uid] " " o
    keep("e\t" uid "\t" name "\t" number(BORN[o]) "\t" number(LAST[o]) "\t" whole(COUNT[o]) "\t" (HAPPENED[o] == "" ? "" : sprintf("%.6f", HAPPENED[o])))
}

function later(a, b) { return a == "" || (b != "" && b > a) ? b : a }

# How far a pod is, for a timeline, and the cluster's word for it.
function phase(o, t, k, i, n, p, e, runs) {
    t = val(o, "/status/phase")
    SAID[o] = ""
    if (has(o, "/metadata/deletionTimestamp")) { PHASE[o] = "terminating"; return }
    if (t == "Succeeded") { PHASE[o] = "succeeded"; return }
    PHASE[o] = "failing"
    if (t == "Failed") { SAID[o] = val(o, "/status/reason"); if (SAID[o] == "") SAID[o] = t; return }
    n = N[o, "/status/initContainerStatuses"] + 0
    for (i = 0; i < n + N[o, "/status/containerStatuses"]; i++) {
        p = i < n ? "/status/initContainerStatuses/" i : "/status/containerStatuses/" (i - n)
        t = val(o, p "/state/waiting/reason")
        e = int_(o, p "/state/terminated/exitCode")
        if (!(t in WAITING)) {
            t = ""
            if (e != "" && e != 0) t = val(o, p "/state/terminated/reason") == "" ? "Error" : val(o, p "/state/terminated/reason")
        }
        if (t != "") { SAID[o] = clip(t, 64); return }
        if (i >= n && has(o, p "/state/running")) runs = 1
    }
    if ((k = condition(o, "Ready")) != "" && val(o, k "/status") == "True") PHASE[o] = "ready"
    else if (val(o, "/spec/nodeName") == "") {
        PHASE[o] = "pending"
        if ((k = condition(o, "PodScheduled")) != "" && val(o, k "/status") == "False") SAID[o] = clip(val(o, k "/reason"), 64)
    } else PHASE[o] = runs ? "running" : "starting"
}
