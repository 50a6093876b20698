"""A blank line within a table ends it: what follows is shown as text."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def is_row(line: str) -> bool:
    return line.startswith("|")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_row_stands_in_a_table(page: Path) -> None:
    lines = ["", *page.read_text(encoding="utf-8").splitlines(), ""]

    firsts = [n for n in range(1, len(lines)) if is_row(lines[n]) and not is_row(lines[n - 1])]

    assert [lines[n] for n in firsts if not set(lines[n + 1]) <= set("|:- ") or "---" not in lines[n + 1]] == []
