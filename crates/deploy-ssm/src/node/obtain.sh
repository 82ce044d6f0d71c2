# shellcheck shell=sh
# shellcheck disable=SC2015 # Both may fail.
# The package: from the command itself, an address, or a bundle kept; checked before anything of it is unpacked.
# shellcheck disable=SC2154 # The parameters are assigned in `params`.

MOST=67108864

# Puts the package into $RUN/package.
obtain() {
    mkdir -p "$RUN/obtained"
    if [ "$VERB" = rollback ] && [ "${NUMBER:-}" = 0 ]; then
        # Nothing at all: what stands goes.
        : >"$RUN/obtained/objects.tsv"
        rm -rf "$RUN/package"
        mv "$RUN/obtained" "$RUN/package"
        return
    elif [ "$VERB" = rollback ]; then
        [ -f "$ROOT/bundles/$NUMBER/objects.tsv" ] || refuse notFound "bundle $NUMBER of $APP is not kept on the node" \
            "ask for the history: it names those that are"
        cp -R "$ROOT/bundles/$NUMBER/." "$RUN/obtained/" || refuse unavailable "the bundle could not be copied: is the disk full?"
    else
        if [ -n "${URL:-}" ]; then fetch; elif [ -n "${S3_URI:-}" ]; then copy; fi
        [ -f "$WORK/package.tar.gz" ] || refuse invalidInput "no package came along"
        verify
        unpack
    fi
    # shellcheck disable=SC2016
    awk -F '\t' 'NF != 7 || $1 !~ /^[0-9][0-9]+$/ || $2 !~ /^[01]$/ || $3 !~ /^[a-z0-9.\/-]+$/ || $4 !~ /^[A-Za-z0-9]+$/ ||
        $5 !~ /^[a-z0-9.-]*$/ || $6 !~ /^[a-z0-9.-]*$/ || $7 !~ /^[A-Za-z0-9._:][A-Za-z0-9._:-]*$/ { bad = NR; exit }
        END { exit bad || !NR }' "$RUN/obtained/objects.tsv" || refuse invalidInput "the package's list of objects is not valid"
    rm -rf "$RUN/package"
    mv "$RUN/obtained" "$RUN/package"
}

# By a presigned address; its words are no shell's and no curl's.
fetch() {
    case $URL in
    *[\"\\\ ]* | *[[:cntrl:]]*) refuse invalidInput "the package's address is not a URL" ;;
    http://* | https://*) ;;
    *) refuse invalidInput "the package's address is neither http nor https" ;;
    esac
    patience=$((TIMEOUT < 300 ? TIMEOUT : 300))
    if has curl; then
        said=$(printf 'url = "%s"\n' "$URL" | curl -K - -fsS -w '%{http_code}' --connect-timeout 10 --max-time "$patience" --max-filesize "$MOST" \
            --retry 2 --retry-max-time "$patience" -o "$WORK/package.tar.gz" 2>"$WORK/said") || fetch_failed "$said"
    elif has timeout && wget --version 2>/dev/null | grep -q GNU; then
        # Busybox's takes an address from its arguments only.
        (ulimit -f $((MOST / 512)) && printf '%s\n' "$URL" | timeout "$patience" wget -nv -T 30 -O "$WORK/package.tar.gz" -i - 2>"$WORK/said") ||
            fetch_failed "$(sed -n 's/.*ERROR \(40[34]\).*/\1/p' "$WORK/said")"
    else
        refuse notFound "neither curl nor GNU wget is on the node" "install one, or send the package inline"
    fi
}

fetch_failed() {
    case $1 in
    *403) refuse forbidden "the package could not be fetched: HTTP 403" "the address has expired, or its signer may not read the object" ;;
    *404) refuse notFound "the package could not be fetched: HTTP 404" "was the object removed from the bucket?" ;;
    esac
    # Without the address, which is a credential.
    refuse unavailable "the package could not be fetched: $(head -c 300 "$WORK/said" | sed 's/?[^ ]*//g' | tr '\n' ' ')" \
        "can the node reach S3?"
}

copy() {
    has aws || refuse notFound "the AWS CLI is not on the node" "install it, or let the caller presign the package's address"
    timeout 300 aws s3 cp --only-show-errors "$S3_URI" "$WORK/package.tar.gz" 2>"$WORK/said" ||
        refuse unavailable "the package could not be copied: $(head -c 500 "$WORK/said" | tr '\n' ' ')" \
            "may the instance's role read the object?"
}

verify() {
    sum=$(sha256sum <"$WORK/package.tar.gz") || refuse internal "the package could not be read"
    [ "${sum%% *}" = "${SHA256:-}" ] ||
        refuse invalidInput "the package is not the one sent: its sha256 is ${sum%% *} instead of ${SHA256:-none}"
}

# Only the files of a package, only as files: no other name is taken, so none leads elsewhere.
unpack() {
    gzip -dc <"$WORK/package.tar.gz" 2>/dev/null | head -c $((MOST + 1)) >"$WORK/package.tar" ||
        refuse unavailable "the package could not be unpacked: is the disk full?"
    [ "$(wc -c <"$WORK/package.tar")" -le "$MOST" ] || refuse invalidInput "the package is larger than $MOST bytes unpacked"
    tar -tvf "$WORK/package.tar" >"$WORK/kinds" 2>/dev/null && tar -tf "$WORK/package.tar" >"$WORK/names" 2>/dev/null ||
        refuse invalidInput "the package is not a tar.gz"
    strange=$(grep -Evx '(stages/[0-9][0-9]+(\.secret)?\.json|stages/?|objects\.tsv|meta\.json)' <"$WORK/names" | head -n 1 | head -c 200) || :
    [ -z "$strange" ] || refuse invalidInput "the package holds what does not belong there: $strange"
    strange=$(grep -v '^[-d]' <"$WORK/kinds" | head -n 1 | head -c 200) || :
    [ -z "$strange" ] || refuse invalidInput "the package holds something else than files: $strange"
    tar -xof "$WORK/package.tar" -C "$RUN/obtained" 2>"$WORK/said" ||
        refuse unavailable "the package could not be unpacked: $(head -c 300 "$WORK/said" | tr '\n' ' ')" "is the disk full?"
    rm -f "$WORK/package.tar" "$WORK/package.tar.gz"
}
