"""What the worker counts. No label names a user, an account or a connection."""

from typing import Final

from prometheus_client import Counter, Gauge

PASSES: Final = Counter("calsync_sync_passes_total", "Passes that ended, by how.", ["result"])
RUNNING: Final = Gauge("calsync_sync_passes_running", "Passes under way.")
READ: Final = Counter("calsync_sync_objects_read_total", "Calendar objects fetched and read.")
REMOVED: Final = Counter("calsync_sync_objects_removed_total", "Events taken back.")
QUARANTINED: Final = Counter(
    "calsync_sync_objects_quarantined_total", "Objects met that cannot be read, by why.", ["reason"]
)
HELD: Final = Counter("calsync_sync_removals_held_total", "Listings that were not believed, by why.", ["doubt"])
BEHIND: Final = Counter("calsync_sync_calendars_not_read_total", "Calendars that a pass could not read.", ["reason"])
REFUSED: Final = Counter("calsync_sync_credentials_refused_total", "401s of Apple.")
