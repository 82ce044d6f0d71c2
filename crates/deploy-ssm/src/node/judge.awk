# Judges each target as deploy_core::health::Judge does. Prints `V`, line, healthy|progressing|failed, progress (as the inside of a JSON
# string), failure, suspect; `P`, line, pod, phase, reason for what is new of its pods; and `U`, namespace, pod, uid for pods that hold up a
# StatefulSet for ever.

END { if (mode == "") polled() }

function polled(i) {
    if (D || !objects) broken = 1
    if (broken) {
        for (i in S) keep(S[i])
        for (i = 1; i <= targets_n; i++) report(i, "progressing", "the cluster's answer could not be read")
    } else {
        observe()
        for (i = 1; i <= targets_n; i++) judged(i, TARGET[i])
    }
    if (state != "") {
        printf "" > (state ".new")
        for (i = 1; i <= kept; i++) print KEPT[i] > (state ".new")
        close(state ".new")
    }
}

function report(i, state_, words, f, g) { print "V\t" i "\t" state_ "\t" words "\t" (f ? json(f) : "-") "\t" (g ? json(g) : "-") }

function judged(i, line, t) {
    if (split(line, t, "\t") < 7) { report(i, "progressing", "not seen yet"); return }
    J = ID[t[5], t[4], t[6], t[7]] + 0
    suspect = 0
    if (!J) {
        # Where nothing need be waited for, nothing is asked for.
        if (asked_for(t[5], t[4])) waits("not seen yet", 0)
        else healthy("has no status to wait for")
    } else {
        judge_exits = 1
        judge(t[5], t[4])
    }
    if (verdict == "failed") report(i, verdict, progress, suspect)
    else report(i, verdict, progress, 0, verdict == "healthy" ? 0 : suspect)
    news(i, t[5] "/" t[4] "/" t[6] "/" t[7])
}

# Whether the kind has a status that is waited for.
function asked_for(group, kind) {
    if (group == "apps" || kind ~ /^(Deployment|ReplicationController|Pod|Service|PersistentVolumeClaim|Namespace)$/) return kind != "ControllerRevision"
    if (kind ~ /^(Job|HorizontalPodAutoscaler|PodDisruptionBudget|CustomResourceDefinition|APIService)$/) return 1
    return !built_in(group)
}

# The groups of Kubernetes itself: no dot, or one of its own.
function built_in(group) { return group !~ /\./ || group in BUILT_IN }

function judge(group, kind, k, i, held) {
    if (has(J, "/metadata/deletionTimestamp")) {
        for (i = 0; i < N[J, "/metadata/finalizers"]; i++) held = held (held == "" ? "held by " : ", ") val(J, "/metadata/finalizers/" i)
        fails(failure("Terminating", "", held, ""))
    }
    else if (group == "apps" && kind == "Deployment") deployment()
    else if (group == "apps" && kind == "StatefulSet") stateful_set()
    else if (group == "apps" && kind == "DaemonSet") daemon_set()
    else if ((group == "apps" && kind == "ReplicaSet") || (group == "" && kind == "ReplicationController")) replica_set()
    else if (group == "batch" && kind == "Job") job()
    else if (group == "" && kind == "Pod") bare_pod()
    else if (group == "" && kind == "Service") service()
    else if (group == "" && kind == "PersistentVolumeClaim") volume_claim()
    else if (group == "" && kind == "Namespace") {
        k = val(J, "/status/phase")
        if (k == "Terminating") fails(failure("Terminating", "", "", ""))
        else if (k == "Active") healthy("active")
        else waits("waiting to become active")
    }
    else if (group == "autoscaling" && kind == "HorizontalPodAutoscaler") {
        k = condition(J, "AbleToScale")
        if (k != "" && val(J, k "/status") == "False") waits("cannot scale its target", not_ready(k))
        else healthy("accepted")
    }
    else if (group == "policy" && kind == "PodDisruptionBudget") { if (!not_observed()) healthy("observed") }
    else if (group == "apiextensions.k8s.io" && kind == "CustomResourceDefinition") {
        k = condition(J, "NamesAccepted")
        if (k != "" && val(J, k "/status") == "False") fails(failure("NamesNotAccepted", "", val(J, k "/message"), ""))
        else if (is_true("Established") != "") healthy("established")
        else waits("waiting to be established")
    }
    else if (group == "apiregistration.k8s.io" && kind == "APIService") {
        k = condition(J, "Available")
        if (k != "" && val(J, k "/status") == "True") healthy("available")
        else waits("waiting to be available", k == "" ? 0 : not_ready(k))
    }
    else if (group == "batch" && kind == "CronJob") healthy("scheduled")
    else if (group == "networking.k8s.io" && kind == "Ingress") healthy("accepted")
    else if (built_in(group)) healthy("has no status to wait for")
    else custom()
}

