#!/bin/sh
# Draws each workspace at three window sizes into build/shots, to look at before a change is called done.
set -eu
cd "$(dirname "$0")/.."

mkdir -p build/shots
for workspace in explore train lab; do
    for size in 1280x720 1440x900 1920x1080; do
        picture="build/shots/$workspace-$size.png"
        QT_QPA_PLATFORM=offscreen .venv/bin/latent-loom shot "$picture" --workspace "$workspace" --size "$size" >/dev/null
        echo "$picture"
    done
done
