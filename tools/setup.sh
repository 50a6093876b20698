#!/usr/bin/env bash
# The set-up alone: .venv, locked packages, our distributions, the servers' files. Repeatable; does nothing when done.
set -euo pipefail
cd "$(dirname "$0")/.."

stop() {
  echo "setup: $1" >&2
  exit 1
}

newest_python() {
  for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    if [ -n "$name" ] && command -v "$name" > /dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      echo "$name"
      return
    fi
  done
  stop "Python 3.11 or newer is needed: apt-get install python3 python3-venv"
}

distributions=(shared services/connector services/sync-worker services/availability tools/icloud_simulator tools/local_stack tools/calsync)
stamp=.venv/.set-up
wanted=$(cat requirements/dev.txt tools/setup.sh $(printf '%s/pyproject.toml ' "${distributions[@]}") | sha256sum)

if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
  python=$(newest_python)
  if ! .venv/bin/python -m pip --version > /dev/null 2>&1; then
    "$python" -c 'import ensurepip, venv' 2> /dev/null || stop "Python's venv module is missing: apt-get install python3-venv"
    echo "setup: virtual environment with $("$python" --version)"
    "$python" -m venv --clear .venv
  fi
  echo "setup: locked packages (a minute the first time)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
  editables=()
  for distribution in "${distributions[@]}"; do editables+=(-e "./$distribution"); done
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation "${editables[@]}"
  echo "$wanted" > "$stamp"
fi

.venv/bin/python -m local_stack.setup
