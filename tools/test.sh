#!/usr/bin/env bash
# What needs real servers: the adapters and services on one MongoDB and one Kafka, the tests across services, the story.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
data=.local/tests

said() {
  sed -n "s/^$1=//p" "$data/stack.env"
}

# Also what an earlier run left behind, if something killed it.
trap '"$bin/python" -m local_stack down --data "$data"' EXIT
"$bin/python" -m local_stack down --data "$data"
"$bin/python" -m local_stack up --detach --parts mongodb,kafka --ports auto --data "$data" > /dev/null
CALSYNC_TEST_MONGODB_URL=$(said CALSYNC_MONGODB_URL)
CALSYNC_TEST_KAFKA_BOOTSTRAP_SERVERS=$(said CALSYNC_KAFKA_BOOTSTRAP_SERVERS)
export CALSYNC_TEST_MONGODB_URL CALSYNC_TEST_KAFKA_BOOTSTRAP_SERVERS
# Where it cannot be had, the tests of the egress proxy skip themselves, or fail (CI).
tools/envoy.sh || true
"$bin/pytest" -q -n 2 --dist loadfile -m "servers and not story"
unset CALSYNC_TEST_MONGODB_URL CALSYNC_TEST_KAFKA_BOOTSTRAP_SERVERS
"$bin/python" -m local_stack down --data "$data"
trap - EXIT

# Where it fails the browser tests skip themselves, or fail where nobody would see that they did (CI).
browser=yes
tools/browser.sh || browser=no

# Stories mostly wait: the rough ones and the others run side by side, each on stacks of their own.
heard=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null; wait; rm -rf "$heard"' EXIT
"$bin/pytest" -q -m "story and (rough or last)" > "$heard/rough" 2>&1 &
rough=$!
status=0
"$bin/pytest" -q -m "story and not rough" || status=$?
wait "$rough" || status=$?
cat "$heard/rough"
[ "$status" = 0 ] || exit "$status"
trap - EXIT
rm -rf "$heard"

"$bin/python" -m local_stack demo
if [ "$browser" = no ]; then
  echo "test: passed, but for the browser tests, which were skipped: there is no chromium" >&2
fi
