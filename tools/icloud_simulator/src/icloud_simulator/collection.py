"""A collection's objects, their recent versions, and the change log that sync-collection reads."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from icloud_simulator.facts import ObjectWritten, TokensExpired, Trace
from icloud_simulator.tokens import Point, etag, token

# Old versions exist for stale reads and lag alone; eight writes within one lag are plenty.
_VERSIONS_KEPT = 8


@dataclass(frozen=True, slots=True)
class Version:
    """One state of an object; `text` None: it is gone. `stamp` is its ETag in milliseconds."""

    revision: int
    stamp: int
    at: float
    uid: str | None
    text: str | None

    @property
    def etag(self) -> str:
        return etag(self.stamp)


@dataclass(slots=True)
class Collection:
    """Objects by name, seen as of any recent revision. A revision is one change that moved the ctag."""

    cid: str
    made: float
    revision: int = 0
    oldest_token: int = 0  # tokens of earlier revisions are dead
    stamp: int = 0
    names_by_uid: dict[str, str] = field(default_factory=dict)
    _versions: dict[str, list[Version]] = field(default_factory=dict)
    _moments: list[float] = field(default_factory=list)  # of revision n at n - 1, never falling
    _log: list[tuple[int, str]] = field(default_factory=list)

    def write(self, fact: ObjectWritten) -> None:
        """Take in a new version of an object."""
        if fact.trace != Trace.UNNOTICED:
            self._advance(fact.at, fact.stamp)
        if fact.trace == Trace.LOGGED:
            self._log.append((self.revision, fact.name))
        versions = self._versions.setdefault(fact.name, [])
        self._forget_uid(fact.name)
        versions.append(Version(self.revision, fact.stamp, fact.at, fact.uid, fact.text))
        del versions[:-_VERSIONS_KEPT]
        if fact.uid is not None and fact.text is not None:
            self.names_by_uid[fact.uid] = fact.name

    def expire_tokens(self, fact: TokensExpired) -> None:
        """Kill all tokens, the present one too."""
        self._advance(fact.at, fact.stamp)
        self.oldest_token = self.revision

    def current(self, name: str, visible: int | None = None) -> Version | None:
        """Return the version seen at a revision (default: the newest); None when there is no such object."""
        bound = self.revision if visible is None else visible
        for version in reversed(self._versions.get(name, ())):
            if version.revision <= bound:
                return version if version.text is not None else None
        return None

    def previous(self, name: str) -> Version | None:
        """Return the version before the newest: what a stale read sees."""
        versions = self._versions.get(name, [])
        return versions[-2] if len(versions) > 1 and versions[-2].text is not None else None

    def objects(self, visible: int | None = None) -> Iterator[tuple[str, Version]]:
        """Yield every object seen at a revision, in order of creation."""
        for name in self._versions:
            version = self.current(name, visible)
            if version is not None:
                yield name, version

    def changed_since(self, revision: int, visible: int) -> list[str]:
        """Names in the log after a revision, up to another; each once, in order of its last change."""
        first = bisect_right(self._log, revision, key=lambda entry: entry[0])
        last = bisect_right(self._log, visible, key=lambda entry: entry[0])
        newest_first = dict.fromkeys(name for _, name in reversed(self._log[first:last]))
        return list(reversed(newest_first))

    def last_change(self, name: str) -> int:
        """Return the revision of the newest version of an object."""
        return self._versions[name][-1].revision

    def revision_at(self, moment: float) -> int:
        """Return the revision that was the newest at a moment (epoch seconds)."""
        return bisect_right(self._moments, moment)

    def token_lives(self, revision: int, *, now: float, lifetime: float | None) -> bool:
        """Tell whether the log reaches back to a revision: entries older than `lifetime` seconds are forgotten."""
        if revision > self.revision or revision < self.oldest_token:
            return False
        if lifetime is None or revision == self.revision:
            return True
        return self._moments[revision] >= now - lifetime

    def token(self, visible: int | None = None) -> str:
        """Return the ctag and sync-token (they are the same) at a revision."""
        revision = self.revision if visible is None else visible
        return token(Point(self.cid, revision), int(self.made * 1000))

    def _advance(self, at: float, stamp: int) -> None:
        self.revision += 1
        self.stamp = stamp
        self._moments.append(max(at, self._moments[-1]) if self._moments else at)

    def _forget_uid(self, name: str) -> None:
        versions = self._versions[name]
        uid = versions[-1].uid if versions else None
        if uid is not None and self.names_by_uid.get(uid) == name:
            del self.names_by_uid[uid]
