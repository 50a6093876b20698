import asyncio
import json
import logging
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from local_stack.errors import CannotGoOn
from local_stack.fetch import fetch_kafka
from local_stack.java import find_java
from local_stack.part import PartProcess
from local_stack.ports import HOST, free_ports
from local_stack.processes import Identity

_STOP_SECONDS = 20.0

# Any 16 bytes in URL-safe base64; one broker only ever meets itself.
_CLUSTER_ID: Final = "Y3JvY29jbGljay1sb2NhbA"

_LOG_SETTINGS: Final = """\
status = warn
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %-5p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""

_SETTINGS: Final = """\
process.roles=broker,controller
node.id=1
listeners=CLIENTS://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=CLIENTS://{host}:{port}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{host}:{controller_port}
log.dirs={logs}
auto.create.topics.enable=false
# One broker keeps one copy.
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# The internal topics' 50 partitions each serve large clusters; they cost seconds of start here.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
# Members of a group start at once; nobody waits three seconds for more of them.
group.initial.rebalance.delay.ms=0
# After a kill the broker may come back once its last session has lapsed (9 s by default).
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# Sizes for a heap of 512 MB.
log.cleaner.dedupe.buffer.size=16777216
log.index.size.max.bytes=1048576
num.network.threads=2
num.io.threads=4
"""


class KafkaServer:
    """One Apache Kafka broker in KRaft mode on 127.0.0.1; its records outlive stop and kill."""

    def __init__(
        self, data: Path, *, port: int | None = None, controller_port: int | None = None, log: Path | None = None
    ) -> None:
        automatic = free_ports(2)
        self.data = data
        self.port = port or automatic[0]
        self.controller_port = controller_port or automatic[1]
        self._process = PartProcess("Kafka", log or data.with_name(f"{data.name}.log"))

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self._process.log

    @property
    def identity(self) -> Identity | None:
        """The running process; None before the first start."""
        return self._process.identity

    def start(self) -> None:
        """Launch and wait until topics can be made and read."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Fetch Kafka if need be, format the storage on the first start, start the process."""
        self._configure()
        if not (self._logs / "meta.properties").exists():
            self._format()
        self._process.launch(self._command("kafka.Kafka", str(self._settings)))

    def wait_until_ready(self) -> None:
        # A thread of its own, because the caller's may already run an event loop.
        with ThreadPoolExecutor(max_workers=1) as thread, _quiet("aiokafka"):
            self._process.wait_until_ready(lambda: thread.submit(asyncio.run, self._serves()).result())

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def stop(self) -> None:
        """Let it finish; nothing happens when it does not run."""
        if self.identity is not None:
            self.identity.stop(seconds=_STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL, without a chance to finish."""
        if self.identity is not None:
            self.identity.kill()

    @property
    def _logs(self) -> Path:
        return self.data / "logs"

    @property
    def _settings(self) -> Path:
        return self.data / "server.properties"

    def _configure(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "log4j2.properties").write_text(_LOG_SETTINGS)
        self._settings.write_text(
            _SETTINGS.format(host=HOST, port=self.port, controller_port=self.controller_port, logs=_escaped(self._logs))
        )

    def _format(self) -> None:
        command = self._command("kafka.tools.StorageTool", "format", "--ignore-formatted")
        command += ["--cluster-id", _CLUSTER_ID, "--config", str(self._settings)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            msg = f"Kafka could not prepare {self._logs}:\n{answer.stdout}{answer.stderr}"
            raise CannotGoOn(msg)

    def _command(self, main_class: str, *arguments: str) -> list[str]:
        return [
            *(find_java(), "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
            f"-Dlog4j2.configurationFile={self.data / 'log4j2.properties'}",
            *("-cp", f"{fetch_kafka()}/*", main_class, *arguments),
        ]

    async def _serves(self) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers, request_timeout_ms=2_000)
        try:
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
        except (KafkaError, OSError):  # not listening yet: asked again
            return False
        finally:
            await admin.close()


def _escaped(path: Path) -> str:
    """Write as .properties files want it: ASCII, everything else as its code."""
    return json.dumps(str(path))[1:-1]


@contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """The client reports each refused try as an error; here they are expected."""
    logger = logging.getLogger(logger_name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
