"""Settings from the environment: fragments that each service puts together into one frozen object.

A fragment names its variables by alias; its field's description says what is expected, for the reader of a mistake:

    class Settings(Fragment):
        kafka: KafkaSettings
        mongo: MongoSettings
        sync: SyncSettings          # a fragment of the service's own

    settings = load(Settings, os.environ)
"""

from runtime.settings.environment import SettingsInvalid, load
from runtime.settings.fragments import (
    AuthSettings,
    CommaSeparated,
    Duration,
    Fragment,
    HttpSettings,
    KafkaSettings,
    LogSettings,
    MongoSettings,
    OpsSettings,
    Port,
    TracesSettings,
)

__all__ = [
    "AuthSettings",
    "CommaSeparated",
    "Duration",
    "Fragment",
    "HttpSettings",
    "KafkaSettings",
    "LogSettings",
    "MongoSettings",
    "OpsSettings",
    "Port",
    "SettingsInvalid",
    "TracesSettings",
    "load",
]
