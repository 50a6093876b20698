"""What is to be made good after MongoDB was restored from a backup."""

from enum import StrEnum


class What(StrEnum):
    """In this order."""

    EPOCHS = "epochs"
    """Living connections get an epoch above everything that was ever told of them, and are compared with iCloud."""
    LOST = "lost"
    """Connections that only Kafka has are told to be over."""
    EVENTS = "events"
    """Events that only Kafka has are taken back, once their connection was renewed and compared."""
