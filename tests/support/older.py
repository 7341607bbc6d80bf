"""A ledger as an earlier schema had it: what later migrations made is taken out again."""

from typing import Final

from sqlalchemy import Connection, text

_INDEXES: Final = ("facets", "recorded", "received", "thing", "sequence", "link_at")
_MEMBERS: Final = ("workstation", "role", "reason", "reasoned", "at_us", "hour", "series", "sequence")
_UNDO: Final = {
    "0041": (
        "ALTER TABLE record DROP COLUMN combination",
        "UPDATE projection_version SET version = 5 WHERE name = 'record'",
    ),
    "0040": ("DROP TABLE suppression",),
    "0039": tuple(
        f"DROP TABLE {name}"
        for name in (
            *("disposition", "contributing_list", "review_plan", "review", "rule_miss"),
            *("deferral", "deviation", "review_answer"),
        )
    ),
    "0038": ("DROP TABLE rule_state", "DROP TABLE rule_challenge"),
    "0037": ("DROP TABLE rule_run", "DROP TABLE rule_finding"),
    "0036": ("DROP TABLE role_definition",),
    "0035": ("DROP TABLE by_hand", "DROP TABLE exclusion_run"),
    "0034": ("DROP TABLE saved_query",),
    "0033": ("DROP TABLE gmp_change",),
    "0032": ("DROP TABLE assessment", "DROP TABLE assessed"),
    "0031": ("DROP TABLE coverage_statement", "DROP TABLE reconciliation"),
    "0030": (
        *(f"DROP INDEX record_{name}" for name in _INDEXES),
        *(f"ALTER TABLE record DROP COLUMN {name}" for name in _MEMBERS),
        "ALTER TABLE record_link DROP COLUMN at_us",
        "DROP TABLE record_change",
        "CREATE INDEX record_source ON record (source, pos)",
        "UPDATE projection_version SET version = 2 WHERE name = 'record'",
    ),
    "0029": (
        "DROP TABLE parameter",
        "ALTER TABLE asset DROP COLUMN asset_class",
        "ALTER TABLE asset DROP COLUMN critical",
        "ALTER TABLE identity DROP COLUMN shared",
    ),
}
"""By revision; the newest first."""
NEWER: Final = (
    *("parameter", "coverage-statement", "reconciliation", "assessment", "change", "saved-query"),
    *("by-hand", "exclusion", "role-definition", "rule-run", "rule-finding"),
    *("rule-state", "rule-challenge", "suppression", "disposition"),
    *("contributing-list", "review-plan", "review", "rule-miss", "deferral", "deviation", "review-answer"),
)
"""Projectors that came with these revisions: only who may do all with the database makes it forget them."""


def put_back(owner: Connection, revision: str) -> None:
    """Takes the schema back to a revision, over a connection of the owner of the tables."""
    for undone in _UNDO:
        if undone > revision:
            for statement in _UNDO[undone]:
                owner.execute(text(statement))
    owner.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
