"""Whose time it is."""

from typing import NamedTuple


class User(NamedTuple):
    """A person working in a CrocoClick account; ids are unique within their account only."""

    account_id: str
    user_id: str
