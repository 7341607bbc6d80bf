"""Tables of reviews and of what is decided of findings."""

from sqlalchemy import BigInteger, Column, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

disposition = validities(
    "disposition",
    Column("judgement", Text, nullable=False),
    Column("quality_case", Text),
)
"""A key is a finding of a rule: how it was judged last, and the case of the cause that it was put into."""

contributing_list = validities("contributing_list", Column("systems", BigInteger, nullable=False))
"""A key is a product, or `planning.ANY_PRODUCT`: how many systems contribute to its batches."""

review_plan = validities("review_plan", Column("retired", SmallInteger, nullable=False))
"""A key is a plan."""

review = validities(
    "review",
    Column("event", Text, nullable=False),
    Column("opening", BigInteger, nullable=False),
    Column("batch", Text),
)
"""A key is a review: what happened in it last, and the entry that opened it; `batch` stands in that row alone."""

rule_miss = declare(
    "rule_miss",
    TableClass.PROJECTION,
    position(),
    Column("review", Text, nullable=False),
    Column("rule", Text),
    Column("record", BigInteger, nullable=False),
)
"""What no rule found, by the review whose sample showed it."""

deferral = validities(
    "deferral",
    Column("batch", Text, nullable=False),
    Column("product", Text),
    Column("expires_us", BigInteger, nullable=False),
)
"""A key is a finding of a rule: for which batch it was deferred last, and until when (microseconds UTC)."""

deviation = validities("deviation", Column("source", Text, nullable=False), Column("number", Text, nullable=False))
"""A key is a finding of a rule: the deviation that was raised for it last."""

review_answer = declare(
    "review_answer",
    TableClass.PROJECTION,
    position(),
    Column("batch", Text, nullable=False),
    Column("state", Text, nullable=False),
)
"""What was answered to whoever asked whether a batch's review is complete."""
