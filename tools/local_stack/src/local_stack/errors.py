class CannotGoOn(Exception):
    """What stands in the way, in sentences for the person at the terminal, with what to do about it."""
