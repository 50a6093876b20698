"""What the worker decides: occurrences, changes, the deletion guard, the cadence.

Pure: no I/O, no clock, no wire format.
"""
