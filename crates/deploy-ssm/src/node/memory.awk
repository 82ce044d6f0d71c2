# What must be remembered from poll to poll: since when things are so, by our clock.

function remember(line, a) {
    split(line, a, "\t")
    S[a[1], a[2], a[3]] = line
    if (a[1] == "o") WAS[a[2]] = a[7]
    if (a[1] == "w") CHANGED[a[2]] = a[4] + 0
    if (a[1] == "p") TOLD[a[2]] = TOLD[a[2]] "\t" a[3]
    if (a[1] == "u") OWNERS_OF[a[2]] = OWNERS_OF[a[2]] " " a[3]
}

function keep(line) { KEPT[++kept] = line }
function changed(owners, i, n, a) { n = split(owners, a, " "); for (i = 1; i <= n; i++) CHANGED[a[i]] = now }

# Everything that was seen in this poll, held against the state of the last.
function observe(i, o, k, a, key) {
    for (i = 1; i <= all; i++) {
        o = ALL[i]
        key = KEY[o]
        LIVE[key] = 1
        split(S["o", key, ""], a, "\t")
        FIRST[o] = a[1] == "" ? now : a[4] + 0
        generation = int_(o, "/metadata/generation")
        SINCE[o] = a[1] == "" || a[5] != generation "" ? now : a[6] + 0
        READY[o] = a[8] == "" ? "" : a[8] + 0
        if (a[1] == "") changed(OWNERS[o])
        else if (a[7] != OWNERS[o]) changed(a[7] OWNERS[o])
        conditions(o, key)
        if (KIND[o] == "Pod" && GROUP[o] == "") {
            track(o, key, "/status/initContainerStatuses")
            track(o, key, "/status/containerStatuses")
            k = condition(o, "Ready")
            if (READY[o] == "" && k != "" && s(o, k "/status") == "True") READY[o] = now
            phase(o)
        }
        keep("o\t" key "\t\t" number(FIRST[o]) "\t" generation "\t" number(SINCE[o]) "\t" OWNERS[o] "\t" number(READY[o]))
    }
    for (key in WAS) if (!(key in LIVE)) changed(WAS[key])
    for (i = 1; i <= all; i++) {
        for (k = split(UID[ALL[i]] OWNERS[ALL[i]], a, " "); k >= 1; k--) HELD[a[k]] = 1
    }
    for (key in CHANGED) if (key in HELD) keep("w\t" key "\t\t" number(CHANGED[key]))
}

function conditions(o, key, i, p, type, status, reason, a) {
    for (i = 0; i < N[o, "/status/conditions"] && i < 64; i++) {
        p = "/status/conditions/" i
        type = s(o, p "/type"); status = s(o, p "/status"); reason = s(o, p "/reason")
        split(S["c", key, type], a, "\t")
        HAS[o, type] = a[1] != "" && a[4] == status && a[5] == reason ? a[6] + 0 : now
        keep("c\t" key "\t" type "\t" status "\t" reason "\t" number(HAS[o, type]))
    }
}

# A container's restarts, its run, and the bad sign that it shows: ErrImagePull and ImagePullBackOff are one.
function track(o, key, list, i, p, c, a, known, reason, running, ended, id, fresh) {
    for (i = 0; i < N[o, list] && i < 128; i++) {
        p = list "/" i
        c = s(o, p "/name")
        if (c == "") continue
        split("", a)
        split(S["k", key, c], a, "\t")
        known = a[1] != ""
        reason = s(o, p "/state/waiting/reason")
        running = has(o, p "/state/running")
        ended = has(o, p "/state/terminated")
        RESTARTS[o, c] = count(o, p "/restartCount")
        MEANS[o, c] = reason in WAITING ? WAITING[reason] : ""
        DOWN[o, c] = ended || (has(o, p "/state/waiting") && has(o, p "/lastState/terminated")) ? 1 : 0
        BASE[o, c] = known ? a[4] + 0 : (DOWN[o, c] ? 0 : RESTARTS[o, c])
        if (BASE[o, c] > RESTARTS[o, c]) BASE[o, c] = RESTARTS[o, c]
        UP[o, c] = running || ended ? now : (a[8] == "" ? "" : a[8] + 0)
        RUN[o, c] = STARTED[o, c] = id = ""
        if (running) {
            id = s(o, p "/containerID")
            if (id == "") id = s(o, p "/state/running/startedAt")
            id = RESTARTS[o, c] " " id
            RUN[o, c] = now
            if (!known) STARTED[o, c] = epoch(s(o, p "/state/running/startedAt"))
            else if (a[5] == id) {
                RUN[o, c] = a[6] + 0
                STARTED[o, c] = a[7] == "" ? "" : a[7] + 0
            }
        }
        if (MEANS[o, c] != "") {
            fresh = a[9] != MEANS[o, c]
            SIGN[o, c] = fresh ? now : a[10] + 0
            TURNED[o, c] = fresh || a[13] != reason ? now : a[11] + 0
            PULLS[o, c] = (fresh ? 0 : a[12]) + ((fresh || a[13] != reason) && reason == "ErrImagePull")
        }
        keep("k\t" key "\t" c "\t" BASE[o, c] "\t" id "\t" number(RUN[o, c]) "\t" number(STARTED[o, c]) "\t" number(UP[o, c]) "\t" \
            MEANS[o, c] "\t" number(SIGN[o, c]) "\t" number(TURNED[o, c]) "\t" PULLS[o, c] "\t" reason)
    }
}

