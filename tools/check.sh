#!/usr/bin/env bash
# Everything that needs no server. All parts run, so that one look shows all that is wrong.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=()

part() {
  local name=$1
  shift
  if ! "$@"; then failed+=("$name"); fi
}

types() {
  # What tests share (`tests/lib`) is found through mypy_path, and checked where it is imported. The worker's tests have a folder
  # of their own to run from: a hyphen cannot be part of a module's name.
  local status=0
  $bin/mypy --no-error-summary --exclude '(^|/)tests/lib/' shared/src services/*/src tools/*/src \
    shared/tests services/availability/tests services/connector/tests tools/*/tests tests benchmarks || status=1
  (cd services/sync-worker/tests && ../../../$bin/mypy --config-file ../../../pyproject.toml --no-error-summary --exclude '^lib/' .) || status=1
  return $status
}

part format $bin/ruff format --check --quiet .
part lint $bin/ruff check --quiet .
part types types
part rooms $bin/lint-imports --no-cache
part tests $bin/pytest -q -n 2 -m "not servers and not story"

if [ ${#failed[@]} -gt 0 ]; then
  echo "check: failed: ${failed[*]}" >&2
  exit 1
fi
