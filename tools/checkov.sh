#!/usr/bin/env bash
# Sees to it that the tests of deploy/k8s have checkov: from a lock of its own, in a virtual environment of its own, laid into the checkout.
# Prints nothing where it is there; otherwise says so. Exit code 1: there is none.
set -uo pipefail
cd "$(dirname "$0")/.."

laid=.servers/checkov
locked=requirements/checkov.txt
wanted=$(cat "$locked" tools/checkov.sh | sha256sum)

there() {
  [ "$(cat "$laid/.set-up" 2> /dev/null)" = "$wanted" ]
}

into_the_checkout() {
  echo "checkov: locked packages of its own, in .servers (194 MB, once)"
  local only=(install --quiet --no-deps --require-hashes --only-binary :all: -r "$locked")
  rm -rf "$laid"
  .venv/bin/python -m venv --without-pip "$laid" || return 1
  # uv takes two seconds. It does not read pip's settings: where they lead elsewhere, pip does it in half a minute.
  .venv/bin/uv pip "${only[@]}" --python "$laid/bin/python" > /dev/null 2>&1 ||
    .venv/bin/python -m pip --python "$laid/bin/python" --disable-pip-version-check "${only[@]}" > /dev/null 2>&1 || return 1
  echo "$wanted" > "$laid/.set-up"
}

there || into_the_checkout
there && exit 0
echo "checkov: there is none, and it could not be had: tools/checkov.sh takes it from requirements/checkov.txt" >&2
exit 1
