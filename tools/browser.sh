#!/bin/sh
# tools/browser.sh: a Chromium, and in .venv what drives it, for tests/test_browser.py and pictures.
# Takes the one that CHROMIUM names or that is on the PATH; else, as root, installs Debian's.
set -eu
cd -- "$(dirname -- "$0")/.."

there() {
    for name in ${CHROMIUM:-chromium chromium-browser google-chrome}; do
        ! command -v "$name" >/dev/null || return 0
    done
    return 1
}

if ! there && [ -z "${CHROMIUM:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium, this once ..." >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -qq update && apt-get -qq install --no-install-recommends chromium; } >&2 || true
fi
there || {
    echo "There is no Chromium: apt-get install chromium, or set CHROMIUM to the path of one." >&2
    exit 1
}
exec tools/install.sh browser
