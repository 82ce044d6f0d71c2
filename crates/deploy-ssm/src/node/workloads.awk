# The rules of the kinds that have pods. Each sets verdict, progress and suspect of the judged object J.

BEGIN {
    REVISION = "deployment.kubernetes.io/revision"
    REVISION_HASH = "controller-revision-hash"
    TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
}

function healthy(words) { verdict = "healthy"; progress = words }
function waits(words, f) { verdict = "progressing"; progress = words; suspect = f }
function fails(f) { verdict = "failed"; suspect = f; progress = sentence(f) }

# Whether the object's controller has yet to see its present generation.
function not_observed(g) {
    g = int_(J, "/metadata/generation")
    if (g == "" || int_(J, "/status/observedGeneration") + 0 >= g) return 0
    waits("waiting for its controller to observe the change")
    return 1
}

function observed() { return int_(J, "/status/observedGeneration") + 0 >= int_(J, "/metadata/generation") + 0 }
function stat(name) { return count(J, "/status/" name) }
function replicas(n) { n = int_(J, "/spec/replicas"); return n == "" ? 1 : most(n, 0) }
function of(a, b, words) { return whole(a) " of " whole(b) " " words }

# The pods that an object owns, those being deleted left out; and the label or the annotation of an object.
function pods(o, i, n, a, out) {
    n = UID[o] == "" ? 0 : split(OWNED[UID[o]], a, " ")
    for (i = 1; i <= n; i++) if (KIND[a[i]] == "Pod" && GROUP[a[i]] == "" && !has(a[i], "/metadata/deletionTimestamp")) out = out " " a[i]
    return out
}
function label(o, name) { return val(o, "/metadata/labels/" name) }
function annotation(o, name) { return val(o, "/metadata/annotations/" name) }
function labelled(list, name, value, i, n, a, out) {
    n = split(list, a, " ")
    for (i = 1; i <= n; i++) if (label(a[i], name) == value && value != "") out = out " " a[i]
    return out
}

# An IntOrString of `total`, percentages rounded up.
function scaled(p, total, otherwise, v) {
    if ((v = int_(J, p)) != "") return v
    v = val(J, p)
    if (v !~ /^[-+]?[0-9]+%$/) return otherwise
    v = most(substr(v, 1, length(v) - 1) + 0, 0)
    return int(((v > 100 ? 100 : v) * total + 99) / 100)
}

# Not complete: failed if the pods are hopeless, or if there may be none; else what it waits for.
function unfinished(words, blocked, refused, f) {
    if (!(f = hopeless(blocked)) && refused && due(F[refused, "at"])) f = refused
    if (f) fails(f)
    else waits(words, refused ? refused : fleet_suspect)
}

# Why pods are not created: what a ReplicaSet says of itself.
function refused_by_condition(set, k) {
    k = condition(set, "ReplicaFailure")
    if (k == "" || val(set, k "/status") != "True" || val(set, k "/reason") != "FailedCreate") return 0
    return refusal(val(set, k "/message"), HAS[set, "ReplicaFailure"])
}

# What the Events of other workloads say, while fewer than `wanted` pods are there. One from before the newest pod is history.
function refused_by_event(wanted, i, n, a, there, newest, e, best) {
    n = UID[J] == "" ? 0 : split(OWNED[UID[J]], a, " ")
    for (i = 1; i <= n; i++) {
        if (KIND[a[i]] != "Pod") continue
        there++
        newest = later(newest, epoch(val(a[i], "/metadata/creationTimestamp")))
    }
    if (there + 0 >= wanted) return 0
    n = UID[J] == "" ? 0 : split(EVENTS[UID[J]], a, " ")
    for (i = 1; i <= n; i++) {
        e = a[i]
        if (val(e, "/reason") != "FailedCreate" || (HAPPENED[e] != "" && newest != "" && HAPPENED[e] < newest)) continue
        if (!best || LAST[e] > LAST[best] || (LAST[e] == LAST[best] && BORN[e] >= BORN[best])) best = e
    }
    return best ? refusal(SAYS[best], most(BORN[best], SINCE[J])) : 0
}

