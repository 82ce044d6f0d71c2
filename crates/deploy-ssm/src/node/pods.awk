# One pod: does it count, and what is wrong with it; and the new pods of a workload together. What is hopeless, and from when on.

# Something wrong with the judged object J; `at` is empty if it may pass at any time.
function failure(type, detail, say, at) {
    F[++failures, "type"] = type
    F[failures, "detail"] = detail
    F[failures, "says"] = clip(say, 512)
    F[failures, "at"] = at
    return failures
}

function image_failure(type, image, say, at) { return failure(type, field("image", image), say, at) }
function field(name, value) { return ",\"" name "\":\"" value "\"" }
function due(at) { return at != "" && at <= now + 0.0005 }
function most(a, b) { return a > b ? a : b }

# The more pressing of two, the first if they are equal; what may pass is less pressing than what has a date.
function pressing(f, g) {
    if (!f || !g) return f ? f : g
    if (F[f, "at"] == "" || F[g, "at"] == "") return F[f, "at"] == "" && F[g, "at"] != "" ? g : f
    return F[g, "at"] < F[f, "at"] ? g : f
}

# The Event that last happened among the pod's with one of these reasons, about container `c` if one is given; `test` asks for more.
function last(reasons, c, test, i, e, found) {
    for (i = 1; i <= pod_events; i++) {
        e = PE[i]
        if (!index(reasons, " " val(e, "/reason") " ") || (c != "" && ABOUT[e] != c)) continue
        if (test != "" && !passes(e, c, test)) continue
        if (!found || LAST[e] > LAST[found] || (LAST[e] == LAST[found] && BORN[e] >= BORN[found])) found = e
    }
    return found
}

# The tests: it warns; it is not of a run that came to its end; and then of a failed pull, or of something missing.
function passes(e, c, test) {
    if (test == "warns") return WARNS[e]
    if (UP[pod, c] != "" && BORN[e] <= UP[pod, c]) return 0
    return test == "pull" ? index(SAYS[e], PULL_FAILED) : test == "missing" ? missing(SAYS[e]) : 1
}

# What a message calls missing, as in `couldn't find key url in Secret shop/db`.
function missing(m, i, k, n, rest, a, b) {
    if (i = index(m, MISSING_KEY)) {
        rest = substr(m, i + length(MISSING_KEY))
        if (!(i = index(rest, " in "))) return 0
        m_key = substr(rest, 1, i - 1)
        if (split(substr(rest, i + 4), a, " ") < 2) return 0
        n = split(a[2], b, "/")
        m_name = b[n]
        for (i = 1; i <= references; i++) if (REFERENCE_KIND[i] == a[1]) { m_kind = a[1]; return 1 }
        return 0
    }
    for (i = 1; i <= references; i++) {
        if (!(k = index(m, REFERENCE[i]))) continue
        rest = substr(m, k + length(REFERENCE[i]))
        k = index(rest, Q)
        if (!k || index(substr(rest, k + 2), NOT_FOUND) != 1) continue
        m_kind = REFERENCE_KIND[i]; m_name = substr(rest, 1, k - 1); m_key = ""
        return 1
    }
    return 0
}

function missing_failure(say, at, f) {
    f = failure("MissingReference", field("kind", m_kind) field("name", m_name) ",\"key\":" (m_key == "" ? "null" : "\"" m_key "\""), say, at)
    F[f, "kind"] = m_kind; F[f, "name"] = m_name; F[f, "key"] = m_key
    return f
}

# Why a pull failed; an image may be called `timeout`.
function pull_error(m, image, i, rest) {
    if (image != "") {
        rest = m; m = ""
        while (i = index(rest, image)) { m = m substr(rest, 1, i - 1); rest = substr(rest, i + length(image)) }
        m = m rest
    }
    m = tolower(m)
    for (i = 1; i <= pull_errors; i++) if (index(m, PULL_PHRASE[i])) return PULL_ERROR[i]
    return "Transient"
}

