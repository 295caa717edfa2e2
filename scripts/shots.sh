#!/bin/sh
# Draws each workspace at three window sizes into build/shots, to look at before a change is called done.
set -eu
cd "$(dirname "$0")/.."

mkdir -p build/shots
for size in 1280x720 1440x900 1920x1080; do
    for view in single compare grid morph train; do
        picture="build/shots/$view-$size.png"
        case $view in
            train) set -- --workspace train ;;
            *) set -- --view "$view" ;;
        esac
        QT_QPA_PLATFORM=offscreen .venv/bin/latent-loom shot "$picture" "$@" --size "$size" >/dev/null
        echo "$picture"
    done
done
