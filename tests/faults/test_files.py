"""A bit flips in each sort of file of a ledger's folder: whoever reads it says so, or it means nothing.

The files are those of a real folder: one of a sort that no line of the table is about fails the test.
"""

import os
import random
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import pytest

from ledger.core.errors import ConfigError, IntegrityError, LedgerError
from ledger.findings.incident_kinds import CaseEvent, Cause, IncidentCase
from ledger.integrity.incidents.evidence import CASE, CASE_DIGEST, write_case
from ledger.service import Service
from ledger.trust.signed import AWAY
from tests.cli.terminal import trailseal
from tests.faults.folder import TILES, files, furnish
from tests.support.ledgers import AUTHORITY, LIGHT, Copies, Ledger, MovableClock, submission
from tests.support.tsa import Stamper

SEED = int(os.environ.get("TRAILSEAL_SEED", "20261129"))
TIMES = 20 if "TRAILSEAL_SOAK" in os.environ else 1


class Whole:
    """A furnished ledger that nobody has open, and who may notice that a file of it rotted."""

    def __init__(self, ledger: Ledger) -> None:
        self.folder, self.clock = ledger.folder, ledger.clock
        self.vkeys = {log.name: ledger.service.vkey(log) for log in ledger.service.logs.values()}
        ledger.close()
        self.sound = set(self.findings())

    def findings(self) -> Iterator[str]:
        """What `doctor` finds wrong."""
        for one in trailseal("doctor", "--json", "--ledger", self.folder).json():
            if not one["ok"]:
                yield f"{one['name']}: {one['says']}"

    def doctor(self, file: str) -> str:
        """What `doctor` finds wrong beside what it always does in a test."""
        return "; ".join(set(self.findings()) - self.sound)

    def opened(self, file: str) -> str:
        """What opening, level 5 and signing say."""
        try:
            service = Service(self.folder, self.clock, effort=LIGHT)
        except LedgerError as error:
            return error.message
        try:
            with service.store.reading() as connection:
                standings = [service.rollback.judge(connection, log) for log in service.logs.values()]
            fault = next((one.fault for one in standings if one.fault), "")
            if not fault:
                service.publisher.publish_all()
            return fault
        except LedgerError as error:
            return error.message
        finally:
            service.close()

    def audit(self, file: str) -> str:
        """What an audit of published tiles says."""
        place = next(one for one in (self.folder / file).parents if (one / "checkpoint").exists())
        told = trailseal("verify", "--tiles", place, "--vkey", self.vkeys[place.name])
        return told.out if told.code else ""


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """Files whose path has one of these patterns: who notices a flip, and in which words.

    `by` is None for what nobody notices; `says` tells then why that harms no record. `read`: what of a file counts.
    """

    paths: tuple[str, ...]
    by: Callable[[Whole, str], str] | None
    says: str
    read: Callable[[bytes], object] = bytes


def notes(data: bytes) -> list[str] | None:
    """The notes of a file of lines; the moments beside them are for people."""
    try:
        return [msgspec.json.decode(line)["note"] for line in data.split(b"\n") if line]
    except (ValueError, KeyError, TypeError):
        return None


def signed(data: bytes) -> list[bytes]:
    """What the log's key vouches for, with its own line; an audit by that key alone does not judge the others."""
    return data.split(b"\n")[:5]


KEY = "does not hold a key|no key event names the key at hand|is not at hand|is the same key"
SORTS = (
    Sort(paths=("keys/*.log.key",), by=Whole.doctor, says=f"{KEY}|none of its keys", read=bytes.strip),
    Sort(
        paths=("keys/*.report.key", "keys/*.receipt.key", "keys/notice.key"),
        by=Whole.doctor,
        says=KEY,
        read=bytes.strip,
    ),
    Sort(paths=("keys/digest.key",), by=Whole.doctor, says=f"digest secret|{KEY}", read=bytes.split),
    Sort(paths=("keys/agents-ca.key",), by=Whole.doctor, says="is not the key of agents-ca", read=bytes.strip),
    Sort(
        paths=("keys/agents-ca.pem",), by=Whole.doctor, says="agents-ca.pem is damaged|is not the key", read=bytes.strip
    ),
    Sort(paths=("keys/pepper.key",), by=None, says="passwords, codes and tokens of devices are refused: restore it"),
    Sort(paths=("next-keys/*.next.key",), by=Whole.doctor, says="is not the key that entry", read=bytes.strip),
    Sort(paths=("next-keys/*.next.digest",), by=None, says="people compare it as they type it in to promise the key"),
    Sort(paths=("signed/*.signed",), by=Whole.opened, says="is damaged|signed"),
    Sort(paths=("kept/cosigned/*/latest", "kept/timestamps/*/newest"), by=Whole.doctor, says="kept: kept/"),
    Sort(paths=("kept/cosigned/*.jsonl",), by=Whole.doctor, says="kept: line .* of kept/cosigned/", read=notes),
    Sort(paths=("kept/timestamps/*.tsr",), by=Whole.doctor, says="is not the time-stamp that one gave"),
    Sort(paths=("kept/timestamps/*.checkpoint",), by=Whole.doctor, says="kept: kept/timestamps/"),
    Sort(paths=("kept/incidents/*",), by=Whole.doctor, says="is not the file that|is not what the case|is damaged"),
    Sort(paths=(f"{TILES}/*/tile/*",), by=Whole.audit, says="▲"),
    Sort(paths=(f"{TILES}/*/key-life.jsonl",), by=Whole.audit, says="▲"),
    Sort(paths=(f"{TILES}/*/checkpoint",), by=Whole.audit, says="▲", read=signed),
    Sort(
        paths=("trailseal.toml",), by=None, says="what can be read is taken as meant; the next start enters its digest"
    ),
)


