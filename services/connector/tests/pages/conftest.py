from collections.abc import AsyncIterator

import pytest

from connector_pages import Pages, Visitor, visitor_of


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
