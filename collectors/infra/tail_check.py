"""Tries a log: are its files there, can they be read, does its last line give a record."""

from collections.abc import Callable, Iterable

from collectors.base import Check, CheckReport, judge_clock
from collectors.infra.lines import Line, make_line
from collectors.infra.splitting import Piece
from collectors.infra.tail_files import Broken, Found, LogFile, find
from collectors.infra.tail_look import Log
from ledger.core.errors import LedgerError, RetriableSource

_LOOK_BYTES = 4 * 1024 * 1024
_SAMPLE = 50


def check_log(log: Log, derive: Callable[[Line], None]) -> CheckReport:
    """Never raises for what the files do; the report says it. `derive` raises SkippableRecord for no record."""
    try:
        found = find(log.path, log.rotated)
    except RetriableSource as error:
        return CheckReport(checks=(Check(name="files", ok=False, says=error.message, advice=error.advice),))
    live = sum(one.live for one in found)
    checks = [Check(name="files", ok=True, says=f"{live} files of {log.path}, and {len(found) - live} rotated ones")]
    for one in reversed(found):
        try:
            pieces, header = _first_pieces(log, one)
        except (OSError, Broken) as error:
            advice = "Give the collector's account the right to read the log and its rotated files."
            checks.append(Check(name="read", ok=False, says=f"{one.path} cannot be read: {error}", advice=advice))
            continue
        if pieces:
            checks.append(_try_pieces(one, pieces, header, derive))
            break
    else:
        checks.append(Check(name="records", ok=True, says="no record stands there yet that the options let through"))
    return CheckReport(checks=(*checks, judge_clock(None)))


def _first_pieces(log: Log, one: Found) -> tuple[list[Piece], str | None]:
    """Some records from the beginning of a file."""
    file = LogFile(one.path)
    try:
        header = log.header(file) if log.headed else None
        data = file.read(0, _LOOK_BYTES)
        return list(_wanted(log, log.splitter(log.rules).feed(data), header)), header
    finally:
        file.close()


def _wanted(log: Log, pieces: Iterable[Piece], header: str | None) -> Iterable[Piece]:
    taken = 0
    for piece in pieces:
        if taken < _SAMPLE and (header is None or piece.offset) and not piece.problem and log.wanted(piece.data):
            taken += 1
            yield piece


def _try_pieces(one: Found, pieces: list[Piece], header: str | None, derive: Callable[[Line], None]) -> Check:
    refused = []
    for piece in pieces:
        try:
            derive(make_line(one.path.name, 1, piece.offset, piece.data, header))
        except LedgerError as error:
            refused.append(f"byte {piece.offset}: {error.message}")
    if refused:
        return Check(
            name="records",
            ok=False,
            says=f"{one.path}: {len(refused)} of {len(pieces)} lines give no record; {refused[0]}",
            advice="Correct `format` and its options, or the mapping; leave out other lines by `only` or `without`.",
        )
    return Check(name="records", ok=True, says=f"{one.path}: {len(pieces)} lines tried, all give records")