function not_ready(k) { return failure("NotReady", "", val(J, k "/message"), "") }

function service() {
    if (val(J, "/spec/type") != "LoadBalancer") healthy("has no status to wait for")
    else if (N[J, "/status/loadBalancer/ingress"]) healthy("has an address")
    else waits("waiting for an address of its load balancer", last_warning("NotReady"))
}

function volume_claim(t, f, i, k, a) {
    t = val(J, "/status/phase")
    if (t == "Bound") { healthy("bound"); return }
    if (t == "Lost") { fails(failure("VolumeLost", "", "", "")); return }
    for (i = split(EVENTS[UID[J]], a, " "); i >= 1; i--) if (val(a[i], "/reason") == "WaitForFirstConsumer") t = "later"
    for (i = 1; i <= all && t == "later"; i++) {
        if (KIND[ALL[i]] != "Pod" || SPACE[ALL[i]] != SPACE[J]) continue
        for (k = 0; k < N[ALL[i], "/spec/volumes"]; k++) if (val(ALL[i], "/spec/volumes/" k "/persistentVolumeClaim/claimName") == NAME[J]) t = "used"
    }
    if (t == "later") { healthy("is bound when the first pod uses it"); return }
    if (f = last_warning("VolumePending")) { F[f, "claim"] = NAME[J]; F[f, "detail"] = field("claim", NAME[J]) }
    waits("waiting to be bound", f)
}

function last_warning(type, i, n, a, e) {
    n = UID[J] == "" ? 0 : split(EVENTS[UID[J]], a, " ")
    for (i = 1; i <= n; i++) {
        if (!WARNS[a[i]] && !index(CLAIM_WAITS, " " val(a[i], "/reason") " ")) continue
        if (!e || BORN[a[i]] >= BORN[e]) e = a[i]
    }
    return e ? failure(type, "", SAYS[e], "") : 0
}

# Custom resources, by the conditions that controllers agree on.
function custom(k) {
    if (has(J, "/status/observedGeneration") && not_observed()) return
    if ((k = is_true("Stalled")) != "" && !stale(k)) { fails(failure("Stalled", "", said(k), "")); return }
    if ((k = is_true("Reconciling")) != "") { waits("its controller is reconciling it", failure("NotReady", "", said(k), "")); return }
    k = condition(J, "Ready")
    if (k == "") healthy("has no conditions to wait for")
    else if (stale(k)) waits("waiting for its controller to observe the change")
    else if (val(J, k "/status") == "True") healthy("ready")
    else waits("not ready yet", failure("NotReady", "", said(k), ""))
}

function stale(k, g, o) {
    g = int_(J, "/metadata/generation"); o = int_(J, k "/observedGeneration")
    return g != "" && o != "" && o < g
}
function said(k) { return val(J, k "/message") == "" ? val(J, k "/reason") : val(J, k "/message") }

# What is new of a workload's pods, of all its revisions; those of owners that went count on.
function news(i, target, uids, n, u, k, m, a, done, pod_, t) {
    split("", NEWS)
    if (J && KIND[J] == "Pod") NEWS[NAME[J]] = J
    else {
        uids = OWNERS_OF[target] (J ? " " UID[J] : "")
        n = split(uids, u, " ")
        for (k = 1; k <= n; k++) {
            if (u[k] in done) continue
            done[u[k]] = 1
            keep("u\t" target "\t" u[k])
            for (m = split(OWNED[u[k]], a, " "); m >= 1; m--) {
                if (a[m] in PHASE) NEWS[NAME[a[m]]] = a[m]
                else if (UID[a[m]] != "") u[++n] = UID[a[m]]
            }
        }
    }
    for (k = split(TOLD[target], a, "\t"); k > 1; k--) if (!(a[k] in NEWS)) print "P\t" i "\t" a[k] "\tgone\t-"
    for (pod_ in NEWS) {
        t = PHASE[NEWS[pod_]] "\t" (SAID[NEWS[pod_]] == "" ? "-" : SAID[NEWS[pod_]])
        keep("p\t" target "\t" pod_ "\t" t)
        if (S["p", target, pod_] != "p\t" target "\t" pod_ "\t" t) print "P\t" i "\t" pod_ "\t" t
    }
}

