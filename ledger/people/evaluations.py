"""What is evaluated of persons: the whole list, as a works agreement needs it. There is nothing else of the kind.

No evaluation compares, ranks or counts persons. Each can be switched off for the site (profile item `evaluations_off`);
what then no longer happens is said by each.
"""

import csv
import io
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.errors import NotFound
from ledger.people.profile import read_profile
from ledger.present.messages import message


class EvaluationId(StrEnum):
    """The names by which evaluations are switched off."""

    LAST_USE = "last-use"
    LOCK_ALERT = "lock-alert"
    LOOK_UP_REPORT = "look-up-report"
    INSPECTOR_VIEWS = "inspector-views"


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation, in words: its rule, its data, what it is for, who sees it, and what is missing without it."""

    evaluation: EvaluationId
    on: bool
    rule: str
    data: str
    purpose: str
    seen_by: str
    without: str


COLUMNS: Final = Evaluation.__struct_fields__


def evaluations(connection: Connection) -> list[Evaluation]:
    """Every evaluation, and whether it is on."""
    off = read_profile(connection).evaluations_off
    return [
        Evaluation(
            evaluation=one,
            on=one.value not in off,
            **{part: message(f"evaluation.{one.value}.{part}") for part in COLUMNS[2:]},
        )
        for one in EvaluationId
    ]


def is_on(connection: Connection, evaluation: EvaluationId) -> bool:
    """Whether the site has this evaluation."""
    return evaluation.value not in read_profile(connection).evaluations_off


def require_on(connection: Connection, evaluation: EvaluationId) -> None:
    """Raises NotFound where the site has this evaluation off."""
    if not is_on(connection, evaluation):
        raise NotFound(
            f"this site has the evaluation {evaluation.value!r} off",
            advice="Its entries stand. The profile's `evaluations_off` says what is not evaluated of persons here.",
        )


def as_csv(listed: list[Evaluation]) -> str:
    """The list as CSV (RFC 4180), to be attached to an agreement."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in listed:
        writer.writerow(
            [one.evaluation.value, "on" if one.on else "off", *(getattr(one, part) for part in COLUMNS[2:])]
        )
    return out.getvalue()
