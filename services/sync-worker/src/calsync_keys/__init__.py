"""The keys of the vault: made, changed for new ones while everything runs, and retired.

A process of its own, started by hand: it holds private keys, and is the only one that reads and replaces credentials.
"""
