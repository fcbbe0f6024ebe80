#!/bin/sh
# tools/site.sh: builds the documentation site in build/site, with warnings as errors.
# Installs what that needs into .venv, once. build/site/index.html opens without a server.
set -eu
cd -- "$(dirname -- "$0")/.."
tools/install.sh docs
exec .venv/bin/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env \
    --doctree-dir build/doctrees docs build/site
