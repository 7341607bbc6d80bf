"""No set of processes or servers forks a log: of all that was ever signed, or cosigned, a size has one root."""

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import CheckpointForked, IntegrityError, RolledBack
from ledger.core.note import NoteSignature, NoteSigner, parse_note
from ledger.core.witnessing import AddCheckpoint
from ledger.settings import write as write_settings
from ledger.store import checkpoints
from ledger.trust.signer import Signer
from tests.support.copied import copied
from tests.support.ledgers import RECORDS, Ledger, MovableClock, submission
from tests.support.witness import HandWitness, Trust, two_witnesses

pytestmark = pytest.mark.sampled

REPOSITORY = Path(__file__).parents[3]
RUNS = 60 if "TRAILSEAL_SOAK" in os.environ else 6


def roots(texts: Iterable[str]) -> dict[str, dict[int, set[bytes]]]:
    """The roots by origin and size, of the texts that are checkpoints."""
    found: dict[str, dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    for text in texts:
        checkpoint = Checkpoint.parse(text)
        found[checkpoint.origin][checkpoint.size].add(checkpoint.root)
    return found


def require_one_log(ledger: Ledger, texts: Iterable[str]) -> int:
    """Every root that was signed is that of the log at that size; returns how many there are."""
    count = 0
    by_origin = roots(texts)
    for log in ledger.store.logs():
        with ledger.store.reader(log.number) as reader:
            for size, signed in by_origin[log.origin].items():
                assert signed == {reader.root(size)}, f"{log.origin} was signed with two roots at size {size}"
                count += 1
    return count


def second_server(ledger: Ledger, folder: Path) -> Path:
    """Another folder with the same keys and settings, on the same database."""
    shutil.copytree(ledger.folder, folder, ignore=shutil.ignore_patterns("ledger.sqlite*", "*.lock"))
    url = ledger.settings.database_url(ledger.folder).render_as_string(hide_password=False)
    write_settings(folder, msgspec.structs.replace(ledger.settings, database=url))
    return folder


def test_processes_of_two_servers_on_one_database_sign_one_log(ledger: Ledger, tmp_path: Path) -> None:
    ledger.service.publisher.publish_all()
    other = second_server(ledger, tmp_path / "second")
    folders = [str(ledger.folder), str(other)] * 2
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.trust.publishing_at_once", str(RUNS), *folders],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=60 + 10 * RUNS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    signed = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({pid for pid, _ in signed}) > 1, "one process alone signed"
    assert require_one_log(ledger, [text for _, text in signed]) > RUNS
    assert ledger.query("SELECT count(*) FROM record") == [(4 * RUNS,)]
    ledger.service.publisher.publish_all()
    for log in ledger.store.logs():
        report = ledger.service.verifier.run(log, levels=(1, 3))
        assert report.holds, report


class Recording(HandWitness):
    """Keeps every checkpoint that it cosigned."""

    def __init__(self, of: HandWitness) -> None:
        self.__dict__.update(of.__dict__)
        self.cosigned: list[str] = []

    def add_checkpoint(self, request: AddCheckpoint) -> tuple[NoteSignature, ...]:
        lines = super().add_checkpoint(request)
        self.cosigned.append(request.checkpoint.text())
        return lines


class Two:
    """Two copies of one ledger, keys, signer's memory and database alike, that ask the same witnesses."""

    def __init__(self, first: Ledger, second: Ledger, *witnesses: HandWitness) -> None:
        self.ledgers = (first, second)
        self.witnesses = witnesses
        self.trusts = tuple(Trust(one, *witnesses) for one in self.ledgers)
        for trust in self.trusts:
            # Both servers ran already when their ways parted, and asked before their first signature.
            signer = trust.publisher._signer
            assert isinstance(signer, Signer)
            signer._assessed.update(log.number for log in first.store.logs())

    def grow(self, which: int, *numbers: int) -> None:
        for number in numbers:
            self.ledgers[which].submit([submission(1000 * which + number)])

    def publish(self, which: int) -> None:
        log = self.ledgers[which].service.log()
        self.trusts[which].publisher.publish(log)

    def published(self, which: int) -> list[str]:
        with self.ledgers[which].store.reading() as connection:
            return [parse_note(one.note).text for one in checkpoints.every(connection, RECORDS)]

    def cosigned(self) -> list[str]:
        return [text for one in self.witnesses if isinstance(one, Recording) for text in one.cosigned]


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every note text that is signed while the test lasts."""
    found: list[str] = []
    sign: Callable[[NoteSigner, str], NoteSignature] = NoteSigner.sign

    def telling(self: NoteSigner, text: str) -> NoteSignature:
        found.append(text)
        return sign(self, text)

    monkeypatch.setattr(NoteSigner, "sign", telling)
    return found


@pytest.fixture
def two(request: pytest.FixtureRequest, clock: MovableClock, tmp_path: Path) -> Iterator[Two]:
    """On SQLite, unless the test names another database."""
    ledger: Ledger = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_ledger")
    witnesses = [Recording(one) for one in two_witnesses(ledger)]
    trust = Trust(ledger, *witnesses)
    trust.policy()
    trust.publisher.publish_all()
    ledger.close()
    with (
        copied(request, ledger, tmp_path / "copy") as copy,
        closing(Ledger(ledger.folder, ledger.settings, clock)) as again,
    ):
        yield Two(again, copy, *witnesses)


@pytest.mark.parametrize(
    ("two", "first", "second"),
    [
        ("sqlite", (1,), (1,)),
        ("sqlite", (1, 2), (1,)),
        ("sqlite", (1,), (1, 2)),
        ("postgres", (1,), (1, 2)),
    ],
    ids=["as-large", "smaller", "larger", "larger-postgresql"],
    indirect=["two"],
)
def test_of_two_copies_with_the_same_keys_the_witnesses_let_one_go_on(
    two: Two, signed: list[str], first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    before = two.published(1)
    two.grow(0, *first)
    two.publish(0)
    assert len(two.published(0)) == len(before) + 1
    two.grow(1, *second)
    signed_so_far = len(signed)
    for tries in range(3):
        with pytest.raises(IntegrityError):
            two.publish(1)
        assert two.published(1) == before, "the copy published what no witness may cosign"
        # What it signed once, the witnesses alone have seen.
        assert len(signed) == signed_so_far + 1, tries
    two.grow(0, 3)
    two.publish(0)
    require_one_log(two.ledgers[0], [*two.cosigned(), *two.published(0), *two.published(1)])


def test_a_copy_that_is_started_later_signs_nothing_at_all(two: Two, signed: list[str]) -> None:
    two.grow(0, 1)
    two.publish(0)
    two.grow(1, 1, 2)
    before = len(signed)
    two.trusts[1].begin()
    with pytest.raises((RolledBack, CheckpointForked)):
        two.publish(1)
    assert len(signed) == before
