"""The file of a statement of completeness, and its verification offline: no ledger, no network, a key from outside.

Exit codes as of a package: 0 it holds under a key or policy from outside; 1 something is wrong; 2 consistent with
itself, but nothing from outside says whose it is. It rests on `ledger.core` alone.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

import msgspec

from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.clock import parse_utc
from ledger.core.completeness import CompletenessStatement, read_statement
from ledger.core.cosignature import parse_log_key
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import HASH_SIZE, b64, run_chain, unb64
from ledger.core.led_keys import parsed
from ledger.core.note import VerifierKey
from ledger.core.policy import Policy
from ledger.core.statement import open_report
from reports.checks import Problems, check_report_key
from reports.lines import EntryLine, check_line
from reports.reading import KEY_EVENT, LOG_CREATED, body_of
from reports.verdict import Check, ExitCode, Outcome, PackageVerdict

FORMAT: Final = "trailseal-completeness/1"
MAX_FILE: Final = 256 * 1024 * 1024
"""Bytes of the largest file that is read."""


class StatementFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement (`note`, signed by the log's report key), and what leads to that key from the log's own.

    `checkpoint` is the log's signed checkpoint; `created` and `report_key` are its entries that name the log and vouch
    for the report key. `leaf_hashes`: base64 of the leaf hashes, of 32 bytes each, of all records of the statement's
    runs; null: they were left out.
    """

    format: Literal["trailseal-completeness/1"]
    note: str
    checkpoint: str
    created: EntryLine
    report_key: EntryLine
    leaf_hashes: str | None


def is_statement(path: Path) -> bool:
    """Whether a file begins as that of a statement does, and not as a package's; false for one that is not there."""
    try:
        with path.open("rb") as file:
            return file.read(1) == b"{"
    except OSError:
        return False


def verify_statement(data: bytes, vkeys: Sequence[str] = (), policy: Policy | None = None) -> PackageVerdict:
    """The verdict on a statement's file, whatever it holds; never raises for what is wrong with it.

    `vkeys` are verifier keys of logs, from outside. Raises MalformedNote for a key that is none.
    """
    if vkeys and policy is None:
        policy = Policy.of_log_keys([parse_log_key(vkey) for vkey in vkeys])
    problems, checks = Problems(), list[Check]()
    statement = None
    try:
        statement = _read(data, policy, checks, problems)
    except LedgerError as error:
        problems.add("the statement", str(error))
    except (msgspec.DecodeError, UnicodeError, ValueError) as error:
        problems.add("the statement", f"cannot be read: {error}")
    code = ExitCode.WRONG if problems else ExitCode.HOLDS if policy else ExitCode.NOT_AUTHENTICATED
    summary = {
        ExitCode.HOLDS: "The statement holds, under a key from outside of it.",
        ExitCode.WRONG: "Something is wrong with this statement. Do not rely on anything in it.",
        ExitCode.NOT_AUTHENTICATED: "The statement is consistent with itself; its origin is NOT authenticated.",
    }[code]
    return PackageVerdict(
        exit_code=code,
        summary=summary,
        checks=tuple(checks),
        problems=tuple(problems),
        origin=statement.origin if statement else None,
        size=statement.size if statement else None,
        root=statement.root if statement else None,
        records=statement.records if statement else None,
    )


def _read(data: bytes, policy: Policy | None, checks: list[Check], problems: Problems) -> CompletenessStatement:
    if len(data) > MAX_FILE:
        raise IntegrityError(f"has {len(data)} bytes, and one of a statement at most {MAX_FILE}")
    file = msgspec.json.decode(data, type=StatementFile)
    head = _head(file, policy, checks)
    for entry in (file.created, file.report_key):
        check_line(entry, head.size, head.root)
    check_report_key(file.report_key, head.origin)
    key = VerifierKey.parse(body_of(file.report_key, KEY_EVENT).key)
    payload = open_report(file.note.encode(), head.origin, key)
    statement = read_statement(msgspec.json.encode(payload))
    if (statement.size, statement.root) != (head.size, b64(head.root)):
        raise IntegrityError("is not of the checkpoint that stands with it")
    checks.append(
        Check(
            name="Statement",
            outcome=Outcome.HOLDS,
            says=f"source {statement.source} of {statement.origin}, from {statement.between.after} to before "
            f"{statement.between.before}: {statement.records} records in {statement.runs} runs; signed by the report "
            "key that the log vouches for",
            not_proven="that a source gave everything it had; what could not be known: "
            + "; ".join(statement.not_known),
        )
    )
    _check_stretches(statement)
    checks.append(_chain(statement, file.leaf_hashes))
    return statement


def _head(file: StatementFile, policy: Policy | None, checks: list[Check]) -> Checkpoint:
    note = file.checkpoint.encode()
    if policy is not None:
        head = policy.open(note).checkpoint
        outcome, says = Outcome.HOLDS, f"the checkpoint of {head.origin} at size {head.size} is signed by a given key"
    else:
        created = body_of(file.created, LOG_CREATED)
        head = open_checkpoint(note, parsed(note).origin, [VerifierKey.parse(created.key)]).checkpoint
        outcome, says = Outcome.UNKNOWN, "NOT authenticated: no key from outside was given (--vkey, --policy)"
    checks.append(
        Check(
            name="Origin", outcome=outcome, says=says, not_proven="who holds that key: compare it with the log's card"
        )
    )
    return head


def _check_stretches(statement: CompletenessStatement) -> None:
    """The interval has each of its instants in one stretch."""
    bounds = [(parse_utc(one.between.after), parse_utc(one.between.before)) for one in statement.stretches]
    whole = (parse_utc(statement.between.after), parse_utc(statement.between.before))
    joined = all(one[1] == other[0] for one, other in pairwise(bounds)) and all(low < high for low, high in bounds)
    if not bounds or not joined or (bounds[0][0], bounds[-1][1]) != whole:
        raise IntegrityError("has stretches that are not the interval, each instant once")


def _chain(statement: CompletenessStatement, given: str | None) -> Check:
    if given is None:
        return Check(
            name="Records",
            outcome=Outcome.UNKNOWN,
            says="the leaf hashes of the records are not in the file: their chain cannot be judged",
            not_proven="that the records at hand are those that the statement is about",
        )
    hashes = unb64(given)
    if len(hashes) != statement.records * HASH_SIZE:
        raise IntegrityError(f"has {len(hashes) / HASH_SIZE:g} leaf hashes, not of {statement.records} records")
    link = unb64(statement.chain_before, HASH_SIZE)
    for at in range(0, len(hashes), HASH_SIZE):
        link = run_chain(link, hashes[at : at + HASH_SIZE])
    if b64(link) != statement.chain_after:
        raise IntegrityError("has leaf hashes that are not those of its runs: a record was added, left out or changed")
    return Check(
        name="Records",
        outcome=Outcome.HOLDS,
        says=f"the chain of the source's runs leads over exactly these {statement.records} leaf hashes",
        not_proven="what the records say: `trailseal package` gives them with their content",
    )
