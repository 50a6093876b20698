#!/usr/bin/env bash
# Writes rendered/ anew: each overlay as kustomize builds it. Run it after every change in here, in ../grafana or in ../kafka. The tests read
# what is rendered and so need no kustomize; they refuse what was rendered from other sources.
set -euo pipefail
cd "$(dirname "$0")"
if command -v kustomize > /dev/null; then build=(kustomize build); else build=(kubectl kustomize); fi
mkdir -p rendered
for overlay in overlays/*/; do
  name=$(basename "$overlay")
  "${build[@]}" "$overlay" > "rendered/$name.yaml"
done
find base components overlays ../grafana ../kafka -type f -not -path "*__pycache__*" | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1 > rendered/SOURCES.sha256
