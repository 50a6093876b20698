#!/usr/bin/env bash
# What needs real servers: the adapters and services on one MongoDB and one Kafka, the tests across services, the story.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
data=.local/tests
# What is compiled is kept: some two hundred processes start here, and would each compile it anew.
unset PYTHONDONTWRITEBYTECODE

said() {
  sed -n "s/^$1=//p" "$data/stack.env"
}

# The files that hold such tests, with a word on how many: whoever is told of them reads no others, which takes seconds.
files_of() {
  "$bin/pytest" --collect-only -q -m "$1" | awk '/::/ { sub(/::.*/, ""); print; next } { print > "/dev/stderr" }' | sort -u
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
# These tests mostly wait: more of them than there are cores, and the files that take longest begin first.
with_servers="servers and not story"
longest=(
  shared/tests/runtime/test_outages.py
  tests/test_roles.py
  services/availability/tests/bootstrap/test_verify.py
  tools/local_stack/tests/test_foreground.py
)
others=($(files_of "$with_servers" | grep -vxF -f <(printf '%s\n' "${longest[@]}")))
"$bin/pytest" -q -n 5 --dist loadfile --no-loadscope-reorder -m "$with_servers" "${longest[@]}" "${others[@]}"
unset CALSYNC_TEST_MONGODB_URL CALSYNC_TEST_KAFKA_BOOTSTRAP_SERVERS
"$bin/python" -m local_stack down --data "$data"
trap - EXIT

# Where it fails the browser tests skip themselves, or fail where nobody would see that they did (CI).
browser=yes
tools/browser.sh || browser=no

# Stories mostly wait: three of them run side by side, each on stacks of its own. What searches the stack that stories leave
# behind runs after the rough ones and after the calm ones; these bring their own stack, or need none, and leave none.
apart=(tests/test_another_server.py tests/test_failover.py tests/test_pages_in_every_state.py tests/test_storm.py)
heard=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null; wait; rm -rf "$heard"' EXIT
"$bin/pytest" -q -m "story and (rough or last)" tests "${apart[@]/#/--ignore=}" > "$heard/rough" 2>&1 &
rough=$!
"$bin/pytest" -q -m story "${apart[@]}" > "$heard/apart" 2>&1 &
alone=$!
status=0
"$bin/pytest" -q -m "story and not rough" tests "${apart[@]/#/--ignore=}" || status=$?
wait "$rough" || status=$?
wait "$alone" || status=$?
cat "$heard/rough" "$heard/apart"
[ "$status" = 0 ] || exit "$status"
trap - EXIT
rm -rf "$heard"

"$bin/python" -m local_stack demo
if [ "$browser" = no ]; then
  echo "test: passed, but for the browser tests, which were skipped: there is no chromium" >&2
fi
