"""Deviations are raised in the quality system over its API (Redmine's), and their numbers kept.

How they stand is read off the records that are collected of that system, never asked for here.
"""

import ssl
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import Address, LogId
from ledger.core.authority import Authority
from ledger.core.disposition import Deviation
from ledger.core.entry import draft
from ledger.core.errors import Conflict, SchemaViolation, Unreachable
from ledger.findings.kinds import RuleFinding
from ledger.review.reviews import tables as t
from ledger.review.reviews.deviations import Raised, raised
from ledger.review.reviews.dispositions import require_others, standing
from ledger.review.reviews.quality_system import QualitySystem
from ledger.sources.parameters import Parameters
from ledger.sources.reasons import require_known, require_reason
from ledger.store.append import Batch, Transaction
from ledger.store.schema import as_of
from ledger.store.store import Store

TIMEOUT_S: Final = 30.0
NAMED: Final = 50
"""Findings that a deviation's text tells one by one."""


class NewDeviation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a deviation is raised for: findings by their keys, a title, and what happened, in words."""

    findings: tuple[str, ...]
    title: str
    description: str
    case: str | None = None


class Raising:
    """Raises deviations for findings of any log. Safe to use from any number of threads."""

    def __init__(self, store: Store, parameters: Parameters, folder: Path, system: QualitySystem | None) -> None:
        self._store = store
        self._parameters = parameters
        self._folder = folder
        self._system = system

    def raise_(self, log: LogId, new: NewDeviation, authority: Authority) -> Raised:
        """Raises a deviation for findings that stand, and enters its number; durable once this returns.

        Raises AccessDenied, SelfApproval, NotFound and SchemaViolation as dispositions do, Conflict where a deviation
        of one of the findings was raised before, and Unreachable where no quality system is set, or it does not answer,
        or refuses.
        """
        require_known(authority)
        if self._system is None:
            raise Unreachable(
                "no quality system is set in which deviations are raised",
                advice="Add the section [deviations] to trailseal.toml (handbook, reviews).",
            )
        number, keys = log.number, tuple(sorted(set(new.findings)))
        with self._store.reading() as connection:
            now_us = self._store.clock.now_us()
            said = require_reason(connection, self._parameters, number, now_us, new.description)
            findings = standing(connection, number, keys)
            require_others(connection, number, findings, authority.actor)
            _require_first(connection, number, keys)
        body = _valid(
            Deviation(
                findings=keys,
                source=self._system.source,
                number="0",
                title=new.title,
                authority=authority,
                case=new.case,
            )
        )
        issue = self._create(self._system, new.title, _text(log, said, findings, new.case))

        def first(transaction: Transaction) -> None:
            _require_first(transaction.connection, number, keys, issue)

        made = draft(msgspec.structs.replace(body, number=issue))
        index = self._store.append(number, Batch([made], before=first))[0].index
        with self._store.reading() as connection:
            return next(one for one in raised(connection, number, keys) if one.entry == index)

    def _create(self, system: QualitySystem, title: str, text: str) -> str:
        """The number of a new issue; raises Unreachable."""
        issue: dict[str, Any] = {"project_id": system.project, "subject": title, "description": text}
        if system.tracker is not None:
            issue["tracker_id"] = system.tracker
        headers = {"X-Redmine-API-Key": self._key(system)}
        url = f"{system.url.rstrip('/')}/issues.json"
        try:
            with httpx.Client(verify=ssl.create_default_context(), timeout=TIMEOUT_S, trust_env=False) as http:
                answer = http.post(url, json={"issue": issue}, headers=headers)
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise Unreachable(
                f"the quality system does not answer: {type(error).__name__}",
                advice="Look there whether the deviation was raised all the same, before you try again.",
            ) from None
        try:
            made = answer.json()["issue"]["id"] if answer.status_code == httpx.codes.CREATED else None
        except (ValueError, KeyError, TypeError):
            made = None
        if not isinstance(made, int):
            raise Unreachable(
                f"the quality system raised no deviation: it answered {answer.status_code}",
                advice="Check its address, project, tracker and key, and that its REST interface is on.",
            )
        return str(made)

    def _key(self, system: QualitySystem) -> str:
        try:
            return (self._folder / system.key_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise Unreachable(
                "deviations.key_file cannot be read", advice="Put the API key into it, for the service alone to read."
            ) from None


def _require_first(connection: Connection, log: int, keys: tuple[str, ...], made: str | None = None) -> None:
    row = t.deviation.c
    before = connection.scalar(
        select(row.number).where(row.log == log, row.key.in_(keys), as_of(t.deviation, None)).limit(1)
    )
    if before is not None:
        beside = "" if made is None else f"; close deviation {made}, which was raised beside it"
        raise Conflict(f"deviation {before} was raised for one of these findings{beside}", advice="Work on that one.")


def _text(log: LogId, said: str, findings: list[RuleFinding], case: str | None) -> str:
    """What stands in the deviation, by which whoever works on it finds what it is about."""
    lines = [said, ""] if case is None else [said, "", f"Case: {case}", ""]
    lines += [
        f"- {one.rule}, {one.severity.value}, source {one.source}, {Address(log.origin, one.anchor)}"
        for one in findings[:NAMED]
    ]
    if len(findings) > NAMED:
        lines.append(f"- and {len(findings) - NAMED} more")
    return "\n".join(lines)


def _valid(body: Deviation) -> Deviation:
    try:
        return msgspec.convert(msgspec.to_builtins(body), Deviation)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"deviation: {error}", advice="Correct what is named.") from None
