"""What availability counts. No label names a user, an account or a connection."""

from typing import Final

from prometheus_client import Counter, Histogram

BOOKINGS: Final = Counter(
    "calsync_bookings_total", "Wishes about appointments, by what was wished and what came of it.", ["wish", "result"]
)
REFLECT_SECONDS: Final = Histogram(
    "calsync_reflect_seconds",
    "From the start of the look that saw an event as it is until it counts here, by event; those of imports included.",
    buckets=(1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800),
)
