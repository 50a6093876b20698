#!/usr/bin/env bash
# Sees to it that the browser tests have a Chromium: the one that is there, else Debian's (as root), else one in the checkout.
# Prints nothing where there is one; otherwise says how to get it. Exit code 1: there is none.
set -uo pipefail
cd "$(dirname "$0")/.."

there() {
  command -v chromium > /dev/null || command -v chromium-browser > /dev/null || [ -x .servers/chromium ]
}

from_debian() {
  [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || return 1
  echo "browser: Debian's chromium (a minute the first time)"
  apt-get update -qq > /dev/null 2>&1
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null 2>&1
}

into_the_checkout() {
  echo "browser: a Chromium of its own in .servers (a minute the first time)"
  PLAYWRIGHT_BROWSERS_PATH="$PWD/.servers/browsers" timeout 300 .venv/bin/python -m playwright install chromium > /dev/null 2>&1 || return 1
  ln -sf "$(find "$PWD/.servers/browsers" -type f -perm -u+x \( -name chrome -o -name headless_shell \) | head -n 1)" .servers/chromium
}

there || from_debian || into_the_checkout
there && exit 0
echo "browser: there is no chromium, and it could not be installed: apt-get install chromium" >&2
exit 1
