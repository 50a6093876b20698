"""How a command ends: the exit codes, and the errors that choose one."""

from enum import IntEnum


class End(IntEnum):
    """The exit codes; docs/admin.md promises them to scripts."""

    OK = 0
    WRONG = 1
    """What was asked for could be done or looked at, and something is not as it should be."""
    MISUSE = 2
    UNREACHABLE = 3
    FAULT = 4
    """A fault of this command itself: tell its developers."""


class Misuse(Exception):
    """What was asked for makes no sense as it stands; the message says what to do instead. Nothing was done."""


class NotThere(Exception):
    """What was named does not exist, or is not in a state in which this can be done to it. Nothing was done."""


class Unreachable(Exception):
    """Somebody who is needed does not answer; the message names them and the setting that says where they are."""
