"""What the worker counts as drift."""

from prometheus_client import REGISTRY


class Drifted:
    """The drift since this was made, by kind; what there is none of is left out."""

    def __init__(self) -> None:
        self._before = _counted()

    def __call__(self) -> dict[str, int]:
        return {
            kind: int(count - self._before[kind]) for kind, count in _counted().items() if count > self._before[kind]
        }


def _counted() -> dict[str, float]:
    kinds = ("missing", "changed", "extra")
    return {kind: REGISTRY.get_sample_value("calsync_sync_drift_total", {"kind": kind}) or 0 for kind in kinds}
