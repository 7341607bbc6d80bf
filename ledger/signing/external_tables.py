"""Tables of signatures made elsewhere."""

from sqlalchemy import Column, Text

from ledger.store.schema import validities

trust_anchor = validities("trust_anchor", Column("event", Text, nullable=False))
"""Trust anchors by digest, and the last that happened to each; a withdrawn one has no open row."""
