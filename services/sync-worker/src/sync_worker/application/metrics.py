"""What the worker counts. No label names a user, an account or a connection."""

from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge

PASSES: Final = Counter("calsync_sync_passes_total", "Passes that ended, by how.", ["result"])
COMPLETED: Final = PASSES.labels("completed")
RUNNING: Final = Gauge("calsync_sync_passes_running", "Passes under way.")
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
