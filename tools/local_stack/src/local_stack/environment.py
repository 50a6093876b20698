"""What each part is told: the variables of docs/configuration.md, and those of stack.env."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from local_stack.layout import Layout
from local_stack.ports import HOST
from local_stack.servers.mongo import url_of
from local_stack.state import Options
from local_stack.tokens import AUDIENCE, ISSUER, TokenKeys

_PLAIN: Final = re.compile(r"[\w@%+=:,./?-]*", re.ASCII)
"""What a shell assigns as it stands."""
_LOOPBACK = ("127.0.0.1", "localhost")
# Here accounts are polled every second or two, and no Apple minds.
_BUDGET = {"CALSYNC_ICLOUD_REQUESTS_PER_SECOND": "500", "CALSYNC_ICLOUD_REQUESTS_PER_ACCOUNT_PER_MINUTE": "600"}


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """Where the keys lie: to seal and to sign with, the connector's; to open and to check with, the workers'."""

    public_file: Path
    private_dir: Path
    signing_file: Path
    signers_dir: Path

    @classmethod
    def made(cls, folder: Path) -> "VaultKeys":
        """Return the pairs in `folder`, new ones where there are none that are whole."""
        from icloud.credentials import (  # noqa: PLC0415 - MongoDB and Kafka alone start without our services
            new_key_pair,
            new_signing_pair,
        )

        public, private, signing, signers = (folder / name for name in ("public", "private", "signing", "signers"))
        key = _whole(private, public) or new_key_pair(folder).public_key_file.name
        signer = _whole(signing, signers) or new_signing_pair(folder).signing_key_file.name
        return cls(public / key, private, signing / signer, signers)


def _whole(private: Path, public: Path) -> str | None:
    """The name of a pair's two files."""
    return next((one.name for one in sorted(private.glob("*.pem")) if (public / one.name).exists()), None)


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything that is known about a stack's addresses and keys."""

    layout: Layout
    options: Options
    ports: Mapping[str, int]
    vault: VaultKeys | None

    @property
    def mongodb_ports(self) -> list[int]:
        """Those of its members, in their order."""
        return [port for name, port in self.ports.items() if name.startswith("mongodb")]

    def of_connector(self) -> dict[str, str]:
        own = self._public_key() | self._connector_key() | self._sign_in() | self._availability()
        shared = self._service() | self._icloud() | self._auth()
        return shared | own | self._listens("connector") | dict(self.options.env)

    def of_worker(self, name: str) -> dict[str, str]:
        own = self._private_keys() | self._listens(name) | _BUDGET
        return self._service() | self._icloud() | own | dict(self.options.env)

    def of_availability(self) -> dict[str, str]:
        return self._service() | self._auth() | self._listens("availability") | dict(self.options.env)

    def of_stack(self) -> dict[str, str]:
        """Return the lines of stack.env."""
        keys = self._public_key() | self._private_keys() | self._connector_key()
        return (
            self._addresses()
            | self._service()
            | self._icloud()
            | self._auth()
            | keys
            | self._sign_in()
            | self._services_asked()
            | _BUDGET
            | dict(self.options.env)
        )

    def _public_key(self) -> dict[str, str]:
        if self.vault is None:
            return {}
        return {
            "CALSYNC_VAULT_PUBLIC_KEY_FILE": str(self.vault.public_file),
            "CALSYNC_VAULT_SIGNING_KEY_FILE": str(self.vault.signing_file),
        }

    def _connector_key(self) -> dict[str, str]:
        known = "connector" in self.options.parts
        return {"CALSYNC_CONNECTOR_KEY_FILE": str(self.layout.connector_key)} if known else {}

    def _sign_in(self) -> dict[str, str]:
        return {"CALSYNC_SIGN_IN_URL": f"{url}/"} if (url := self._url("sign-in")) else {}

    def _availability(self) -> dict[str, str]:
        return {"CALSYNC_AVAILABILITY_URL": url} if (url := self._url("availability")) else {}

    def _services_asked(self) -> dict[str, str]:
        """As the admin command finds them."""
        return self._availability() | ({"CALSYNC_CONNECTOR_URL": url} if (url := self._url("connector")) else {})

    def _private_keys(self) -> dict[str, str]:
        if self.vault is None:
            return {}
        return {
            "CALSYNC_VAULT_PRIVATE_KEYS_DIR": str(self.vault.private_dir),
            "CALSYNC_VAULT_SIGNERS_DIR": str(self.vault.signers_dir),
        }

    def _addresses(self) -> dict[str, str]:
        ops = [name for name in self.ports if name.startswith("sync-worker-")]
        known = {
            "CONNECTOR_URL": self._url("connector"),
            "CONNECTOR_OPS_URL": self._url("connector ops"),
            "SYNC_WORKER_OPS_URL": ",".join(url for name in ops if (url := self._url(name))),
            "AVAILABILITY_URL": self._url("availability"),
            "AVAILABILITY_OPS_URL": self._url("availability ops"),
            "SIMULATOR_URL": self._url("simulator"),
            "SIMULATOR_ADMIN_URL": self._url("simulator admin"),
            "SIGN_IN_URL": self._url("sign-in"),
        }
        return {name: url for name, url in known.items() if url}

    def _url(self, port_name: str) -> str | None:
        return f"http://{HOST}:{self.ports[port_name]}" if port_name in self.ports else None

    def _service(self) -> dict[str, str]:
        known = {"CALSYNC_LOG_LEVEL": "INFO", "CALSYNC_LOG_FORMAT": "json"}
        if "kafka" in self.ports:
            known["CALSYNC_KAFKA_BOOTSTRAP_SERVERS"] = f"{HOST}:{self.ports['kafka']}"
        if self.mongodb_ports:
            known["CALSYNC_MONGODB_URL"] = url_of(self.mongodb_ports)
        return known

    def _listens(self, name: str) -> dict[str, str]:
        known = {"CALSYNC_OPS_HOST": HOST, "CALSYNC_OPS_PORT": str(self.ports[f"{name} ops"])}
        if name in self.ports:
            known |= {"CALSYNC_HTTP_HOST": HOST, "CALSYNC_HTTP_PORT": str(self.ports[name])}
        return known

    def _icloud(self) -> dict[str, str]:
        if self.options.icloud_url:
            host = urlsplit(self.options.icloud_url).hostname or ""
            trusted = _LOOPBACK if host in _LOOPBACK else (host,)
            return {
                "CALSYNC_ICLOUD_URL": self.options.icloud_url,
                "CALSYNC_ICLOUD_TRUSTED_HOSTS": ",".join(trusted),
            }
        if "simulator" not in self.ports:
            return {}
        return {
            "CALSYNC_ICLOUD_URL": f"{self._url('simulator')}/",
            "CALSYNC_ICLOUD_TRUSTED_HOSTS": ",".join(_LOOPBACK),
        }

    def _auth(self) -> dict[str, str]:
        jwks = TokenKeys(self.layout.keys).jwks_file
        return {"CALSYNC_AUTH_ISSUER": ISSUER, "CALSYNC_AUTH_AUDIENCE": AUDIENCE, "CALSYNC_AUTH_JWKS": str(jwks)}


def text_of(lines: Mapping[str, str]) -> str:
    """Return the text of stack.env: a shell may read it (`. stack.env`), whatever a value holds."""
    quoted = {name: value if _PLAIN.fullmatch(value) else shlex.quote(value) for name, value in lines.items()}
    return "".join(f"{name}={value}\n" for name, value in quoted.items())


def lines_of(text: str) -> dict[str, str]:
    """Return the lines that `text_of` has made a text of."""
    return dict(line.split("=", 1) for line in shlex.split(text))
