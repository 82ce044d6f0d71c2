# Of the objects that this run had changed (part "written"), those that are as before (part "back"), as events.
BEGIN { FS = "\t" }
part == "written" && $1 != "unchanged" { changed[$4, $3, $5, $6] = 1 }
part == "back" && (($5, $4, $6, $7) in changed) {
    print "{\"at\":" str(at) ",\"event\":\"restored\",\"object\":" id($5, $4, $6, $7) ",\"action\":\"update\"}\n" >> "events.jsonl"
    print shown($5, $4, $6, $7) " is put back\n"
}
