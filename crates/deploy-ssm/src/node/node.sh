# shellcheck shell=sh
# What runs on the node. The command unpacks this file and its neighbours into $HERE, with `params`, and sources it;
# the unit runs it as `sh node.sh FOLDER run`. Values are data: they are never evaluated, and every expansion is quoted.
# shellcheck disable=SC2034 # Other parts read them.
set -euf
umask 077
export LC_ALL=C
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
HOME=${HOME:-/root}
export PATH HOME

HERE=${1:-$HERE}
OWN_KUBECONFIG=${KUBECONFIG:-}
# shellcheck source=/dev/null
. "$HERE/params"
if [ "${2:-}" = run ]; then VERB=run; fi

: "${STATE_DIR:=/var/lib/deploy-ssm}" "${TIMEOUT:=600}" "${ROLLBACK_TIMEOUT:=300}" "${ON_FAILURE:=rollback}"
: "${VALIDATE:=strict}" "${REQUEST_TIMEOUT:=60}" "${FIELD_MANAGER:=deploy-ssm}" "${FORCE_CONFLICTS:=0}" "${PRUNE:=0}" "${KEEP:=5}"
ROOT=$STATE_DIR/$APP
RUN=$ROOT/runs/$ID

# The parts that the verb needs, which are all that came along.
case $VERB in
deploy | rollback) parts='base obtain start' ;;
run) parts='base apply follow undo finish deploy' ;;
attach | cancel) parts='base start' ;;
*) parts='base ask' ;;
esac
for part in $parts; do
    # shellcheck source=/dev/null
    . "$HERE/$part.sh"
done

# They become paths and numbers; the caller has checked them already.
check_parameters() {
    case $APP in '' | .* | -* | *[!a-z0-9.-]*) refuse invalidInput "this cannot name an app: $APP" ;; esac
    case $ID in -* | *[!0-9A-Za-z-]*) refuse invalidInput "this cannot be an id: $ID" ;; esac
    case $STATE_DIR in /*) ;; *) refuse invalidInput "the state folder is not absolute: $STATE_DIR" ;; esac
    case $VERB$ID in deploy | attach | cancel | rollback | run) refuse invalidInput "no id is given" ;; esac
    for value in "$TIMEOUT" "$ROLLBACK_TIMEOUT" "$REQUEST_TIMEOUT" "$KEEP" "${NUMBER:-0}"; do
        case $value in '' | *[!0-9]* | ?????????*) refuse invalidInput "this is not a number: $value" ;; esac
    done
}

check_parameters
case $VERB in
deploy | rollback) deploy ;;
attach) attach ;;
cancel) cancel ;;
run) run ;;
status | history | show | fail | diagnose | health | sweep) "ask_$VERB" ;;
*) refuse invalidInput "there is no verb $VERB" ;;
esac
