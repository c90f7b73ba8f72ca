#!/bin/sh
# Makes a virtual environment from a hashed lock, and touches its file `ready`:
#   tools/environment.sh FOLDER LOCK [OPTIONS OF `uv pip install` FOR WHAT COMES ON TOP]
# Python 3.13 is this machine's, uv this machine's or the package index's.
set -eu
cd "$(dirname "$0")/.."
environment=$1
lock=$2
shift 2

# The certificates that this machine trusts, as pip does: a company's network may have one of its own.
export UV_SYSTEM_CERTS=1

say() { printf '%s\n' "$*" >&2; }

is_python_313() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; }

find_python() {
    for candidate in "${PYTHON:-python3.13}" python3.13 python3 python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python; do
        if is_python_313 "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    if command -v uv >/dev/null; then
        uv python find --no-project 3.13 2>/dev/null && return
    fi
    say "Python 3.13 was not found. Install it (python3.13 on PATH, pyenv, or 'uv python install 3.13'),"
    say "or name it: make PYTHON=/path/to/python3.13 ..."
    return 1
}

python=$(find_python)

if command -v uv >/dev/null; then
    uv=uv
else
    uv=.tools/uv/bin/uv
    if [ ! -x "$uv" ]; then
        say "Getting uv (it is not on PATH) ..."
        # Into a folder of its own: an environment with a pip of its own takes longer than all the rest.
        "$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore --upgrade --target .tools/uv --require-hashes \
            --requirement locks/uv.txt || {
            say "uv could not be had with $python -m pip. Install uv or pip, and try again."
            exit 1
        }
    fi
fi

say "Making $environment with $("$python" --version) ..."
"$uv" venv --quiet --allow-existing --python "$python" "$environment"
"$uv" pip sync --quiet --python "$environment/bin/python" --require-hashes "$lock"
[ $# -eq 0 ] || "$uv" pip install --quiet --python "$environment/bin/python" --no-deps "$@"
touch "$environment/ready"
