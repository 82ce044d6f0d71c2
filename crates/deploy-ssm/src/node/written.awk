# What was done to the objects of a stage: `action, apiVersion, kind, group, namespace, name` each, and an event each, from what stood
# before (part "noted") and what stands now (part "json"). What never came to be is left out.
BEGIN { FS = "\t" }
part == "noted" { before[$4, $3, $5, $6] = $1 == "absent" ? "" : $7 }
part == "stage" {
    row[++n] = $3 FS $4 FS $5 FS $6 FS $7
    key[n] = $5 SUBSEP $4 SUBSEP $6 SUBSEP $7
}

function object() { now[group, kind, namespace, name] = rv }

END {
    for (i = 1; i <= n; i++) {
        if (!(key[i] in now) && !unsure) continue
        action = before[key[i]] == "" ? "create" : now[key[i]] == before[key[i]] ? "unchanged" : "update"
        split(row[i], f, FS)
        print action FS row[i] "\n" >> "written.tsv"
        print "{\"at\":" str(at) ",\"event\":\"applied\",\"object\":" id(f[3], f[2], f[4], f[5]) ",\"action\":\"" action "\"}\n" >> "events.jsonl"
        print shown(f[3], f[2], f[4], f[5]) ": " action "\n"
    }
}
