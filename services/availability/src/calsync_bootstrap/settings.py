"""What the tool must be told; the variables are the services' own."""

from runtime.settings import Fragment, KafkaSettings, MongoSettings


class Settings(Fragment):
    """Everything, from the environment."""

    kafka: KafkaSettings
    mongo: MongoSettings
