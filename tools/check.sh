#!/usr/bin/env bash
# Everything that needs no server. All parts run, side by side, so that one look shows all that is wrong.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
# What is compiled is kept: every process would compile it anew.
unset PYTHONDONTWRITEBYTECODE
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
names=()
processes=()

part() {
  local name=$1
  shift
  "$@" > "$said/$name" 2>&1 &
  names+=("$name")
  processes+=($!)
}

types() {
  # What tests share (`tests/lib`) is found through mypy_path, and checked where it is imported. The worker's tests have a folder
  # of their own to run from: a hyphen cannot be part of a module's name. Both find what the other knows of the libraries.
  local status=0 known=$PWD/.mypy_cache
  $bin/mypy --cache-dir "$known" --no-error-summary --exclude '(^|/)tests/lib/' shared/src services/*/src tools/*/src \
    shared/tests services/availability/tests services/connector/tests tools/*/tests tests benchmarks examples deploy/kafka/apply.py deploy/grafana/draw.py deploy/prometheus/for_operator.py tools/docs_site tools/sbom || status=1
  (cd services/sync-worker/tests && ../../../$bin/mypy --cache-dir "$known" --config-file ../../../pyproject.toml --no-error-summary --exclude '^lib/' .) || status=1
  return $status
}

# Rules and metrics are judged by Prometheus' own tool; where it cannot be had, those tests skip themselves, or fail (CI).
tools/prometheus.sh || true
# An outside linter judges the manifests; the same holds for it.
tools/checkov.sh || true
part tests $bin/pytest -q -n 2 -m "not servers and not story"
part types types
part format $bin/ruff format --check .
part lint $bin/ruff check .
part rooms $bin/lint-imports --no-cache
part docs env NO_MKDOCS_2_WARNING=1 $bin/mkdocs build --quiet --strict

failed=()
for i in "${!names[@]}"; do
  if ! wait "${processes[$i]}"; then
    failed+=("${names[$i]}")
    cat "$said/${names[$i]}"
  else
    echo "${names[$i]}: $(tail -n 1 "$said/${names[$i]}" | grep . || echo fine)"
  fi
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "check: failed: ${failed[*]}" >&2
  exit 1
fi
