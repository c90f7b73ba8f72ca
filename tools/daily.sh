#!/bin/sh
# Runs a command now and then once a day: daily.sh COMMAND ARGUMENT...
# A run that failed is repeated every 5 minutes. The file /tmp/succeeded exists while the last run has succeeded.
set -u
while :; do
    if "$@"; then
        touch /tmp/succeeded
        sleep "${DAY_SECONDS:-86400}"
    else
        rm -f /tmp/succeeded
        echo "$1 failed. The next attempt is in ${RETRY_SECONDS:=300} seconds." >&2
        sleep "$RETRY_SECONDS"
    fi
done