function refusal(say, since, i, n, a, f, owners, makes_room) {
    if (contains(say, QUOTA, quotas)) { f = failure("Quota", "", say, ""); n = QUOTA_PATIENCE }
    else if (missing(say)) { f = missing_failure(say, ""); n = MISSING_REFERENCE }
    else { f = failure("Forbidden", "", say, ""); n = contains(say, DEFINITE, definites) ? ADMISSION : WEBHOOK }
    # A pod that went since may have made room; with a quota, one that goes will.
    owners = UID[J]
    for (i = split(OWNED[UID[J]], a, " "); i >= 1; i--) if (KIND[a[i]] == "ReplicaSet") owners = owners " " UID[a[i]]
    for (i = split(owners, a, " "); i >= 1; i--) {
        if (CHANGED[a[i]] > since) since = CHANGED[a[i]]
        makes_room += pods_go(a[i])
    }
    F[f, "at"] = F[f, "type"] == "Quota" && makes_room ? "" : since + n
    return f
}

function contains(say, phrases, n, i) {
    for (i = 1; i <= n; i++) if (index(say, phrases[i])) return 1
    return 0
}

function pods_go(uid, i, a) {
    for (i = split(OWNED[uid], a, " "); i >= 1; i--) if (KIND[a[i]] == "Pod" && has(a[i], "/metadata/deletionTimestamp")) return 1
    return 0
}

function deployment(set, wanted, updated, available, all_, words, blocked) {
    if (not_observed()) return
    set = new_replica_set()
    fleet(set ? pods(set) : "")
    wanted = replicas(); updated = stat("updatedReplicas"); available = stat("availableReplicas"); all_ = stat("replicas")
    if (updated < wanted) words = of(updated, wanted, "replicas are updated")
    else if (all_ > updated) words = all_ - updated == 1 ? "1 old replica is still there" : whole(all_ - updated) " old replicas are still there"
    else if (available < updated) words = of(available, updated, "updated replicas are available")
    else if (fleet_good < wanted) words = of(fleet_good, wanted, "updated replicas have settled")
    else { healthy(of(wanted, wanted, "replicas are updated and available")); return }
    if (flag(J, "/spec/paused")) {
        waits("paused; " words, failure("NotReady", "", "spec.paused is set, so its new template is not rolled out", ""))
        return
    }
    unfinished(words, "", set ? refused_by_condition(set) : 0)
    if (verdict != "failed") deadline(set)
}

# `ProgressDeadlineExceeded`, if it is about this rollout and not left from an earlier one.
function deadline(set, k, say, f, g) {
    k = condition(J, "Progressing")
    if (k == "" || val(J, k "/status") != "False" || val(J, k "/reason") != "ProgressDeadlineExceeded") return
    say = val(J, k "/message")
    if (HAS[J, "Progressing"] < SINCE[J]) return
    if (index(say, "ReplicaSet " Q) && !(set && index(say, "ReplicaSet " Q NAME[set] Q))) return
    g = fleet_suspect
    f = failure("ProgressDeadline", "", g ? sentence(g) : say, "")
    if (g) { F[f, "pod"] = F[g, "pod"]; F[f, "container"] = F[g, "container"]; F[f, "init"] = F[g, "init"] }
    fails(f)
}

# The oldest of its ReplicaSets with its template, as the controller chooses; else the one with the revision that the controller noted.
function new_replica_set(i, n, a, best, noted, t) {
    n = UID[J] == "" ? 0 : split(OWNED[UID[J]], a, " ")
    for (i = 1; i <= n; i++) {
        if (KIND[a[i]] != "ReplicaSet" || has(a[i], "/metadata/deletionTimestamp")) continue
        t = val(a[i], "/metadata/creationTimestamp")
        if (TX[a[i]] == TX[J] && (!best || t < val(best, "/metadata/creationTimestamp"))) best = a[i]
        if (!noted && annotation(J, REVISION) != "" && annotation(a[i], REVISION) == annotation(J, REVISION) && observed() \
            && (stat("updatedReplicas") > 0 || count(a[i], "/status/replicas") == 0)) noted = a[i]
    }
    return best ? best : noted
}

