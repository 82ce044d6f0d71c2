# What stands before a stage is written: a line `absent|present, apiVersion, kind, group, namespace, name, rv, file` for each of its
# objects that is not noted yet. Those that stand and are not in the good bundle are kept whole, in noted/.
BEGIN {
    FS = OFS = "\t"
    ORS = "\n"
}
part == "noted" {
    seen[$4, $3, $5, $6] = 1
    next
}
part == "good" { good[$5, $4, $6, $7] = 1 }
part == "stage" {
    wanted[++n] = $3 FS $4 FS $5 FS $6 FS $7
    key[n] = $5 SUBSEP $4 SUBSEP $6 SUBSEP $7
    of[key[n]] = n
}

function object(    at, i, file) {
    at = of[group, kind, namespace, name]
    if (!at || (key[at] in seen)) return
    stands[at] = rv
    if (key[at] in good) return
    file = "noted/" prefix at ".json"
    for (i = 1; i <= count; i++) print lines[i] > file
    close(file)
    kept[at] = file
}

END {
    for (i = 1; i <= n; i++)
        if (!(key[i] in seen)) print (i in stands ? "present" : "absent"), wanted[i], stands[i], kept[i]
}