function text(name, value) { return value == "" ? "" : ",\"" name "\":\"" value "\"" }

function object_id(group, kind, space, name) {
    return "{\"group\":\"" group "\",\"kind\":\"" kind "\",\"namespace\":" (space == "" ? "null" : "\"" space "\"") ",\"name\":\"" name "\"}"
}

# A failure in the serde form of deploy_core::health::Failure.
function json(f) {
    return "{\"reason\":{\"type\":\"" F[f, "type"] "\"" F[f, "detail"] "},\"object\":" object_id(GROUP[J], KIND[J], SPACE[J], NAME[J]) \
        text("pod", F[f, "pod"]) \
        text("container", F[f, "container"]) ",\"initContainer\":" (F[f, "init"] ? "true" : "false") ",\"message\":\"" F[f, "says"] "\"}"
}

# One sentence in the user's terms, as deploy_core's `Failure` displays itself.
function sentence(f, t, m, in_, subject, object) {
    t = F[f, "type"]; m = F[f, "says"]
    object = KIND[J] (GROUP[J] ~ /\./ && GROUP[J] !~ /\.k8s\.io$/ ? "." GROUP[J] : "") " " (SPACE[J] == "" ? "" : SPACE[J] "/") NAME[J]
    if (F[f, "container"] != "") in_ = (F[f, "init"] ? "init " : "") "container " Q F[f, "container"] Q
    if (F[f, "pod"] != "") in_ = in_ (in_ == "" ? "" : " of ") "pod " F[f, "pod"]
    subject = in_ == "" ? object : in_
    in_ = in_ == "" ? "" : " (" in_ ")"
    if (t == "ImageNotFound") return "image " Q F[f, "image"] Q " not found" in_
    if (t == "ImageInvalid") return Q F[f, "image"] Q " is not a valid image reference" in_
    if (t == "MissingReference") return (F[f, "key"] == "" ? "" : "key " Q F[f, "key"] Q " not found in ") F[f, "kind"] " " Q F[f, "name"] Q (F[f, "key"] == "" ? " not found" : "") in_
    if (t == "ImagePull") t = "image " Q F[f, "image"] Q " cannot be pulled, " F[f, "times"] " attempt" (F[f, "times"] == 1 ? "" : "s") in_
    else if (t == "ContainerExit") t = subject " exits with code " F[f, "code"] times(f)
    else if (t == "OutOfMemory") t = subject " is killed for want of memory" times(f)
    else if (t == "ContainerStart") t = subject " cannot start"
    else if (t == "Unschedulable") { t = subject " cannot be scheduled"; m = gist(m) }
    else if (t == "VolumePending") t = subject " waits for PersistentVolumeClaim " Q F[f, "claim"] Q ", which is not bound"
    else if (t == "VolumeLost") t = subject " has lost its volume"
    else if (t == "Quota") t = subject ": the quota does not allow its pods"
    else if (t == "Forbidden") t = subject ": its pods are not admitted"
    else if (t == "ProgressDeadline") t = object " made no progress within its deadline"
    else if (t == "JobFailed") t = object " failed (" F[f, "cause"] ")" (in_ == "" ? "" : " in " subject)
    else if (t == "PodFailed") t = subject " failed (" F[f, "cause"] ")"
    else if (t == "NamesNotAccepted") t = subject ": its names are taken"
    else if (t == "Stalled") t = subject " is stalled"
    else if (t == "Terminating") t = subject " is being deleted"
    else t = subject " is not ready"
    return m == "" ? t : t ": " m
}

function times(f) { return F[f, "times"] == 1 ? " (once)" : " (" F[f, "times"] " times)" }

# What stands in the way, out of the scheduler's long sentence.
function gist(m, i, k) {
    if (i = index(m, "nodes are available: ")) m = substr(m, i + 21)
    i = index(m, ". preemption:"); k = index(m, ". no new claims to deallocate")
    if (k && (!i || k < i)) i = k
    if (i) m = substr(m, 1, i - 1)
    sub(/\.+$/, "", m)
    return m
}
