"""`python -m icloud_simulator`: serve until interrupted."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import uvloop

from icloud_simulator.demo import APP_PASSWORD, APPLE_ID
from icloud_simulator.simulator import Options, Simulator


def main() -> int:
    """Read the command line, serve, tell how to try it out. Returns the exit code."""
    options = _options()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(options))
    except OSError as error:
        print(f"The iCloud simulator cannot start: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: Options) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with Simulator(options) as simulator:
        print("iCloud simulator")
        print(f"  CalDAV   {simulator.url}")
        print(f"  admin    {simulator.admin_url}/openapi.json")
        if options.demo:
            print(f"  try      {APPLE_ID} {APP_PASSWORD}")
        sys.stdout.flush()
        await stopped.wait()


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="icloud_simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8008, help="CalDAV port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--admin-port", type=int, default=8009, help="admin port, 0 for a free one")
    parser.add_argument("--data", type=Path, help="directory that keeps everything; without it, memory alone")
    parser.add_argument("--partition-base", help="where accounts live, may hold {nn} (default: http://localhost:PORT)")
    parser.add_argument("--seed", choices=("demo", "none"), default="demo", help="accounts to begin with")
    given = parser.parse_args()
    return Options(
        host=given.host,
        port=given.port,
        admin_port=given.admin_port,
        data=given.data,
        partition_base=given.partition_base,
        demo=given.seed == "demo",
    )


if __name__ == "__main__":
    sys.exit(main())
