# What kind of error kubectl's words are (an ErrorKind), and which object of the stage they name: `kind TAB object`.
BEGIN { FS = "\t" }
part == "error" { said = said $0 "\n" }
part == "stage" && !best {
    # As in: The Deployment "api" is invalid / deployments.apps "api" is forbidden / (shop/api; apps/v1, Kind=Deployment)
    if (index(said, "\"" $7 "\"") || index(said, "/" $7 ";") || index(said, "\"" $7 "\\\"")) {
        if (index(tolower(said), tolower($4))) {
            object = shown($5, $4, $6, $7)
            best = 1
        } else if (object == "") object = shown($5, $4, $6, $7)
    }
}
END {
    if (said ~ /\(Forbidden\)|is forbidden|denied the request/) kind = "forbidden"
    else if (said ~ /\(Unauthorized\)|must be logged in|provide credentials/) kind = "unauthorized"
    else if (said ~ /\(Conflict\)|Apply failed with [0-9]+ conflict/) kind = "conflict"
    else if (said ~ /\(Invalid\)|is invalid|\(BadRequest\)|[Uu]nknown field|field not declared|failed to create typed patch|no matches for kind|error validating|error parsing|unable to decode|Invalid value|doesn't have a resource type/) kind = "invalidInput"
    else if (said ~ /imeout|deadline exceeded|timed out/) kind = "timeout"
    else if (said ~ /refused|Unable to connect|ServiceUnavailable|InternalError|TooManyRequests|no route to host|connection reset|unexpected EOF|EOF$|unable to handle the request|no such host|apiserver not ready/) kind = "unavailable"
    else if (said ~ /\(NotFound\)|not found/) kind = "notFound"
    else kind = "internal"
    print kind "\t" object "\n"
}
