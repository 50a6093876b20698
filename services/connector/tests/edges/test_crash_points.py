"""A process that dies between any two steps leaves one whole connection or none."""

import pytest
from motor.motor_asyncio import AsyncIOMotorClientSession

from connector.domain.connection import Connection, Gravestone, ended, reconnected
from connector.outbound.mongo import MongoConnections
from connector.outbound.vault import Vault
from connector_examples import LATER, MARIE, SECRET, connection
from connector_stores import Databases, mongo_store
from icloud.credentials import KeyPair, SealedCredential, Sealer

pytestmark = pytest.mark.servers


class Died(BaseException):
    """As when the process is killed: nobody handles it."""


class DyingVault(Vault):
    """Dies before or after its own step."""

    dies = ""

    async def put(
        self, connection: Connection, secret: SealedCredential, *, session: AsyncIOMotorClientSession
    ) -> None:
        self._at("before put")
        await super().put(connection, secret, session=session)
        self._at("after put")

    async def replace(
        self, connection: Connection, secret: SealedCredential, *, session: AsyncIOMotorClientSession
    ) -> None:
        self._at("before replace")
        await super().replace(connection, secret, session=session)
        self._at("after replace")

    async def erase(self, connection_id: str, *, session: AsyncIOMotorClientSession) -> None:
        self._at("before erase")
        await super().erase(connection_id, session=session)
        self._at("after erase")

    def _at(self, point: str) -> None:
        if self.dies == point:
            raise Died


def dying(mine: Databases, keys: KeyPair, *, dies: str) -> MongoConnections:
    vault = DyingVault(mine.client, Sealer(keys.public_key_file), database=mine.vault)
    vault.dies = dies
    return MongoConnections(mine.client, vault, database=mine.connector)


@pytest.mark.parametrize("dies", ["before put", "after put"])
async def test_dying_while_connecting_leaves_nothing(mine: Databases, keys: KeyPair, dies: str) -> None:
    await mongo_store(mine, keys.public_key_file)

    with pytest.raises(Died):
        await dying(mine, keys, dies=dies).add(connection("c-1", MARIE), SECRET)

    assert await mine.everything() == {}


@pytest.mark.parametrize("dies", ["before erase", "after erase", "before the gravestone"])
async def test_dying_while_disconnecting_leaves_everything(mine: Databases, keys: KeyPair, dies: str) -> None:
    store = await mongo_store(mine, keys.public_key_file)
    await store.connections.add(connection("c-1", MARIE), SECRET)
    before = await mine.everything()

    def end(one: Connection) -> Gravestone:
        if dies == "before the gravestone":
            raise Died
        return ended(one, at=LATER)

    with pytest.raises(Died):
        await dying(mine, keys, dies=dies).bury(MARIE, "c-1", end)

    assert await mine.everything() == before
    assert await store.connections.of(MARIE) == connection("c-1", MARIE)


@pytest.mark.parametrize("dies", ["before replace", "after replace"])
async def test_dying_while_reconnecting_leaves_what_was(mine: Databases, keys: KeyPair, dies: str) -> None:
    store = await mongo_store(mine, keys.public_key_file)
    made = connection("c-1", MARIE)
    await store.connections.add(made, SECRET)
    before = await mine.everything()

    with pytest.raises(Died):
        await dying(mine, keys, dies=dies).renew(
            made, lambda one: reconnected(one, one.apple, one.terms.calendars, at=LATER), SECRET
        )

    assert await mine.everything() == before
