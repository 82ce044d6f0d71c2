# Objects that were deleted, as events.
BEGIN { FS = "\t" }
{
    print "{\"at\":" str(at) ",\"event\":\"restored\",\"object\":" id($3, $2, $4, $5) ",\"action\":\"delete\"}\n" >> "events.jsonl"
    print shown($3, $2, $4, $5) " is deleted\n"
}
