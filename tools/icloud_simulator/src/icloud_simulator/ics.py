"""iCalendar text as components and content lines (RFC 5545, section 3.1), no meaning attached."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

LINE_OCTETS = 75
_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(
    r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)', re.DOTALL
)
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)')


class NotICalendar(ValueError):
    """The text is no iCalendar object."""


@dataclass(frozen=True, slots=True)
class Line:
    """One content line, unfolded. Names are upper case; quotes are taken off parameters."""

    name: str
    parameters: dict[str, str]
    value: str


@dataclass(slots=True)
class Component:
    """A component with its own lines and the components inside it."""

    name: str
    lines: list[Line] = field(default_factory=list)
    parts: list["Component"] = field(default_factory=list)

    def first(self, name: str) -> Line | None:
        """Return the first line of a name."""
        return next((line for line in self.lines if line.name == name), None)

    def all(self, name: str) -> Iterator[Line]:
        """Yield every line of a name."""
        return (line for line in self.lines if line.name == name)

    def value(self, name: str) -> str | None:
        """Return the value of the first line of a name."""
        line = self.first(name)
        return None if line is None else line.value

    def inside(self, name: str) -> list["Component"]:
        """Return the components of a name directly inside."""
        return [part for part in self.parts if part.name == name]


def parse(text: str) -> Component:
    """Read one VCALENDAR. Raises NotICalendar."""
    root = Component("")
    open_ones = [root]
    for raw in unfolded(text):
        if not raw.strip():
            continue
        line = content_line(raw)
        if line.name == "BEGIN":
            begun = Component(line.value.strip().upper())
            open_ones[-1].parts.append(begun)
            open_ones.append(begun)
        elif line.name == "END":
            if open_ones.pop().name != line.value.strip().upper() or not open_ones:
                raise NotICalendar("END does not match")
        elif len(open_ones) == 1:
            raise NotICalendar("a line outside of VCALENDAR")
        else:
            open_ones[-1].lines.append(line)
    if len(open_ones) != 1 or [part.name for part in root.parts] != ["VCALENDAR"]:
        raise NotICalendar("not exactly one whole VCALENDAR")
    return root.parts[0]


def unfolded(text: str) -> list[str]:
    """Return the content lines of a text."""
    return _FOLD.sub("", text).splitlines()


def folded(lines: Iterable[str]) -> str:
    """Write content lines: at most 75 octets each, CRLF, no character cut in two."""
    return "".join(f"{piece}\r\n" for line in lines for piece in _pieces(line.encode()))


def _pieces(line: bytes) -> Iterator[str]:
    mark = ""
    while line:
        piece = line[: LINE_OCTETS - len(mark)].decode(errors="ignore")
        line = line[len(piece.encode()) :]
        yield mark + piece
        mark = " "


def uid_of(text: str) -> str | None:
    """Return the UID of an object, None when it has none or is unreadable."""
    try:
        calendar = parse(text)
    except NotICalendar:
        return None
    return next((uid for part in calendar.parts if (uid := part.value("UID")) is not None), None)


def content_line(raw: str) -> Line:
    """Read one unfolded content line. Raises NotICalendar."""
    match = _LINE.fullmatch(raw)
    if match is None:
        raise NotICalendar("not a content line")
    name, parameters, value = match.groups()
    pairs = {key.upper(): item.strip('"') for key, item in _PARAMETER.findall(parameters)} if parameters else {}
    return Line(name.upper(), pairs, value)
