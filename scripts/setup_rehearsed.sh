#!/bin/sh
# Makes .venv-rehearsed with a build of torch that knows CUDA, for tests that rehearse a GPU on a machine without one.
# PYTHON=... chooses the interpreter. Takes about 5.5 GB; all else has the versions of constraints.txt.
set -eu
cd "$(dirname "$0")/.."

TORCH=2.14.1

say() { printf '%s\n' "$*"; }
fail() { printf 'setup_rehearsed: %s\n' "$*" >&2; exit 1; }

python=${PYTHON:-python3.11}
"$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
    fail "$python cannot make environments: name a Python 3.11 to 3.13 with  make test-rehearsed PYTHON=/path/to/python3."
[ -x .venv-rehearsed/bin/python ] || "$python" -m venv --clear .venv-rehearsed ||
    fail "the environment .venv-rehearsed could not be made: see the lines above."
# torch has a version of its own here, and brings what it needs of CUDA in versions of its own.
grep -v '^torch==' constraints.txt > .venv-rehearsed/constraints.txt
say "Installing torch $TORCH with CUDA into .venv-rehearsed (about 5.5 GB, the first time this takes some minutes) ..."
.venv-rehearsed/bin/python -m pip install -qq --disable-pip-version-check --no-warn-script-location \
    --log .venv-rehearsed/install.log --constraint .venv-rehearsed/constraints.txt \
    "torch==$TORCH" numpy Pillow safetensors platformdirs opencv-python-headless tensorboardX psutil \
    pytest pytest-timeout pytest-xdist ||
    fail "pip could not install everything (.venv-rehearsed/install.log has the whole story): run make test-rehearsed again to go on."
.venv-rehearsed/bin/python -c 'import sys, torch; sys.exit(torch.version.cuda is None)' ||
    fail "torch $TORCH came as a build for the CPU alone: on this system there is none with CUDA, so nothing can be rehearsed here."
say "Installed."
