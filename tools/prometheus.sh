#!/usr/bin/env bash
# Sees to it that the tests of metrics and alarms have Prometheus and promtool: those that are there, else Debian's, laid into the checkout.
# Installs no service. Prints nothing where they are; otherwise says how to get them. Exit code 1: there are none.
set -uo pipefail
cd "$(dirname "$0")/.."

there() {
  { command -v prometheus && command -v promtool; } > /dev/null || { [ -x .servers/prometheus ] && [ -x .servers/promtool ]; }
}

into_the_checkout() {
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || return 1
  echo "prometheus: Debian's, in .servers (half a minute the first time)"
  local laid=.servers/prometheus.debian
  rm -rf "$laid" && mkdir -p "$laid" || return 1
  [ "$(id -u)" = 0 ] && apt-get update -qq > /dev/null 2>&1
  (cd "$laid" && apt-get download -qq prometheus > /dev/null 2>&1 && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb) || return 1
  for program in prometheus promtool; do
    ln -sfn "$PWD/$laid/usr/bin/$program" ".servers/$program" || return 1
  done
}

there || into_the_checkout
there && exit 0
echo "prometheus: there is none, and it could not be had: apt-get install prometheus" >&2
exit 1
