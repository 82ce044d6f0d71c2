# The diagnosis as JSON, out of what the parts say; only what is not well, and not without bound.
BEGIN { FS = "\t" }
part == "disk" {
    split($0, f, / +/)
    disks = disks (disks == "" ? "" : ",") "{\"path\":" str(f[6]) ",\"totalKb\":" f[2] + 0 ",\"freeKb\":" f[4] + 0 "}"
}
part == "memory" && /^MemTotal:/ { split($0, f, / +/); total = f[2] }
part == "memory" && /^MemAvailable:/ { split($0, f, / +/); available = f[2] }
part == "load" { split($0, f, / /); load = f[1] + 0 "," f[2] + 0 "," f[3] + 0 }
part == "version" && /"(client|server)Version"/ { whose = $0 ~ /server/ ? "server" : "client" }
part == "version" && /"gitVersion"/ { split($0, f, "\""); version[whose] = f[4] }
part == "nodes" {
    if (!($1 in kubelet)) name[++nodes] = $1
    kubelet[$1] = $2
    if ($3 == "Ready") ready[$1] = $4 == "True" ? "true" : "false"
    else if ($4 == "True") trouble[$1] = trouble[$1] (trouble[$1] == "" ? "" : ",") str($3)
}
part == "pods" && $4 != "True" && $3 != "Succeeded" && ++pods <= 30 {
    unready = unready (pods > 1 ? "," : "") "{\"namespace\":" str($1) ",\"name\":" str($2) ",\"phase\":" str($3) ",\"reason\":" str($5 == "<no value>" ? "" : $5, "null") "}"
}
part == "events" { warning[++events] = $0 }
part == "gaps" { gaps = gaps (gaps == "" ? "" : ",") $0 }
END {
    print "{\"disk\":[" disks "],\"memory\":{\"totalKb\":" total + 0 ",\"availableKb\":" available + 0 "},\"load\":[" load "]"
    print ",\"kubectl\":" str(version["client"], "null") ",\"server\":" str(version["server"], "null") ",\"nodes\":["
    for (i = 1; i <= nodes && i <= 20; i++)
        print (i > 1 ? "," : "") "{\"name\":" str(name[i]) ",\"ready\":" (ready[name[i]] == "" ? "false" : ready[name[i]]) ",\"version\":" str(kubelet[name[i]]) ",\"trouble\":[" trouble[name[i]] "]}"
    print "],\"pods\":[" unready "],\"events\":["
    for (i = events > 20 ? events - 19 : 1; i <= events; i++) {
        split(warning[i], f, "\t")
        message = f[5]
        sub(/^"/, "", message)
        sub(/"$/, "", message)
        gsub(/\\"/, "\"", message)
        print (more++ ? "," : "") "{\"object\":" str(f[1] " " (f[2] == "" ? "" : f[2] "/") f[3]) ",\"reason\":" str(f[4]) ",\"message\":" str(substr(message, 1, 300)) "}"
    }
    print "],\"gaps\":[" gaps "]}\n"
}
