"""All tables that the domains declare."""

import importlib
from pathlib import Path

LEDGER = Path(__file__).parents[2] / "ledger"


def declare_all() -> None:
    """Imports every module that declares tables."""
    for path in sorted(LEDGER.glob("*/*tables.py")):
        importlib.import_module(f"ledger.{path.parent.name}.{path.stem}")


ONLY_POSTGRES = frozenset(
    {"record_combination", "record_tokens", "record_actor", "record_object", "record_workstation"}
)
"""Indexes that SQLite has its full-text index in place of."""
