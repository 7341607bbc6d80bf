"""What regulations ask that this report answers, and where; and what its words mean."""

from typing import Final

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from ledger.present.messages import message
from ledger.regulation.reading import clauses, documents
from reports.style import CELL, CELL_QUIET, QUIET, facts, grid, text

ANSWERED: Final[dict[str, tuple[str, ...]]] = {
    "R03": ("records", "scope"),
    "R07": ("records",),
    "R14": ("scope", "verification"),
    "R16": ("signatures",),
    "R17": ("signatures",),
    "R18": ("signatures", "howto"),
    "R21": ("signatures",),
    "R34": ("records",),
    "R35": ("records", "scope"),
    "R36": ("records", "reviews"),
    "R61": ("accounts", "coverage"),
    "R62": ("records", "accounts"),
    "R64": ("imports", "signatures"),
    "R65": ("copy",),
}
"""Requirements of the regulation map that the report answers, each with its sections."""
TERMS: Final = (
    *("alcoa", "audit-trail", "bag", "body", "checkpoint", "collection-run", "commitment", "completeness", "derived"),
    *("entry", "exposure", "fingerprint", "leaf", "log", "original", "proof", "seal", "sealed-value", "time-stamp"),
    *("true-copy", "verifier-key", "withheld", "witness"),
)


def regulations(width: float) -> list[Flowable]:
    """The clauses of the product's regulation map that a report can answer, and the sections that do."""
    titles = {one.id: one.title for one in documents()}
    known = {clause.id: clause for clause in clauses()}
    rows, shown = [], ""
    for row, sections in ANSWERED.items():
        clause = known[row]
        named = [text(clause.clause, CELL)]
        if clause.document != shown:
            named.insert(0, text(titles[clause.document], CELL_QUIET))
        shown = clause.document
        where = "; ".join(message(f"report.{name}") for name in sections)
        rows.append([named, text(clause.text, CELL), text(where, CELL)])
    head = [message(f"report.col.{name}") for name in ("clause", "asks", "section")]
    return [
        text(message("report.regulations.lead"), QUIET),
        grid(head, rows, [46 * mm, width - 92 * mm, 46 * mm]),
    ]


def glossary(width: float) -> list[Flowable]:
    """The words that the report uses in a sense of its own, in the order of the alphabet."""
    told = sorted((message(f"glossary.{name}"), message(f"glossary.{name}.means")) for name in TERMS)
    return [facts([(term, text(means, CELL)) for term, means in told], width)]
