#!/bin/sh
# tools/install.sh [test]: installs Diagrad, with what the tests need if asked, into .venv.
# Does nothing where .venv is as new as pyproject.toml and the directory has not moved.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
extra=${1:-}
base=$root/.venv/.installed
stamp=$base${extra:+-$extra}

fresh() {
    [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$root" ] &&
        [ -z "$(find "$root/pyproject.toml" -newer "$stamp")" ]
}

fresh && exit 0
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Diagrad needs Python 3.11 or newer; PYTHON=/path/to/python names another one." >&2
    exit 2
}
echo "Installing Diagrad into .venv, this once ..." >&2
clear=
[ ! -e "$base" ] || [ "$(cat "$base")" = "$root" ] || clear=--clear
"$python" -m venv $clear "$root/.venv"
"$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --editable "$root${extra:+[$extra]}"
printf '%s\n' "$root" | tee "$base" >"$stamp"
