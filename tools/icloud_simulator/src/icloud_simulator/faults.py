"""The fault knobs: what goes wrong on purpose, for one account or for all, by seeded dice."""

import random
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from icloud_simulator.state import State

Chance = Annotated[float, Field(ge=0, le=1)]


class Throttle(BaseModel):
    """A token bucket. An empty one refuses for `penalty_seconds`, which is longer than what Retry-After says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_minute: float = Field(60, gt=0)
    burst: int = Field(60, ge=1)
    penalty_seconds: float = Field(30, ge=0)
    retry_after: str | None = "1"
    status: Literal[429, 503] = 503


class Knobs(BaseModel):
    """All off by default. Chances are between 0 and 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    methods: tuple[str, ...] | None = Field(None, description="HTTP methods that chances apply to; null: all")
    host: Literal["entry", "partition"] | None = Field(None, description="Where chances apply; null: everywhere")

    latency_seconds: float = Field(0, ge=0, description="Waits before every answer")
    throttle: Throttle | None = None
    reset: Chance = Field(0, description="The connection is reset instead of an answer")
    errors: dict[int, Chance] = Field(default_factory=dict, description="Status: chance, e.g. 503, 429, 421, 507, 500")
    retry_after: str | None = Field(None, description="Retry-After of those errors: seconds or an HTTP date")
    unauthorized: Chance = Field(0, description="401 although the password is right")
    redirect: Literal[301, 302, 307, 308] | None = Field(None, description="The entry host redirects to the partition")
    html: Chance = Field(0, description="200 with a page of HTML")
    home_missing: Chance = Field(0, description="404 for the home")

    listing_lag_seconds: float = Field(0, ge=0, description="ctags, sync-collection, queries show changes this late")
    object_lag_seconds: float = Field(0, ge=0, description="multiget and GET show changes this late")
    stale_read: Chance = Field(0, description="multiget and GET answer the version before the newest")
    gone_hrefs: tuple[str, ...] = Field((), description="Decoded paths that are listed but can never be read")

    token_lifetime_seconds: float | None = Field(None, ge=0, description="The change log is forgotten after this long")
    dead_tokens_told: bool = Field(default=False, description="403 for a dead token carries DAV:valid-sync-token")
    sync_page: int | None = Field(None, ge=1, description="sync-collection answers so many and 507 for the rest")
    duplicate_hrefs: Chance = Field(0, description="sync-collection names a change twice")
    missing_ctag: bool = Field(default=False, description="Calendars show no ctag")
    leading_space_refused: bool = Field(
        default=False, description="400 for white space before any XML; else before a declaration alone"
    )

    empty_multistatus: Chance = Field(0, description="207 without any response, for what lists objects or calendars")
    dropped_responses: Chance = Field(0, description="Each response of a multistatus may be missing")
    wrong_calendar: bool = Field(default=False, description="Reports are answered from another calendar of the home")
    truncated: Chance = Field(0, description="The body ends in the middle, in good HTTP")
    cut: Chance = Field(0, description="The connection ends in the middle of the body")
    bytes_per_second: int | None = Field(None, ge=1, description="Bodies drip")

    uid_conflict_status: Literal[403, 412] = 403
    put_etag_omitted: Chance = Field(0, description="PUT answers without ETag")
    duplicate_dtstamp: bool = Field(default=False, description="A PUT event is stored with DTSTAMP twice, without ETag")
    delete_ignores_etag: bool = Field(default=False, description="DELETE with a wrong If-Match succeeds")
    subscribed_as_calendar: bool = Field(default=False, description="Subscriptions have the calendar type, too")
    joined_challenges: bool = Field(default=False, description="401 with one comma-joined WWW-Authenticate")
    short_principal_href: bool = Field(default=False, description="The principal answers as /principal/")
    not_enabled_as: Literal["unauthorized", "no_home"] = Field(
        "unauthorized", description="How an account without calendar answers: 401, or a principal without home-set"
    )


@dataclass(slots=True)
class Bucket:
    """The throttle's memory of one account."""

    level: float
    filled_at: float
    closed_until: float = 0.0

    def admits(self, throttle: Throttle, now: float) -> bool:
        """Take one request out, or refuse and stay closed for the penalty."""
        if now < self.closed_until:
            return False
        gained = max(0.0, now - self.filled_at) * throttle.per_minute / 60
        self.level = min(float(throttle.burst), self.level + gained)
        self.filled_at = now
        if self.level < 1:
            self.closed_until = now + throttle.penalty_seconds
            return False
        self.level -= 1
        return True


@dataclass(slots=True)
class ActiveFaults:
    """The knobs that hold for one account now, with the dice that belong to them."""

    knobs: Knobs
    dice: random.Random
    bucket: Bucket | None = None

    def hits(self, chance: float) -> bool:
        """Throw the dice; a chance of nothing throws none, so that other knobs do not change a sequence."""
        return chance > 0 and self.dice.random() < chance

    def concern(self, method: str, *, entry: bool) -> bool:
        """Tell whether chances apply to a request."""
        knobs = self.knobs
        right_method = knobs.methods is None or method in knobs.methods
        return right_method and (knobs.host is None or (knobs.host == "entry") == entry)


@dataclass(slots=True)
class Faults:
    """Finds what is wrong for whom. An account's own knobs win over those of all."""

    state: State
    _active: dict[str, ActiveFaults] = field(default_factory=dict)

    def of(self, dsid: str) -> ActiveFaults:
        """Return the faults of an account; of somebody unknown with an empty `dsid`."""
        active = self._active.get(dsid)
        if active is None:
            knobs = Knobs(**self._merged(dsid))
            # The same seed gives each account its own sequence, whatever the others do.
            dice = random.Random(f"{knobs.seed}/{dsid}")  # noqa: S311 - repeatable on purpose
            bucket = None if knobs.throttle is None else Bucket(knobs.throttle.burst, 0.0)
            active = self._active[dsid] = ActiveFaults(knobs, dice, bucket)
        return active

    def changed(self) -> None:
        """Read the knobs again; dice and buckets start anew."""
        self._active.clear()

    def _merged(self, dsid: str) -> dict[str, Any]:
        return {**self.state.faults.get("", {}), **self.state.faults.get(dsid, {})}