# A container of `pod`, its spec at p. Adds to good, started and FOUND.
function container(p, init, c, list, st, i, g, must, up) {
    c = val(pod, p "/name")
    if (c == "") return
    list = init ? "/status/initContainerStatuses" : "/status/containerStatuses"
    for (i = 0; i < N[pod, list]; i++) if (val(pod, list "/" i "/name") == c) { st = list "/" i; break }
    must = init ? val(pod, p "/restartPolicy") == "Always" : must_run
    g = good_at(p, c, st, must)
    good = good == "" || g == "" ? "" : most(good, g)
    if (UP[pod, c] != "") started = started c " "
    if (due(g)) return
    up = st != "" && (has(pod, st "/state/running") || has(pod, st "/state/terminated"))
    i = found
    if (st != "") ending(c, st, must)
    if (!up) { pulling(c, st, val(pod, p "/image")); waiting(c, st, val(pod, p "/image")) }
    if (must && st != "" && has(pod, st "/state/running") && !flag(pod, st "/ready")) {
        g = last(" Unhealthy ", c, "warns")
        add(failure("NotReady", "", g ? SAYS[g] : "", ""))
    }
    while (i < found) {
        F[FOUND[++i], "pod"] = NAME[pod]
        F[FOUND[i], "container"] = c
        F[FOUND[i], "init"] = init
    }
}

function add(f) { FOUND[++found] = f }

function good_at(p, c, st, must, g) {
    if (st == "") return ""
    if (V[pod, st "/state/terminated/exitCode"] == "0" && !must) return FIRST[pod]
    if (!must || !flag(pod, st "/ready") || RUN[pod, c] == "") return ""
    if (has(pod, p "/readinessProbe")) return RUN[pod, c]
    g = RUN[pod, c] + SETTLING
    # It ran already when we first looked.
    if (STARTED[pod, c] != "" && STARTED[pod, c] + SETTLING + CLOCK_SKEW < g) g = STARTED[pod, c] + SETTLING + CLOCK_SKEW
    return g
}

# It ended, and ending is not what it is for.
function ending(c, st, must, e, code, n, at, means, f) {
    e = st (has(pod, st "/state/terminated") ? "/state/terminated" : "/lastState/terminated")
    if (!has(pod, e) || !((pod, c) in RESTARTS)) return
    code = int_(pod, e "/exitCode") + 0
    n = ends(pod, c)
    if (n == 0 || (code == 0 && !must)) return
    if (judge_exits && n >= most(CONTAINER_ENDS, 1)) at = FIRST[pod]
    means = val(pod, e "/reason")
    means = means in ENDED ? ENDED[means] : "Exit"
    if (means == "OutOfMemory") f = failure("OutOfMemory", ",\"times\":" n, "", at)
    else if (means == "Start") f = failure("ContainerStart", "", val(pod, e "/message"), at)
    else f = failure("ContainerExit", ",\"code\":" whole(code) ",\"times\":" n, "", at)
    F[f, "code"] = whole(code); F[f, "times"] = n
    add(f)
}

# Its image cannot be pulled; the Event says so before the status does.
function pulling(c, st, image, sign, failed, since, latest, k, one, two, say, told, f, n) {
    sign = MEANS[pod, c] == "Pull"
    if (!sign && MEANS[pod, c] != "") return
    failed = last(" Failed ", c, "pull")
    if (!sign && !failed) return
    since = sign ? SIGN[pod, c] : BORN[failed]
    latest = sign ? TURNED[pod, c] : LAST[failed]
    if (sign && failed) {
        if (BORN[failed] < since) since = BORN[failed]
        latest = most(latest, LAST[failed])
    }
    k = last(" Pulled ", c)
    if (k && LAST[k] > latest) return
    say = sign && st != "" ? val(pod, st "/state/waiting/message") : ""
    told = failed ? SAYS[failed] : ""
    # A status may say no more than `Back-off pulling image`.
    one = pull_error(say, image); two = pull_error(told, image)
    if (one == "Transient" && (two != "Transient" || say == "")) { one = two; say = told }
    if (one != "Transient") {
        f = image_failure(one == "NotFound" ? "ImageNotFound" : "ImageInvalid", image, say, since + IMAGE_NOT_FOUND)
        F[f, "shared"] = 1
    } else {
        k = last(" Pulling ", c, "run")
        n = most(sign ? PULLS[pod, c] : 0, most(failed ? COUNT[failed] : 0, k ? COUNT[k] - 1 : 0))
        f = failure("ImagePull", "", say, n >= most(PULL_ATTEMPTS, 1) ? since : since + PULL)
        n = whole(most(n, 1))
        F[f, "detail"] = field("image", image) ",\"attempts\":" n
        F[f, "times"] = n
    }
    F[f, "image"] = image
    add(f)
}

