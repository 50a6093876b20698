"""Behaves like Apple's CalDAV server, faults on request. Shares no code with any client of it."""
