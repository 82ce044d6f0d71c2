# Each line as a JSON string.
{ print str($0) "\n" }