# It waits for a reason that is not the pull of its image.
function waiting(c, st, image, means, say, since, f, g) {
    means = MEANS[pod, c]
    if (means == "Pull" || means == "CrashLoop") return
    if (means == "") { if (f = missing_event(c)) add(f); return }
    say = st == "" ? "" : val(pod, st "/state/waiting/message")
    since = SIGN[pod, c]
    if (means == "InvalidImage") f = image_failure("ImageInvalid", image, say, since + IMAGE_NOT_FOUND)
    # The node's own store decides, so that another node may have it.
    else if (means == "NeverPull") f = image_failure("ImageNotFound", image, say, since + IMAGE_NOT_FOUND)
    else if (means == "Start") f = failure("ContainerStart", "", say, since + CONTAINER_START)
    else {
        g = missing_event(c)
        since += MISSING_REFERENCE
        if (g && F[g, "at"] < since) since = F[g, "at"]
        f = missing(say) ? missing_failure(say, since) : failure("ContainerStart", "", say, since)
    }
    F[f, "image"] = image
    F[f, "shared"] = means == "InvalidImage" || means == "Config"
    add(f)
}

# `Error: configmap "app" not found`, before the status says so.
function missing_event(c, e, made, f) {
    if (!(e = last(" Failed ", c, "missing"))) return 0
    made = last(" Created ", c)
    if (made && LAST[made] > LAST[e]) return 0
    missing(SAYS[e])
    f = missing_failure(SAYS[e], BORN[e] + MISSING_REFERENCE)
    F[f, "shared"] = 1
    return f
}

# Sets good (from when on it counts), started, over, and the most pressing of what is wrong, which it returns.
function examine(o, i, f, k) {
    pod = o
    must_run = V[o, "/spec/restartPolicy"] !~ /^"/ || V[o, "/spec/restartPolicy"] == "\"Always"
    over = V[o, "/status/phase"] == "\"Failed" || V[o, "/status/phase"] == "\"Succeeded"
    good = FIRST[o]; started = " "; found = 0
    pod_events = split(EVENTS[UID[o]], PE, " ")
    for (i = 0; i < N[o, "/spec/initContainers"] && i < 128; i++) container("/spec/initContainers/" i, 1)
    for (i = 0; i < N[o, "/spec/containers"] && i < 128; i++) container("/spec/containers/" i, 0)
    k = condition(o, "Ready")
    if (over) f = ended_for_good(o)
    else {
        if (i = scheduling(o)) add(i)
        if (started == " " && (i = volumes(o))) add(i)
        if (good != "" && k != "" && val(o, k "/status") == "False") add(on_pod(failure("NotReady", "", val(o, k "/message"), "")))
        for (i = 1; i <= found; i++) f = pressing(f, FOUND[i])
    }
    if (over || k == "" || val(o, k "/status") != "True") good = ""
    return f
}

# A Pod that is judged itself need not be named twice.
function on_pod(f) { if (KIND[J] != "Pod") F[f, "pod"] = NAME[pod]; return f }

# Why it ended for good: its own reason (`Evicted`), or the end of one of its containers.
function ended_for_good(o, i, t) {
    if (val(o, "/status/phase") == "Succeeded" && !must_run) return 0
    t = V[o, "/status/reason"]
    for (i = 1; i <= found && t == ""; i++)
        if (F[FOUND[i], "type"] ~ /^(ContainerExit|OutOfMemory|ContainerStart)$/) return FOUND[i]
    return on_pod(caused("PodFailed", val(o, t == "" ? "/status/phase" : "/status/reason"), val(o, "/status/message")))
}

function caused(type, cause, say, f) {
    f = failure(type, field("cause", cause), say, "")
    F[f, "cause"] = cause
    return f
}

function scheduling(o, k, say, i, f, claim) {
    k = condition(o, "PodScheduled")
    if (k == "" || val(o, k "/status") != "False") return 0
    say = val(o, k "/message")
    if (val(o, k "/reason") != "Unschedulable") return on_pod(failure("NotReady", "", say, ""))
    # A node may be on its way.
    claim = pending_claim(o, say)
    i = last(SCALES_UP) ? "" : HAS[o, "PodScheduled"] + UNSCHEDULABLE
    if (claim == "") return on_pod(failure("Unschedulable", "", say, i))
    f = on_pod(failure("VolumePending", field("claim", claim), say, i))
    F[f, "claim"] = claim
    return f
}