function stateful_set(wanted, all_, ready, updated, on_delete, partition, to_update, available, below, words, blocked) {
    if (not_observed()) return
    fleet(new_stateful_pods())
    wanted = replicas(); all_ = stat("replicas"); ready = stat("readyReplicas"); updated = stat("updatedReplicas")
    available = stat("availableReplicas")
    on_delete = val(J, "/spec/updateStrategy/type") == "OnDelete"
    partition = count(J, "/spec/updateStrategy/rollingUpdate/partition")
    to_update = on_delete ? (fleet_n < wanted ? fleet_n : wanted) : most(wanted - partition, 0)
    if (!on_delete && val(J, "/spec/podManagementPolicy") != "Parallel") stuck(partition)
    below = on_delete || partition > 0 || V[J, "/status/currentRevision"] == V[J, "/status/updateRevision"]
    if (all_ > wanted) words = whole(all_ - wanted) " replicas too many are still there"
    else if (!on_delete && updated < to_update) words = of(updated, to_update, "replicas are updated")
    else if (ready < wanted) words = of(ready, wanted, "replicas are ready")
    else if (count(J, "/spec/minReadySeconds") > 0 && available < wanted) words = of(available, wanted, "replicas are available")
    else if (fleet_good < to_update) words = of(fleet_good, to_update, "updated replicas have settled")
    else if (!below) words = "waiting for its controller to finish the update"
    else if (on_delete && updated < wanted)
        healthy(of(ready, wanted, "replicas are ready, " whole(updated) " of them updated: OnDelete, the others are when they are deleted"))
    else if (partition > 0) healthy(whole(updated) " replicas are updated, those below " whole(partition) " stay")
    else healthy(of(wanted, wanted, "replicas are updated and ready"))
    if (words == "") return
    if (val(J, "/spec/podManagementPolicy") != "Parallel") blocked = scaled("/spec/updateStrategy/rollingUpdate/maxUnavailable", wanted, 1)
    unfinished(words, blocked, refused_by_event(wanted))
}

# A set waits for ever for a broken pod of an older revision (kubernetes/kubernetes#67250): says which. Below the partition the older one is meant.
function stuck(partition, n, i, a, hash, ordinal) {
    n = split(pods(J), a, " ")
    for (i = 1; i <= n; i++) {
        hash = label(a[i], REVISION_HASH)
        ordinal = NAME[a[i]]
        sub(/.*-/, "", ordinal)
        if (hash == "" || val(J, "/status/updateRevision") == "" || hash == val(J, "/status/updateRevision")) continue
        if (ordinal + 0 >= partition && broken_pod(a[i])) print "U\t" SPACE[a[i]] "\t" NAME[a[i]] "\t" UID[a[i]]
    }
}

# A container waits for something that does not come, or ended badly: not one that is only starting.
function broken_pod(o, i, k, list, word) {
    for (i = 1; i <= 2; i++) {
        list = i == 1 ? "/status/initContainerStatuses" : "/status/containerStatuses"
        for (k = 0; k < N[o, list]; k++) {
            word = val(o, list "/" k "/state/waiting/reason")
            if (word != "" && word != "ContainerCreating" && word != "PodInitializing") return 1
            if (int_(o, list "/" k "/state/terminated/exitCode") + 0 != 0) return 1
        }
    }
    for (k = 0; k < N[o, "/status/conditions"]; k++) if (val(o, "/status/conditions/" k "/reason") == "Unschedulable") return 1
    return 0
}

function new_stateful_pods() { return observed() ? labelled(pods(J), REVISION_HASH, val(J, "/status/updateRevision")) : "" }

function daemon_set(wanted, updated, ready, available, on_delete, to_update, words, blocked) {
    if (not_observed()) return
    fleet(new_daemon_pods())
    wanted = stat("desiredNumberScheduled"); updated = stat("updatedNumberScheduled")
    ready = stat("numberReady"); available = stat("numberAvailable")
    on_delete = val(J, "/spec/updateStrategy/type") == "OnDelete"
    to_update = on_delete && fleet_n < wanted ? fleet_n : wanted
    if (!on_delete && updated < wanted) words = of(updated, wanted, "pods are updated")
    else if (available < wanted || ready < wanted) words = of(available < ready ? available : ready, wanted, "pods are available")
    else if (fleet_good < to_update) words = of(fleet_good, to_update, "updated pods have settled")
    else if (wanted == 0) healthy("no node is to run it")
    else if (on_delete && updated < wanted)
        healthy(of(available, wanted, "pods are available, " whole(updated) " of them updated: OnDelete, the others are when they are deleted"))
    else healthy(of(wanted, wanted, "pods are updated and available"))
    if (words == "") return
    # While old pods are left, as many as may be unavailable block the rest.
    if (updated < wanted)
        blocked = most(scaled("/spec/updateStrategy/rollingUpdate/maxUnavailable", wanted, 1), scaled("/spec/updateStrategy/rollingUpdate/maxSurge", wanted, 0))
    unfinished(words, blocked, refused_by_event(wanted))
}

