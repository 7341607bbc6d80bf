"""Tables of handwritten signatures."""

from sqlalchemy import Column, Index, Text

from ledger.store.schema import validities

paper_signature = validities(
    "paper_signature",
    Column("event", Text, nullable=False),
    Column("sort", Text, nullable=False),
    Column("address", Text, nullable=False),
    Index("paper_signature_address", "address"),
)
"""Handwritten signatures, the last that happened to each, and the electronic version that each is of; one that was
entered in error has no open row."""
