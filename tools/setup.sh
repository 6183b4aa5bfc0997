#!/bin/sh
# Make .venv and install everything into it: hash-locked dependencies, then the
# workspace itself, editable. Plain sh, since this runs before there is a Python.
set -eu
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}

new_enough() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 or newer is needed; none of python3, python3.11 ... python3.14 is one." >&2
    echo "Install it (Debian 12+, Ubuntu 24.04+: sudo apt-get install python3 python3-venv)," >&2
    echo "or name it: make setup PYTHON=/path/to/python3.12" >&2
    exit 1
}

require_venv() {
    "$1" -c 'import venv, ensurepip' >/dev/null 2>&1 && return
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$1 cannot make virtual environments (no venv or ensurepip). Install them with:" >&2
    if command -v apt-get >/dev/null 2>&1; then
        if [ "$1" = python3 ]; then package=python3-venv; else package="python$version-venv"; fi
        echo "  sudo apt-get install $package" >&2
    elif command -v apk >/dev/null 2>&1; then
        echo "  sudo apk add python3 py3-pip" >&2
    else
        echo "  your system's package for Python's venv (dnf: python3-pip, zypper: python3-pip)" >&2
    fi
    exit 1
}

if [ ! -x "$VENV/bin/python" ] || ! new_enough "$VENV/bin/python"; then
    python=$(find_python)
    require_venv "$python"
    echo "making $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1
echo "installing the locked dependencies (first time: a minute or two)"
"$VENV/bin/python" -m pip install --quiet --require-hashes -r requirements/dev.txt

set --
for folder in libs/* services/* cli clients/*; do
    if [ -f "$folder/pyproject.toml" ]; then set -- "$@" -e "$folder"; fi
done
echo "installing the workspace"
"$VENV/bin/python" -m pip install --quiet --no-deps --no-build-isolation "$@"
