#!/usr/bin/env bash
# Refreshes the hashed locks from the .in files. They name packages and hashes only, never an index.
set -euo pipefail
cd "$(dirname "$0")"
for set in runtime simulator admin dev checkov; do
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --override overrides.txt --custom-compile-command 'make lock' "$set.in" --output-file "$set.txt" ${UPGRADE:+--upgrade}
done
