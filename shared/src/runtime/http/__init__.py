"""What the HTTP interfaces of two services share: who asks, refusals, limits, headers."""

from runtime.http.bearer import caller_of
from runtime.http.installation import install
from runtime.http.problems import Problem

__all__ = ["Problem", "caller_of", "install"]
