#!/bin/sh
# Opens the window; on a machine without a display draws it into a PNG instead and names the file.
set -eu
cd "$(dirname "$0")/.."

if [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}" ] && [ -z "${WAYLAND_DISPLAY:-}" ]; then
    picture=latent-loom.png
    echo "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the window is drawn into a file ..."
    QT_QPA_PLATFORM=offscreen .venv/bin/latent-loom shot "$picture"
    echo "The window is in $PWD/$picture"
    exit 0
fi
exec .venv/bin/latent-loom
