# One JSON object out of arguments `key:form=value`. Forms: s a string; n a string, null if empty; r JSON as it is;
# f the text of a file, cut; j a file of JSON, null if there is none; l a file of a JSON value a line, as an array.
BEGIN {
    for (i = 1; i < ARGC; i++) {
        at = index(ARGV[i], "=")
        split(substr(ARGV[i], 1, at - 1), head, ":")
        print (i == 1 ? "{" : ",") "\"" head[1] "\":"
        member(head[2], substr(ARGV[i], at + 1))
    }
    print "}\n"
    exit
}

function member(form, value,    line, text, n) {
    if (form == "s") print str(value)
    else if (form == "n") print str(value, "null")
    else if (form == "r") print value
    else if (form == "f") {
        while ((getline line < value) > 0 && length(text) < 4000) text = text (text == "" ? "" : "; ") line
        print str(substr(text, 1, 4000))
    } else if (form == "j") {
        if ((getline line < value) > 0) print line
        else print "null"
    } else {
        print "["
        while ((getline line < value) > 0) print (n++ ? "," : "") line
        print "]"
    }
    if (form != "s") close(value)
}
