import subprocess
from collections.abc import Mapping
from pathlib import Path

from local_stack.environment import Environment
from local_stack.layout import Layout
from local_stack.roster import ports_for
from local_stack.run_demo import demo_stack, tell
from local_stack.stack import LocalStack
from local_stack.state import Options
from local_stack.tokens import TokenKeys


def _left_by_up(data: Path) -> tuple[LocalStack, Mapping[str, str]]:
    """What `up` leaves on disk, without its processes."""
    layout, options = Layout(data), Options()
    lines = Environment(layout, options, ports_for(options, automatic=False), None).of_stack()
    layout.logs.mkdir()
    layout.log("connector").touch()
    layout.env_file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    TokenKeys(layout.keys).make()
    return demo_stack(data, ports="fixed"), lines


def _said(stack: LocalStack) -> str:
    said: list[str] = []
    tell(stack, said.append)
    return "\n".join(said)


def test_the_newcomer_is_told_every_address(tmp_path: Path) -> None:
    stack, lines = _left_by_up(tmp_path)

    said = _said(stack)

    addresses = {value for name, value in lines.items() if not name.startswith("CALSYNC_")}
    assert {address for address in addresses if address in said} == addresses


def test_the_newcomer_is_told_that_a_calendar_is_not_read_at_once(tmp_path: Path) -> None:
    said = _said(_left_by_up(tmp_path)[0])

    (line,) = (line for line in said.splitlines() if line.startswith("See when she is busy"))
    assert "a few seconds later" in line
    assert "importing" in line


def test_what_the_newcomer_is_told_to_type_is_valid_shell(tmp_path: Path) -> None:
    said = _said(_left_by_up(tmp_path)[0])

    typed = said[said.index("export CONNECTOR") :]
    commands = [block for block in typed.split("\n\n") if not block.rstrip().endswith(":")]
    for block in commands:
        subprocess.run(["sh", "-n", "-c", block], check=True)
    assert sum("curl" in block for block in commands) == 5