@pytest.fixture(scope="module")
def whole(copies: Copies, stamper: Stamper, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    clock = MovableClock()
    ledger = copies.sqlite(tmp_path_factory.mktemp("whole") / "ledger", clock)
    furnish(ledger, clock, stamper)
    return Whole(ledger)


def sorts_of(file: str) -> list[Sort]:
    return [one for one in SORTS if any(fnmatchcase(file, path) for path in one.paths)]


def test_every_sort_of_file_has_one_line_of_the_table_and_every_line_a_file(whole: Whole) -> None:
    found = {file: sorts_of(file) for file in files(whole.folder)}
    assert {file: len(of) for file, of in found.items() if len(of) != 1} == {}
    covered = {path for file in found for one in SORTS for path in one.paths if fnmatchcase(file, path)}
    assert {path for one in SORTS for path in one.paths} - covered == set()


def test_whoever_reads_a_file_says_that_a_bit_of_it_flipped(whole: Whole) -> None:
    dice = random.Random(SEED)
    chosen: dict[str, str] = {}
    for file in files(whole.folder):
        (sort,) = sorts_of(file)
        chosen[file if TIMES > 1 else repr((sort.paths, Path(file).suffix, Path(file).name[:4]))] = file
    for file in chosen.values():
        (sort,) = sorts_of(file)
        path = whole.folder / file
        before = path.read_bytes()
        for _ in range(TIMES):
            data = bytearray(before)
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            after = bytes(data)
            if sort.by is None or sort.read(before) == sort.read(after):
                continue
            path.write_bytes(after)
            try:
                told = sort.by(whole, file)
            finally:
                path.write_bytes(before)
            assert re.search(sort.says, told), (file, told)
    assert set(whole.findings()) == whole.sound


def test_a_case_that_only_its_damaged_folder_knows_is_not_entered_again(
    sqlite_ledger: Ledger, clock: MovableClock
) -> None:
    service = sqlite_ledger.service
    case = IncidentCase(case="2026-11-29-00000000", event=CaseEvent.OPENED, reason="r", authority=AUTHORITY)
    folder = service.cases.folder / case.case
    folder.mkdir(parents=True)
    write_case(folder, msgspec.structs.replace(case, cause=Cause.VERIFICATION))
    for name in (CASE, CASE_DIGEST):
        data = (folder / name).read_bytes()
        for at in (0, 9, len(data) - 2):
            (folder / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            with pytest.raises(IntegrityError, match="is damaged") as refused:
                service.ways_back.known(case.case)
            assert "Restore kept/incidents" in refused.value.advice
        (folder / name).write_bytes(data)
    assert service.ways_back.known(case.case).opened.cause is Cause.VERIFICATION


@pytest.mark.parametrize("data", [b"", b"{", b'{"place":1}', b"\xff"])
def test_a_ledger_whose_word_of_a_move_is_damaged_enters_and_signs_nothing(sqlite_ledger: Ledger, data: bytes) -> None:
    (sqlite_ledger.folder / "signed" / AWAY).write_bytes(data)
    with pytest.raises(ConfigError, match=r"moved-away\.json.*is damaged"):
        sqlite_ledger.submit([submission(1)])
    with pytest.raises(ConfigError, match=r"moved-away\.json.*is damaged"):
        sqlite_ledger.service.publisher.publish_all()
