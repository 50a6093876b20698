"""What takes a service out of Kubernetes' Service, and what does not."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

import availability.app
import availability.settings
import connector.app
import connector.settings
import sync_worker.app
import sync_worker.settings
from icloud.credentials import new_key_pair, new_signing_pair
from manifests import environment
from runtime import ops
from runtime.kafka.consumers import Broker
from runtime.process import Process
from runtime.settings import Fragment, load


class Told(Exception):
    """By what a process would be asked; it goes no further."""

    def __init__(self, ready: Mapping[str, ops.Check]) -> None:
        self.ready = ready


def told(ready: Mapping[str, ops.Check], _live: Mapping[str, ops.Check]) -> NoReturn:
    raise Told(ready)


def settings_of(service: str, kind: type[Fragment], folder: Path) -> Fragment:
    pair, signing, text = new_key_pair(folder), new_signing_pair(folder), folder / "text"
    text.write_text("mongodb://somewhere.example/?timeoutMS=1000")
    files = {
        "CALSYNC_VAULT_PUBLIC_KEY_FILE": pair.public_key_file,
        "CALSYNC_VAULT_PRIVATE_KEYS_DIR": pair.private_keys_dir,
        "CALSYNC_VAULT_SIGNING_KEY_FILE": signing.signing_key_file,
        "CALSYNC_VAULT_SIGNERS_DIR": signing.signers_dir,
    }
    set_there = dict(environment("production", service))
    # It would be read at once.
    del set_there["CALSYNC_KAFKA_CA_FILE"]
    given = {name: str(files.get(name, text)) if v.startswith("/run/") else v for name, v in set_there.items()}
    return load(kind, given)


@pytest.mark.parametrize(
    ("service", "app", "kind", "check"),
    [
        ("availability", availability.app, availability.settings.Settings, Broker.not_polling),
        ("connector", connector.app, connector.settings.Settings, Broker.not_polling),
        ("sync-worker", sync_worker.app, sync_worker.settings.Settings, Broker.unready),
    ],
    ids=["availability", "connector", "sync-worker"],
)
async def test_who_answers_over_http_stays_in_service_when_consumption_has_stopped(
    service: str,
    app: ModuleType,
    kind: type[Fragment],
    check: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ops, "application", told)

    with pytest.raises(Told) as asked:
        await app.serve(settings_of(service, kind, tmp_path), Process())

    assert getattr(asked.value.ready["consumers"], "__func__", None) is check