# By the newest ControllerRevision's hash; else by the template's generation, and all of them where the controller says that all are updated.
function new_daemon_pods(list, i, n, a, best, generation, hash, out) {
    if (!observed()) return ""
    list = pods(J)
    n = UID[J] == "" ? 0 : split(OWNED[UID[J]], a, " ")
    for (i = 1; i <= n; i++)
        if (KIND[a[i]] == "ControllerRevision" && (!best || int_(a[i], "/revision") >= int_(best, "/revision"))) best = a[i]
    if (best && (hash = label(best, REVISION_HASH)) != "") return labelled(list, REVISION_HASH, hash)
    n = split(list, a, " ")
    if (n == stat("updatedNumberScheduled")) return list
    generation = annotation(J, TEMPLATE_GENERATION)
    for (i = 1; i <= n; i++) {
        if (generation == "" || label(a[i], "pod-template-generation") != generation) continue
        if (hash == "") hash = label(a[i], REVISION_HASH)
    }
    for (i = 1; i <= n; i++)
        if ((generation != "" && label(a[i], "pod-template-generation") == generation) || (hash != "" && label(a[i], REVISION_HASH) == hash)) out = out " " a[i]
    return out
}

function replica_set(wanted, all_, available, words) {
    if (not_observed()) return
    fleet(pods(J))
    wanted = replicas(); all_ = stat("replicas"); available = stat("availableReplicas")
    if (all_ > wanted) words = whole(all_ - wanted) " replicas too many are still there"
    else if (available < wanted) words = of(available, wanted, "replicas are available")
    else if (fleet_good < wanted) words = of(fleet_good, wanted, "replicas have settled")
    else { healthy(of(wanted, wanted, "replicas are available")); return }
    unfinished(words, "", refused_by_condition(J))
}

function is_true(type, k) { k = condition(J, type); return k != "" && val(J, k "/status") == "True" ? k : "" }

function job(k, n) {
    if (is_true("Complete") != "") { healthy("complete"); return }
    # `FailureTarget` is the decision, `Failed` follows when the last pod is gone.
    k = is_true("Failed")
    if (k == "") k = is_true("FailureTarget")
    if (k != "") { fails(job_failure(k)); return }
    if (is_true("SuccessCriteriaMet") != "") { waits("succeeded, its last pods are ending"); return }
    if (flag(J, "/spec/suspend")) { healthy("suspended"); return }
    judge_exits = 0
    fleet(pods(J))
    n = int_(J, "/spec/completions")
    unfinished(of(stat("succeeded"), n == "" ? 1 : n, "completions, " whole(stat("active")) " pods active, " whole(stat("failed")) " failed"), "", refused_by_event(1))
}

# The Job's own reason; with the container that ended last, if one failed.
function job_failure(k, f, i, j, n, a, l, list, p, e, t, best) {
    f = caused("JobFailed", val(J, k "/reason") == "" ? "Failed" : val(J, k "/reason"), val(J, k "/message"))
    n = UID[J] == "" ? 0 : split(OWNED[UID[J]], a, " ")
    for (i = 1; i <= n; i++) for (l = 0; l < 2; l++) {
        list = l ? "/status/containerStatuses" : "/status/initContainerStatuses"
        for (j = 0; j < N[a[i], list]; j++) {
            p = list "/" j
            e = int_(a[i], p "/state/terminated/exitCode")
            if (e == "" || e == 0) continue
            t = epoch(val(a[i], p "/state/terminated/finishedAt"))
            if (best != "" && (t == "" || t < best)) continue
            best = t
            F[f, "pod"] = NAME[a[i]]; F[f, "container"] = val(a[i], p "/name"); F[f, "init"] = !l
        }
    }
    return f
}

function bare_pod(t, f, must) {
    f = examine(J)
    must = must_run
    t = val(J, "/status/phase")
    if (t == "") t = "Pending"
    if (t == "Succeeded" && !must) { healthy("succeeded"); return }
    if (over) { fails(f ? f : caused("PodFailed", t, "")); return }
    fleet(J)
    if (must && fleet_good > 0) { healthy("running"); return }
    unfinished(t (must ? ", not ready yet" : ", it has to end"), "", 0)
}
