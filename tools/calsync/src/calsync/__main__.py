"""`python -m calsync`."""

from calsync.app import script

script()