# The claim that the scheduler's message is about: the one it names, else the first that is not bound, else the only one.
function pending_claim(o, say, i, n, c, a, k) {
    if (!index(tolower(say), "persistentvolumeclaim")) return ""
    for (i = 0; i < N[o, "/spec/volumes"]; i++)
        if ((c = val(o, "/spec/volumes/" i "/persistentVolumeClaim/claimName")) != "") a[++n] = c
    for (i = 1; i <= n; i++) if (index(say, Q a[i] Q)) return a[i]
    for (i = 1; i <= n; i++) if ((k = ID["", "PersistentVolumeClaim", SPACE[o], a[i]]) && val(k, "/status/phase") != "Bound") return a[i]
    return n == 1 ? a[1] : ""
}

# What keeps a pod from its first container: a volume that needs something missing is hopeless after a while.
function volumes(o, trouble, after, i, f, best) {
    if (!(trouble = last(VOLUME_TROUBLE))) return 0
    after = last(VOLUMES_DONE)
    if (after && LAST[after] > LAST[trouble]) return 0
    for (i = 1; i <= pod_events; i++) {
        if (val(PE[i], "/reason") != "FailedMount" || (best && BORN[PE[i]] >= BORN[best])) continue
        if (missing(SAYS[PE[i]]) || missing_in_volume(o, SAYS[PE[i]])) best = PE[i]
    }
    if (!best) return on_pod(failure("NotReady", "", SAYS[trouble], ""))
    if (!missing(SAYS[best])) missing_in_volume(o, SAYS[best])
    f = on_pod(missing_failure(SAYS[best], BORN[best] + MISSING_REFERENCE))
    F[f, "shared"] = 1
    return f
}

# `MountVolume.SetUp failed for volume "cfg" : references non-existent secret key: url`: the volume leads to the name.
function missing_in_volume(o, m, i, rest, volume, a) {
    if (!(i = index(m, NON_EXISTENT))) return 0
    rest = substr(m, i + length(NON_EXISTENT))
    if (!(i = index(rest, NON_EXISTENT_KEY))) return 0
    split(substr(rest, i + length(NON_EXISTENT_KEY)), a, /[ ,]/)
    m_key = a[1]
    if (!(i = index(m, VOLUME_NAMED))) return 0
    volume = substr(m, i + length(VOLUME_NAMED))
    if (i = index(volume, Q)) volume = substr(volume, 1, i - 1)
    for (i = 0; i < N[o, "/spec/volumes"]; i++) {
        if (val(o, "/spec/volumes/" i "/name") != volume) continue
        m_kind = "ConfigMap"
        m_name = val(o, "/spec/volumes/" i "/configMap/name")
        if (m_name == "") { m_kind = "Secret"; m_name = val(o, "/spec/volumes/" i "/secret/secretName") }
        return m_name != ""
    }
    return 0
}

# The new pods of a workload, a list of objects: how many count, what is hopeless, what is suspect.
function fleet(list, i, n, a, f, last_progress) {
    fleet_n = fleet_good = fleet_suspect = 0
    last_progress = ""
    over_suspect = 0
    n = split(list, a, " ")
    for (i = 1; i <= n; i++) {
        f = examine(a[i])
        last_progress = most(last_progress, most(FIRST[a[i]], READY[a[i]]))
        if (over) { over_suspect = pressing(over_suspect, f); continue }
        LIVE_F[++fleet_n] = f
        LIVE_STARTED[fleet_n] = started
        fleet_good += due(good)
        fleet_suspect = pressing(fleet_suspect, f)
    }
    fleet_suspect = pressing(fleet_suspect, over_suspect)
    fleet_stalled = last_progress != "" && due(last_progress + STALLED)
}

# Why the rollout is hopeless; `blocked` hopeless pods block it, where the controller goes in order.
function hopeless(blocked, i, k, n, f, first, elsewhere) {
    for (i = 1; i <= fleet_n; i++) {
        f = LIVE_F[i]
        if (!f || !due(F[f, "at"])) continue
        n++
        if (!first) first = f
        if (!F[f, "shared"]) continue
        elsewhere = 0
        for (k = 1; k <= fleet_n; k++) {
            if (k == i) continue
            if (F[f, "container"] == "" ? LIVE_STARTED[k] != " " : index(LIVE_STARTED[k], " " F[f, "container"] " ")) elsewhere = 1
        }
        if (!elsewhere) return f
    }
    return n == fleet_n || (blocked != "" && n >= most(blocked, 1)) || fleet_stalled ? first + 0 : 0
}
