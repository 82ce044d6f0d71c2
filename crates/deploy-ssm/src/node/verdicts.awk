# What the judge prints is inside JSON strings already. From two polls' verdicts (parts "old" and "new") to what changed between them: events, lines for the log; and what there is to say
# now: `failures` and `waiting` (a JSON value a line), `tally` (healthy, progressing, failed).
BEGIN { FS = "\t" }
part == "targets" { object[++n] = id($5, $4, $6, $7); label[n] = shown($5, $4, $6, $7) }
part == "old" && $1 == "V" { was[$2] = $3; text[$2] = $4 }
part == "new" && $1 == "P" {
    event("pod", object[$2], ",\"pod\":\"" $3 "\",\"phase\":\"" $4 "\"" ($5 == "-" || $5 == "" ? "" : ",\"reason\":\"" $5 "\""))
    print label[$2] ": pod " $3 " is " $4 ($5 == "-" || $5 == "" ? "" : " (" $5 ")") "\n"
}
part == "new" && $1 == "V" && NF == 6 && ($2 in object) {
    judged[$2] = 1
    tally[$3]++
    if ($3 == "failed") {
        print $5 "\n" > "failures"
        print (tally[$3] > 1 ? "; " : "") label[$2] ": " plain($4) > "hopeless"
        if (was[$2] != $3) {
            print "{\"at\":" str(at) ",\"event\":\"hopeless\",\"failure\":" $5 "}\n" >> "events.jsonl"
            print label[$2] " is hopeless: " $4 "\n"
        }
    } else if ($3 == "progressing") {
        wait($2, $4, $6 == "-" || $6 == "" ? "null" : $6)
        if (text[$2] != $4 || was[$2] != $3) {
            event("progress", object[$2], ",\"message\":\"" $4 "\"")
            print label[$2] ": " $4 "\n"
        }
    } else if (was[$2] != $3) {
        event("healthy", object[$2], "")
        print label[$2] " is healthy\n"
    }
}

# As a person reads it: it becomes a string of JSON again.
function plain(text) {
    gsub(/\\"/, "\"", text)
    return text
}

function event(name, of, more) {
    print "{\"at\":" str(at) ",\"event\":\"" name "\",\"object\":" of more "}\n" >> "events.jsonl"
}

function wait(target, progress, suspect) {
    print "{\"object\":" object[target] ",\"progress\":\"" progress "\",\"suspect\":" suspect "}\n" > "waiting"
    print object[target] "\n" > "waiting_ids"
}

END {
    # A target without a verdict was not looked at: never taken for healthy.
    for (i = 1; i <= n; i++)
        if (!(i in judged)) {
            tally["progressing"]++
            wait(i, "could not be read", "null")
        }
    print tally["healthy"] + 0 " " tally["progressing"] + 0 " " tally["failed"] + 0 "\n" > "tally"
}
