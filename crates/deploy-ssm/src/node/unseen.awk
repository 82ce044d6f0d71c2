# Targets that nothing was seen of, as what is waited for.
BEGIN { FS = "\t" }
{
    print id($5, $4, $6, $7) "\n" > "waiting_ids"
    print "{\"object\":" id($5, $4, $6, $7) ",\"progress\":\"could not be read\",\"suspect\":null}\n"
}
