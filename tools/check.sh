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
  # Each distribution by itself: their test folders hold files of the same names.
  local status=0 place
  $bin/mypy --no-error-summary shared/src services/*/src tools/*/src || status=1
  for place in shared/tests services/*/tests tools/*/tests tests benchmarks; do
    if [ -d "$place" ]; then (cd "$place" && "$OLDPWD/$bin/mypy" --config-file "$OLDPWD/pyproject.toml" --no-error-summary .) || status=1; fi
  done
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