# How often a container was seen to end. The kubelet backs off only after a second end, whatever we saw of it.
function ends(o, c, n) {
    n = RESTARTS[o, c] - BASE[o, c] + DOWN[o, c]
    return MEANS[o, c] == "CrashLoop" && n < 2 ? 2 : n
}

# An Event, kept by the uid of what it is about.
function event(o, name, about, uid, a, n, t, i) {
    about = has(o, "/involvedObject") ? "/involvedObject" : "/regarding"
    uid = s(o, about "/uid")
    if (uid == "") return
    n = count(o, "/count")
    if (count(o, "/series/count") > n) n = count(o, "/series/count")
    if (count(o, "/deprecatedCount") > n) n = count(o, "/deprecatedCount")
    COUNT[o] = n < 1 ? 1 : n
    HAPPENED[o] = later(later(epoch(s(o, "/lastTimestamp")), epoch(s(o, "/series/lastObservedTime"))), \
        later(epoch(s(o, "/deprecatedLastTimestamp")), epoch(s(o, "/eventTime"))))
    WARNS[o] = s(o, "/type") == "Warning"
    SAYS[o] = clip(s(o, "/message") == "" ? s(o, "/note") : s(o, "/message"), 2048)
    t = s(o, about "/fieldPath")
    if ((i = index(t, "{")) && substr(t, length(t)) == "}") ABOUT[o] = substr(t, i + 1, length(t) - i - 1)
    split(S["e", uid, name], a, "\t")
    BORN[o] = LAST[o] = now
    if (a[1] != "") {
        BORN[o] = a[4] + 0
        if (COUNT[o] <= a[6] + 0 && (HAPPENED[o] == "" || (a[7] != "" && HAPPENED[o] <= a[7] + 0))) LAST[o] = a[5] + 0
    }
    EVENTS[uid] = EVENTS[uid] " " o
    keep("e\t" uid "\t" name "\t" number(BORN[o]) "\t" number(LAST[o]) "\t" whole(COUNT[o]) "\t" (HAPPENED[o] == "" ? "" : sprintf("%.6f", HAPPENED[o])))
}

function later(a, b) { return a == "" || (b != "" && b > a) ? b : a }

# How far a pod is, for a timeline, and the cluster's word for it.
function phase(o, t, k, i, n, p, e) {
    t = s(o, "/status/phase")
    SAID[o] = ""
    if (has(o, "/metadata/deletionTimestamp")) { PHASE[o] = "terminating"; return }
    if (t == "Succeeded") { PHASE[o] = "succeeded"; return }
    PHASE[o] = "failing"
    if (t == "Failed") { SAID[o] = s(o, "/status/reason"); if (SAID[o] == "") SAID[o] = t; return }
    n = N[o, "/status/initContainerStatuses"] + 0
    for (i = 0; i < n + N[o, "/status/containerStatuses"]; i++) {
        p = i < n ? "/status/initContainerStatuses/" i : "/status/containerStatuses/" (i - n)
        t = s(o, p "/state/waiting/reason")
        e = int_(o, p "/state/terminated/exitCode")
        if (!(t in WAITING)) {
            t = ""
            if (e != "" && e != 0) t = s(o, p "/state/terminated/reason") == "" ? "Error" : s(o, p "/state/terminated/reason")
        }
        if (t != "") { SAID[o] = clip(t, 64); return }
        if (i >= n && has(o, p "/state/running")) PHASE[o] = "running"
    }
    if ((k = condition(o, "Ready")) != "" && s(o, k "/status") == "True") PHASE[o] = "ready"
    else if (s(o, "/spec/nodeName") == "") {
        PHASE[o] = "pending"
        if ((k = condition(o, "PodScheduled")) != "" && s(o, k "/status") == "False") SAID[o] = clip(s(o, k "/reason"), 64)
    } else if (PHASE[o] != "running") PHASE[o] = "starting"
}
