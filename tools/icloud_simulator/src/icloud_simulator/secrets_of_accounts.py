"""Passwords as Apple hands them out, and what is kept of them."""

import hashlib
import secrets
import string


def new_app_password() -> str:
    """Sixteen lower-case letters in four groups, as appleid.apple.com shows them."""
    letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def new_main_password() -> str:
    """Looks like a password that a person would choose: never of the app-specific shape."""
    return f"Apple-{secrets.token_hex(6)}-1"


def digest(dsid: str, password: str) -> str:
    """Return what is stored instead of the password; bound to the account."""
    return hashlib.sha256(f"{dsid}:{password}".encode()).hexdigest()
