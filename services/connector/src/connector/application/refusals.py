"""Why a wish cannot be fulfilled, apart from what Apple says (icloud.errors)."""


class AlreadyConnected(Exception):
    """The user has a connection in this account: disconnect it first."""


class AppleAccountInUse(Exception):
    """Another CrocoClick account holds this Apple account; who, is nobody's business."""


class NoSuchConnection(Exception):
    """There is none by this id, or it belongs to somebody else."""
