"""What the worker counts. No label names a user, an account or a connection."""

from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from sync_worker.application.claim import Claim, State

SLO_SECONDS: Final = 600.0
"""docs/slo.md: 99 of 100 healthy connections were read within the last ten minutes. A bound of FRESHNESS."""

PASSES: Final = Counter("calsync_sync_passes_total", "Passes that ended, by how and of what kind.", ["result", "kind"])
passes: Final = cache(PASSES.labels)
"""As `requests` below."""
PASS_SECONDS: Final = Histogram(
    "calsync_sync_pass_seconds",
    "From claiming a connection to the end of its pass.",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900),
)
pass_seconds: Final = cache(PASS_SECONDS.labels)
RUNNING: Final = Gauge("calsync_sync_passes_running", "Passes under way.")
CLAIMED: Final = Counter("calsync_sync_leases_claimed_total", "Connections claimed.")
LEASES_LOST: Final = Counter("calsync_sync_leases_lost_total", "Leases that ended under a pass.")
LOOK_TO_KAFKA: Final = Histogram(
    "calsync_sync_look_to_kafka_seconds",
    "From the start of the look that saw a change until Kafka has it, by event.",
    ["kind"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900),
)
UNSEEN: Final = Histogram(
    "calsync_sync_change_unseen_seconds",
    "The longest that a change can have waited at iCloud before it was seen, by look that saw one.",
    buckets=(30, 60, 120, 300, 480, 600, 900, 1800, 3600, 21600),
)

FRESHNESS: Final = Histogram(
    "calsync_sync_freshness_seconds",
    "Since when healthy connections are known, by connection of a sample that is drawn at intervals.",
    buckets=(60, 120, 300, 480, SLO_SECONDS, 900, 1800, 3600, 21600, 86400),
)
CONNECTIONS: Final = Gauge(
    "calsync_sync_connections", "Connections by how they stand, as far as the sample tells.", ["standing"]
)
OVERDUE: Final = Gauge(
    "calsync_sync_overdue_connections",
    "Connections that are due for more than five seconds and nobody's; 10,000 stands for more.",
)
OLDEST_OVERDUE: Final = Gauge(
    "calsync_sync_oldest_overdue_seconds", "For how long the first of them has been due; 0 when none is."
)
IN_QUARANTINE: Final = Gauge(
    "calsync_sync_quarantined_objects", "Objects that cannot be read now; 10,000 stands for more."
)

READ: Final = Counter("calsync_sync_objects_read_total", "Calendar objects fetched and read.")
REMOVED: Final = Counter("calsync_sync_objects_removed_total", "Events taken back.")
QUARANTINED: Final = Counter(
    "calsync_sync_objects_quarantined_total", "Objects met that cannot be read, by why.", ["reason"]
)
HELD: Final = Counter("calsync_sync_removals_held_total", "Removals that were not believed, by why.", ["doubt"])
DRIFT: Final = Counter(
    "calsync_sync_drift_total", "Objects that a full listing put right and no change had told, by how.", ["kind"]
)
BEHIND: Final = Counter("calsync_sync_calendars_not_read_total", "Calendars that a pass could not read.", ["reason"])
REFUSED: Final = Counter("calsync_sync_credentials_refused_total", "401s of Apple.")
OPENED: Final = Counter(
    "calsync_credentials_opened_total", "Sealed credentials wanted, by what came of it.", ["result"]
)
opened: Final = cache(OPENED.labels)
for _result in ("opened", "does_not_open", "unknown_key", "unknown_signer", "unsigned", "wrongly_signed"):
    # A counter that appears with its first event looks as if nothing had happened, and these must not pass unseen.
    opened(_result)
SPARED: Final = Counter(
    "calsync_sync_credentials_spared_total", "401s that blamed nobody: so many were refused that it was Apple's doing."
)

REQUESTS: Final = Counter(
    "calsync_icloud_requests_total", "Requests that went out to Apple, by what for and answer.", ["kind", "status"]
)
requests: Final = cache(REQUESTS.labels)
"""Finding a child by its labels takes longer than counting: every poll counts here."""
GRANTED: Final = Counter("calsync_icloud_budget_granted_total", "Requests drawn from the fleet's budget.")
WAITED: Final = Counter(
    "calsync_icloud_waited_seconds_total", "Seconds that requests waited for their turn, by whose budget.", ["budget"]
)
WAITED_FOR_FLEET: Final = WAITED.labels("fleet")
HELD_BACK: Final = Counter("calsync_icloud_held_back_total", "Requests that did not go out, by why.", ["reason"])
THROTTLED: Final = Counter("calsync_icloud_throttled_total", "Answers of Apple's that asked for a pause.")
HOSTS_LEFT_ALONE: Final = Gauge("calsync_icloud_hosts_left_alone", "Hosts of Apple's whose breaker is open.", ["host"])

EXPORTED: Final = Counter("calsync_exports_total", "Appointments' objects written at iCloud, by how.", ["result"])
EXPORTS_FAILED: Final = Counter("calsync_exports_failed_total", "Exports that did not succeed, by why.", ["reason"])
EXPORTS_CHANGED: Final = Counter(
    "calsync_exports_changed_in_icloud_total", "Exported appointments that users changed in iCloud, by how.", ["change"]
)


def kind_of(claim: Claim) -> str:
    """What a pass is: a connection's erasure, its first import, or a look at it."""
    if claim.state is State.ERASING:
        return "erasure"
    return "import" if claim.as_of is None else "look"
