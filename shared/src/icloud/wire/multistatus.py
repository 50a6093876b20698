"""The hardened reader of multistatus answers (RFC 4918 §13): lenient about form, strict about completeness.

Names are compared with their namespaces, any prefix, quote or CDATA will do. Only one response is in memory at a time,
and a response may hold only so much (`bounds`): a reader turns four bytes (`<a/>`) into more than a hundred. The
standard library's reader forgets an answer with its end; libxml2, as lxml has it, keeps each name for ever.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from xml.etree import ElementTree as ET

from icloud import paths
from icloud.errors import NotUnderstood, TryLater
from icloud.wire import bounds, names

_SLICE = 65_536
_SUCCESS = 2  # the class of status 2xx
_STATUS = re.compile(r"HTTP/\d(?:\.\d)?\s+(\d{3})(?!\d)")
Element: TypeAlias = ET.Element
_END = re.compile(rb"</(?:[^<>/]{0,64}:)?multistatus\s*>\s*\Z")
_END_LENGTH = 256
_LONGEST_PROLOG = 16_384
_BOM = b"\xef\xbb\xbf"
_OF_ANSWER = frozenset({names.RESPONSE, names.SYNC_TOKEN})


@dataclass(frozen=True, slots=True)
class Response:
    """What a multistatus says about one resource."""

    path: str
    """Percent-decoded, without host, and not always to be asked (`icloud.paths`); empty where the href was empty."""
    status: int | None
    """Of the resource as a whole, where it has one."""
    found: Mapping[str, Element]
    """Properties that exist, by name."""
    failed: Mapping[str, int]
    """Status of properties that do not exist or could not be told."""
    conditions: frozenset[str]
    """Local names of the preconditions that an error names (RFC 4918 §16)."""

    def text(self, name: str) -> str | None:
        """Text of a property, None if it is absent or empty. Some servers write an absent one as `None`."""
        element = self.found.get(name)
        text = "" if element is None else (element.text or "").strip()
        return text if text not in ("", "None") else None


@dataclass(frozen=True, slots=True)
class NextToken:
    """The sync token that stands for this answer (RFC 6578 §6.2)."""

    token: str


def read(body: bytes | bytearray, *, base: str) -> Iterator[Response | NextToken]:
    """Read the parts of a multistatus in order; `base` is the encoded path that relative hrefs belong to.

    Raise NotUnderstood for what is no multistatus, TryLater for one that was cut short. Whoever stops on an error has
    learnt nothing: what was read until then may be half of the truth.
    """
    _refuse_disguise(body)
    parser, builder = _parser()
    tail = bytes(body[-_END_LENGTH:])
    if len(body) > _SLICE:
        yield from _sliced(body, parser, builder, base)
    elif bounds.is_too_much(body):
        raise NotUnderstood("too_much_markup")
    else:
        _fed(parser, bytes(body))
    for element in _complete(parser, tail):
        if element.tag in _OF_ANSWER:
            yield _part(element, base)


def _sliced(
    body: bytes | bytearray, parser: ET.XMLParser, builder: ET.TreeBuilder, base: str
) -> Iterator[Response | NextToken]:
    """All but the end of it, a slice at a time; nearly every answer fits into one, and is spared this."""
    held = bounds.Held()
    reading = memoryview(body)
    for start in range(0, len(body), _SLICE):
        piece = bytes(reading[start : start + _SLICE])
        held.add(piece)
        _fed(parser, piece)
        for element in _parts(builder, held):
            yield _part(element, base)


def conditions(body: bytes | bytearray) -> frozenset[str]:
    """Local names of the preconditions that a refusal's body names; none if it is something else (RFC 4918 §16)."""
    if names.ERROR.rpartition("}")[2].encode() not in body or bounds.is_too_much(body):
        return frozenset()
    parser, _ = _parser()
    try:
        _refuse_disguise(body)
        parser.feed(bytes(body))
        root = parser.close()
    except (NotUnderstood, ET.ParseError):
        return frozenset()
    return _conditions(root) if root.tag == names.ERROR else frozenset()


