"""Tables of retention. Which entries are disposed of stands in a table of the store (`schema.disposed_entry`)."""

from sqlalchemy import Column, Index, Text

from ledger.store.schema import validities

legal_hold = validities("legal_hold", Column("hold_log", Text, nullable=False), Column("source", Text, nullable=False))
"""Holds in force; `source` is empty for a whole log. What else a hold says stands in its entry."""

retention_rule = validities(
    "retention_rule", Column("retention", Text, nullable=False), Column("state", Text, nullable=False)
)
"""Rules by name, confirmed or (of before they were changes) proposed."""

retention_fact = validities(
    "retention_fact",
    Column("subject_kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("day", Text, nullable=False),
    Index("retention_fact_subject", "log", "subject_kind", "subject"),
)
"""What is known of subjects; a fact that was taken back has no open row."""

retention_copy = validities("retention_copy", Column("sort", Text, nullable=False))
"""What is stated of copies that are there; what else is said of them stands in the entry."""

disposal = validities("disposal", Column("state", Text, nullable=False), Column("disposal_log", Text, nullable=False))
"""Disposals, and what happened to each last."""
