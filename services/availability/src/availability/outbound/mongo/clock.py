"""The clock that all processes share."""

from datetime import datetime
from typing import cast

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReadPreference
from pymongo.errors import PyMongoError

from availability.application.timeline import AskLater
from availability.outbound.mongo.documents import Document
from availability.outbound.mongo.timeline import passes


class MongoClock:
    """MongoDB's: workers tell `as_of` by it, and no process's own need agree with it."""

    def __init__(self, client: AsyncIOMotorClient[Document]) -> None:
        self._admin = client.admin

    async def __call__(self) -> datetime:
        """The primary's present moment. Raises AskLater."""
        try:
            told = await self._admin.command(
                "hello",
                read_preference=ReadPreference.PRIMARY,
                # Commands go by none of the client's: this moment would come without its zone.
                codec_options=self._admin.codec_options,
            )
        except PyMongoError as error:
            if passes(error):
                raise AskLater from error
            raise
        return cast("datetime", told["localTime"])
