"""Trailseal: a data-integrity audit trail service with a signed ledger for regulated manufacturing."""
