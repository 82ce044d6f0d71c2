# The `objects` of the result, out of written.tsv, or the ObjectIds of what is left; as a JSON value a line.
BEGIN { FS = "\t" }
{ last[$4, $3, $5, $6] = NR; line[NR] = $0 }
END {
    for (i = 1; i <= NR; i++) {
        split(line[i], f, FS)
        if (last[f[4], f[3], f[5], f[6]] != i || few && f[1] == "unchanged") continue
        print "{\"object\":" id(f[4], f[3], f[5], f[6]) ",\"apiVersion\":" str(f[2]) ",\"action\":\"" f[1] "\"}\n"
    }
}
