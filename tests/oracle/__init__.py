"""A C2SP client of its own, written from the format description alone.

It shares no line with `ledger`, not even a helper: what both agree on is what the formats say, not a bug that
they have in common. Only the standard library and PyNaCl are used.
"""
