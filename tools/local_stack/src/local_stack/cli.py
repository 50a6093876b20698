"""The command line; docs and people use these names."""

import argparse
import errno
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from local_stack.checkout import DEFAULT_DATA
from local_stack.errors import CannotGoOn
from local_stack.foreground import interrupted_once, run_until_stopped
from local_stack.layout import ALL_PARTS
from local_stack.setup import set_up
from local_stack.stack import LocalStack
from local_stack.status import status_of, table
from local_stack.tokens import EVERY_SCOPE, duration

_FOLLOW_EVERY_SECONDS = 0.2
_WHO = "a name that `status` tells; sync-worker: all workers; mongodb: all members; mongodb-primary: who it is now"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, or 1 after saying in plain words what stands in the way."""
    chosen = _parser().parse_args(arguments)
    try:
        return _COMMANDS[chosen.command](chosen)
    except CannotGoOn as reason:
        print(reason, file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print("The disk is full. Make room and start again.", file=sys.stderr)
    return 1


def _say(text: str) -> None:
    print(text, flush=True)


def _up(chosen: argparse.Namespace) -> int:
    stack = LocalStack(
        chosen.data,
        ports=chosen.ports,
        parts=tuple(chosen.parts.split(",")),
        workers=chosen.workers,
        mongodb_members=chosen.mongodb_members,
        icloud_url=chosen.icloud_url,
        seed=chosen.seed,
        env=dict(chosen.env),
    )
    if chosen.detach:
        with interrupted_once():
            stack.up(detach=True, say=_say)
        _tell_addresses(stack)
    else:
        run_until_stopped(stack, say=_say, when_up=lambda: _tell_addresses(stack))
    return 0


def _tell_addresses(stack: LocalStack) -> None:
    _say("Ready.")
    for name, value in stack.env.items():
        if not name.startswith("CALSYNC_"):
            _say(f"  {name}={value}")


def _run(chosen: argparse.Namespace) -> int:
    from local_stack.run_demo import demo_stack, tell  # noqa: PLC0415 - needs the simulator, which `up` may do without

    set_up(_say)
    stack = demo_stack(chosen.data, ports=chosen.ports)
    run_until_stopped(stack, say=_say, when_up=lambda: tell(stack, _say))
    return 0


def _demo(_chosen: argparse.Namespace) -> int:
    from local_stack import demo  # noqa: PLC0415 - the iPhone's CalDAV client takes a second to import

    return demo.main()


def _setup(_chosen: argparse.Namespace) -> int:
    set_up(_say)
    return 0


def _status(chosen: argparse.Namespace) -> int:
    state = LocalStack(chosen.data).state
    if state is None:
        msg = f"No stack runs in {chosen.data}. Start one: .venv/bin/python -m local_stack up"
        raise CannotGoOn(msg)
    parts = status_of(state)
    _say(table(parts))
    return 0 if all(part.condition == "running" for part in parts) else 1


def _logs(chosen: argparse.Namespace) -> int:
    with LocalStack(chosen.data).log_file(chosen.service).open(errors="replace") as log:
        while True:
            for line in log:
                print(line, end="")
            if not chosen.follow:
                return 0
            sys.stdout.flush()
            time.sleep(_FOLLOW_EVERY_SECONDS)


def _restart(chosen: argparse.Namespace) -> int:
    LocalStack(chosen.data).restart(chosen.service)
    return 0


def _kill(chosen: argparse.Namespace) -> int:
    LocalStack(chosen.data).kill(chosen.service)
    return 0


def _down(chosen: argparse.Namespace) -> int:
    LocalStack(chosen.data).down(keep_data=chosen.keep_data)
    return 0


def _token(chosen: argparse.Namespace) -> int:
    _say(LocalStack(chosen.data).token(chosen.account, chosen.user, chosen.scope, ttl=chosen.ttl))
    return 0


_COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "up": _up,
    "run": _run,
    "demo": _demo,
    "setup": _setup,
    "status": _status,
    "logs": _logs,
    "restart": _restart,
    "kill": _kill,
    "down": _down,
    "token": _token,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m local_stack", description="The whole system on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, what: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=what, description=what)

    def stack_command(name: str, what: str) -> argparse.ArgumentParser:
        added = command(name, what)
        added.add_argument("--data", type=Path, default=DEFAULT_DATA, help="the stack's folder (default: %(default)s)")
        return added

    up = stack_command("up", "Start everything, in the foreground unless detached.")
    up.add_argument("--detach", action="store_true", help="return when every part is ready")
    up.add_argument("--workers", type=int, default=1, metavar="N", help="how many sync-workers (default: 1)")
    up.add_argument(
        "--mongodb-members", type=int, default=1, metavar="N", help="of the replica set, 1 or 3 (default: 1)"
    )
    up.add_argument("--icloud-url", metavar="URL", help="a CalDAV server in the simulator's place")
    up.add_argument(
        *("--env", "-e"),
        action="append",
        type=_setting,
        default=[],
        metavar="KEY=VALUE",
        help="a setting for the services",
    )
    up.add_argument("--seed", choices=("demo", "none"), default="demo", help="what the simulator holds at first")
    up.add_argument("--parts", default=",".join(ALL_PARTS), help="only these (default: %(default)s)")
    _add_ports(up)
    _add_ports(stack_command("run", "Set up and start everything with a demo user; says what to open and to type."))
    command("demo", "Tell the product's story on a stack of its own; exit code 0 or 1.")
    command("setup", "Fetch and check the servers that the stack needs.")
    stack_command("status", "Say what runs; exit code 1 when some part does not.")
    logs = stack_command("logs", "Print what a part has logged.")
    logs.add_argument("service")
    logs.add_argument("--follow", "-f", action="store_true", help="go on until Ctrl-C")
    stack_command("restart", "Stop a part, start it again, return when it is ready.").add_argument("service", help=_WHO)
    stack_command("kill", "Kill a part (SIGKILL).").add_argument("service", help=_WHO)
    stack_command("down", "Stop everything.").add_argument(
        "--keep-data", action="store_true", help="for the next start"
    )
    token = stack_command("token", "Print a bearer token.")
    token.add_argument("--account", required=True)
    token.add_argument("--user", required=True, help="a user id, or service:<name>")
    token.add_argument("--scope", default=EVERY_SCOPE, help="space-separated (default: %(default)s)")
    token.add_argument("--ttl", type=duration, default="1h", help="such as 90s, 30m, 1h, 2d (default: %(default)s)")
    return parser


def _add_ports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ports", choices=("auto", "fixed"), default="fixed", help="auto: free ones; default: %(default)s"
    )


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        msg = f"{text} is not KEY=VALUE"
        raise argparse.ArgumentTypeError(msg)
    return name, value
