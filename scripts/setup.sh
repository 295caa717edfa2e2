#!/bin/sh
# Makes .venv beside the Makefile and installs Latent Loom into it with the exact versions of constraints.txt.
# PYTHON=... chooses the interpreter; without it the first of 3.11 to 3.13 on the PATH is taken.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Asks for an answer and not only for success: any program can exit with 0.
supported() {
    case $("$1" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' 2>/dev/null) in
        "Python 3.11" | "Python 3.12" | "Python 3.13") return 0 ;;
    esac
    return 1
}

find_python() {
    # Not newest first: 3.11 is the version that the constraints were tried on.
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13 python; do
        if supported "$candidate"; then
            printf '%s' "$candidate"
            return 0
        fi
        [ -z "${PYTHON:-}" ] || return 1
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Debian and Ubuntu keep venv's installer in a package of its own.
add_venv_module() {
    package="python$1-venv"
    command -v apt-get >/dev/null 2>&1 ||
        fail "this Python cannot make environments (its ensurepip module is missing): install your system's package for it and run make again."
    if as_root true >/dev/null 2>&1; then
        say "Installing $package, which this Python needs to make an environment ..."
        export DEBIAN_FRONTEND=noninteractive
        if as_root apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 ||
            { as_root apt-get update -qq >/dev/null 2>&1 &&
                as_root apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1; }; then
            return 0
        fi
    fi
    fail "this Python cannot make environments yet; type:  sudo apt-get install -y $package  and run make again."
}

python=$(find_python) || {
    [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13: name another one, or leave PYTHON away."
    fail "no Python 3.11, 3.12 or 3.13 was found on the PATH: install one, or name it with  make setup PYTHON=/path/to/python3."
}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || add_venv_module "$version"

# An environment of another version, half made, or moved with its folder is made anew: it could only fail later.
if ! .venv/bin/python -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" >/dev/null 2>&1 ||
    ! .venv/bin/python -m pip --version >/dev/null 2>&1 ||
    [ "$(cat .venv/made-in 2>/dev/null)" != "$PWD" ]; then
    say "Making .venv with Python $version ..."
    "$python" -m venv --clear .venv ||
        fail "the environment .venv could not be made: see the lines above."
    printf '%s\n' "$PWD" > .venv/made-in
fi

say "Installing Latent Loom into .venv (the first time this takes some minutes) ..."
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-warn-script-location \
    --log .venv/install.log --constraint constraints.txt --editable ".[dev,draw,video]" ||
    fail "pip could not install everything (see above, and .venv/install.log for the whole story): a missing network or a full disk are the usual causes; run make again to go on."
say "Installed."
