"""Sealing the vault's envelopes for another key while connectors write and workers read."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from calsync_keys.vault import Kept, Wanted
from icloud.credentials import Binding, Envelope, EnvelopeRefused, Opener, Signer, Signers

_PAGE: Final = 100
"""Envelopes read at a time: some 40 kB."""


class Envelopes(Protocol):
    """Where sealed credentials are kept."""

    async def wanted(self, wanted: Wanted, *, after: str, limit: int) -> Sequence[Kept]:
        """The next of them behind the connection id `after`, in the order of the ids."""

    async def replace(self, old: Kept, new: Kept) -> bool:
        """Put `new` in the place of `old`, if that is still what stands there."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """What envelopes are opened, checked, sealed and signed with. Without signers nothing is checked nor signed."""

    opener: Opener
    key_id: str
    signer: Signer | None = None
    signers: Signers | None = None
    accept_unsigned: bool = False
    """Take what nobody has signed for good: for the day on which signatures begin."""

    @property
    def believed(self) -> bool:
        """Whether who goes by these signers will believe what is signed here: the same id, with the same key."""
        if self.signer is None or self.signers is None:
            return True
        envelope, binding = Envelope(0, self.key_id, b""), Binding("", "")
        try:
            self.signers.check(envelope, binding, 0, self.signer.sign(envelope, binding, 0))
        except EnvelopeRefused:
            return False
        return True

    def resealed(self, kept: Kept) -> Kept:
        """The same credential under the new key, in the same epoch. Raise EnvelopeRefused for what is not sound."""
        if self.signers is not None and not (self.accept_unsigned and kept.signature is None):
            self.signers.check(kept.envelope, kept.binding, kept.epoch, kept.signature)
        envelope = self.opener.reseal(kept.envelope, kept.binding, self.key_id)
        signature = None if self.signer is None else self.signer.sign(envelope, kept.binding, kept.epoch)
        return replace(kept, envelope=envelope, signature=signature)


@dataclass(slots=True)
class Progress:
    """What came of it so far."""

    resealed: int = 0
    overtaken: int = 0
    """Somebody reconnected or disconnected between our look and our write: theirs stands."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why, by connection id: these were left as they are."""


class Reseal:
    """Go through all envelopes that are wanted, again and again until nothing is left that could be done.

    Each is replaced in one write that names the envelope that was read: whatever ends this, at whatever moment, every
    credential is there and opens, and whoever starts it again goes on with what is left. `per_second` bounds it.
    """

    def __init__(self, envelopes: Envelopes, keyring: Keyring, wanted: Wanted, per_second: float) -> None:
        self._envelopes = envelopes
        self._keyring = keyring
        self._wanted = wanted
        self._pause = 1 / per_second

    async def __call__(self, tell: Callable[[Progress], None]) -> Progress:
        """`tell` hears how it goes after each page. Raises what MongoDB raises."""
        progress = Progress()
        more = True
        while more:
            more = await self._round(progress, tell)
        return progress

    async def _round(self, progress: Progress, tell: Callable[[Progress], None]) -> bool:
        """Whether another round may find something to do: what came, or came again, while we went through."""
        before = progress.resealed + progress.overtaken
        progress.refused.clear()
        after = ""
        while page := await self._envelopes.wanted(self._wanted, after=after, limit=_PAGE):
            for kept in page:
                await self._one(kept, progress)
                await asyncio.sleep(self._pause)
            after = page[-1].binding.connection_id
            tell(progress)
        return progress.resealed + progress.overtaken > before

    async def _one(self, kept: Kept, progress: Progress) -> None:
        try:
            new = self._keyring.resealed(kept)
        except EnvelopeRefused as refused:
            progress.refused[kept.binding.connection_id] = refused.reason
            return
        if await self._envelopes.replace(kept, new):
            progress.resealed += 1
        else:
            progress.overtaken += 1
