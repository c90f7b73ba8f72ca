#!/bin/sh
# Puts prometheus and promtool into a folder, and touches its file `ready`. Usage: tools/prometheus.sh FOLDER
# Installed programs are linked. On Debian and Ubuntu the package is downloaded and unpacked, which needs no rights.
# Elsewhere the folder stays without them, and the tests of alerts and dashboard are skipped.
set -eu
folder=$1
mkdir -p "$folder"

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    ln -sf "$(command -v prometheus)" "$(command -v promtool)" "$folder"
elif command -v apt-get >/dev/null; then
    echo "Downloading Prometheus from the package sources of this machine ..." >&2
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    # With lists of its own: those of the machine may be missing, and only its administrator may fetch them.
    apt="apt-get -qq -o Dir::State::Lists=$work/lists -o Dir::Cache=$work/cache -o APT::Sandbox::User="
    $apt update
    (cd "$work" && $apt download prometheus)
    dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$folder" --strip-components 3 ./usr/bin
else
    echo "Prometheus was not found: the tests of alerts and dashboard are skipped. Install it to run them." >&2
fi
touch "$folder/ready"
