from collections.abc import AsyncIterator

import pytest

from connector_availability import FakeAvailability
from connector_pages import Pages, Visitor, connection, visitor_of


@pytest.fixture
def there() -> Pages:
    """The pages, of somebody who has no connection yet."""
    return Pages()


@pytest.fixture
async def marie(there: Pages) -> AsyncIterator[Visitor]:
    """Signed in; her browser asks for English."""
    async with visitor_of(there) as visitor:
        visitor.http.headers["Accept-Language"] = "en"
        yield visitor


@pytest.fixture
def known(there: Pages) -> FakeAvailability:
    """What availability knows of Marie, who has a connection."""
    there.keep(connection())
    assert there.availability is not None
    return there.availability