def is_success(status: int) -> bool:
    """Tell whether a status is one of the 2xx."""
    return status // 100 == _SUCCESS


def _parser() -> tuple[ET.XMLParser, ET.TreeBuilder]:
    """A reader and what it builds; the entities that make it dangerous come by a DOCTYPE alone, which is refused."""
    builder = ET.TreeBuilder()
    # Whatever the document claims: an exotic encoding could hide a DOCTYPE from us.
    return ET.XMLParser(target=builder, encoding="utf-8"), builder  # noqa: S314 -- see above


def _refuse_disguise(body: bytes | bytearray) -> None:
    """Refuse what is no XML, and any DOCTYPE: it is legal only before the root element, and brings entities in."""
    position = 3 if body.startswith(_BOM) else 0
    while position < _LONGEST_PROLOG:
        while body[position : position + 1].isspace() and position < _LONGEST_PROLOG:
            position += 1
        ends = {b"<?": b"?>", b"<!": b"-->"}.get(bytes(body[position : position + 2]))
        if ends is None:
            break
        if ends == b"-->" and not body.startswith(b"<!--", position):
            raise NotUnderstood("doctype")
        position = body.find(ends, position)
        if position < 0:
            raise NotUnderstood("not_xml")
        position += len(ends)
    if not body.startswith(b"<", position):
        raise NotUnderstood("not_xml" if body else "empty_answer")


def _fed(parser: ET.XMLParser, piece: bytes) -> None:
    try:
        parser.feed(piece)
    except ET.ParseError:
        raise NotUnderstood("not_xml") from None


def _complete(parser: ET.XMLParser, tail: bytes) -> Element:
    try:
        root: Element = parser.close()
    except ET.ParseError:
        if _END.search(tail):
            raise NotUnderstood("not_xml") from None
        # All that came could be read; the end did not come.
        raise TryLater(None, "cut_short") from None
    if root.tag != names.MULTISTATUS:
        raise NotUnderstood("not_multistatus")
    return root


def _parts(builder: ET.TreeBuilder, held: bounds.Held) -> Iterator[Element]:
    """What has come so far, but for the newest child, which may not be at its end. It is held no longer."""
    root: Element | None = builder.close()
    if root is None or root.tag != names.MULTISTATUS:
        return
    done = root[:-1]
    del root[:-1]
    for element in done:
        held.named(name for each in element.iter() for name in (each.tag, *each.keys()))
        if element.tag in _OF_ANSWER:
            held.let_go()
            yield element


def _part(element: Element, base: str) -> Response | NextToken:
    if element.tag == names.SYNC_TOKEN:
        return NextToken((element.text or "").strip())
    href, status = "", None
    found: dict[str, Element] = {}
    failed: dict[str, int] = {}
    named: frozenset[str] = frozenset()
    for child in element:
        if child.tag == names.PROPSTAT:
            _sort(child, found, failed)
        elif child.tag == names.HREF:
            href = href or (child.text or "").strip(paths.SPACES)
        elif child.tag == names.STATUS:
            status = _status(child)
        elif child.tag == names.ERROR:
            named = _conditions(child)
    return Response(paths.told(href, base=base) if href else "", status, found, failed, named)


def _sort(propstat: Element, found: dict[str, Element], failed: dict[str, int]) -> None:
    # Every poll comes through here: one walk over what there is costs half of lxml's looking for each name.
    status: int | None = None
    told: list[Element] = []
    for child in propstat:
        tag = child.tag
        if tag == names.PROP:
            told += child
        elif tag == names.STATUS and status is None:
            status = _status(child) or 0
    if is_success(status or 0):
        found.update({value.tag: value for value in told})
    else:
        failed.update({value.tag: status or 0 for value in told})


def _status(element: Element) -> int | None:
    match = _STATUS.match((element.text or "").strip())
    return int(match[1]) if match else None


def _conditions(error: Element) -> frozenset[str]:
    return frozenset(child.tag.rpartition("}")[2] for child in error)
