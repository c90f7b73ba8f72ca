#!/bin/sh
# Creates a virtual environment from a lock, and touches its file `ready`.
# Usage: tools/environment.sh FOLDER LOCK [arguments of `uv pip install` for additional packages]
# Python 3.13 must be installed. uv is downloaded from the package index if it is not on PATH.
set -eu
cd "$(dirname "$0")/.."
environment=$1
lock=$2
shift 2

# The system's certificates, like pip: a company's network may need its own.
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
        say "Downloading uv (it is not on PATH) ..."
        # A plain folder: creating an environment with pip would take longer than all other steps.
        "$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore --upgrade --target .tools/uv --require-hashes \
            --requirement locks/uv.txt || {
            say "$python -m pip could not install uv. Install uv or pip, and try again."
            exit 1
        }
    fi
fi

say "Creating $environment with $("$python" --version) ..."
"$uv" venv --quiet --allow-existing --python "$python" "$environment"
"$uv" pip sync --quiet --python "$environment/bin/python" --require-hashes "$lock"
[ $# -eq 0 ] || "$uv" pip install --quiet --python "$environment/bin/python" --no-deps "$@"
touch "$environment/ready"
