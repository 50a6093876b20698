"""Where things lie in the checkout."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[4]
POM = CHECKOUT / "tools" / "local_stack" / "pom.xml"
SERVERS = CHECKOUT / ".servers"
KAFKA_JARS = SERVERS / "kafka"
DEFAULT_DATA = CHECKOUT / ".local"
