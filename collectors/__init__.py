"""Collectors: they read source systems and hand audit records, with their originals, to a ledger.

Start at `collectors.base` (the contract) and `collectors.registry` (the source types there are).
"""
