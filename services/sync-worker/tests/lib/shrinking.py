"""The least of a calendar object that still shows a difference."""

from collections.abc import Callable

_KEPT = ("BEGIN:", "END:", "UID:", "DTSTART", "VERSION:", "PRODID:")


def shrunk(text: str, plainly: str, differs: Callable[[str, str], bool]) -> tuple[str, str]:
    """Leave out events and lines, one after another, for as long as it `differs` all the same.

    The two texts lose the same lines; where their lines are not each other's they are left as they are.
    """
    lines, plain = text.split("\r\n"), plainly.split("\r\n")
    at = len(lines) if len(lines) != len(plain) else 0
    while at < len(lines):
        size = lines.index("END:VEVENT", at) + 1 - at if lines[at] == "BEGIN:VEVENT" else 1
        less, less_plain = lines[:at] + lines[at + size :], plain[:at] + plain[at + size :]
        removable = size > 1 or (lines[at] and not lines[at].startswith(_KEPT))
        if removable and "BEGIN:VEVENT" in less and differs("\r\n".join(less), "\r\n".join(less_plain)):
            lines, plain, at = less, less_plain, 0
        else:
            at += 1
    return "\r\n".join(lines), "\r\n".join(plain)
