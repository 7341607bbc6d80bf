"""Trailseal: a data-integrity audit trail service with a signed ledger for regulated manufacturing."""

__version__ = "0.2.0"
