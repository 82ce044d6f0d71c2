# Of the rows `apiVersion, kind, group, namespace, name` of one namespace, those that kubectl's answer (part "json") still shows, or all if it
# is not sure; in the form of objects.tsv.
BEGIN { FS = "\t" }
part == "rows" && $4 == where {
    row[++n] = $0
    key[n] = $3 SUBSEP $2 SUBSEP $4 SUBSEP $5
}

function object() { stands[group, kind, namespace, name] = 1 }

END { for (i = 1; i <= n; i++) if (unsure || (key[i] in stands)) print "00\t0\t" row[i] }
