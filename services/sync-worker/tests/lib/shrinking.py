"""The least of a calendar object that still shows a difference."""

from collections.abc import Callable

_KEPT = ("BEGIN:", "END:", "UID:", "DTSTART", "VERSION:", "PRODID:")


def shrunk(text: str, differs: Callable[[str], bool]) -> str:
    """Leave out events and lines, one after another, for as long as it `differs` all the same."""
    lines = text.split("\r\n")
    at = 0
    while at < len(lines):
        size = lines.index("END:VEVENT", at) + 1 - at if lines[at] == "BEGIN:VEVENT" else 1
        less = lines[:at] + lines[at + size :]
        removable = size > 1 or (lines[at] and not lines[at].startswith(_KEPT))
        if removable and "BEGIN:VEVENT" in less and differs("\r\n".join(less)):
            lines, at = less, 0
        else:
            at += 1
    return "\r\n".join(lines)
