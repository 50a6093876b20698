"""Whether the topics alone are enough: availability's database made anew from them, and held against the living one.

A process of its own, started by hand or by a schedule. It reads the topics without a group, so nobody's offsets move,
and writes into a database of its own only.
"""
