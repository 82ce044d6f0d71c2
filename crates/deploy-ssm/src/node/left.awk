# Objects that could not be brought back, and why; only the one shown as `only`, if that is given.
BEGIN { FS = "\t" }
part == "error" && length(said) < 2000 { said = said (said == "" ? "" : "; ") $0 }
part == "rows" && (only == "" || only == shown($5, $4, $6, $7)) {
    print "{\"object\":" id($5, $4, $6, $7) ",\"error\":" str(substr(said, 1, 2000)) "}\n"
}
