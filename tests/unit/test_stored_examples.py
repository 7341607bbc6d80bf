"""A body once written is read for ever: each kind and version has a stored example that today's code reads and writes.

The files are canonical JSON, written once; a change of a struct that breaks one needs a new version beside the old.
"""

from pathlib import Path

import msgspec
import pytest

from ledger import settings
from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.checkpoint import open_checkpoint
from ledger.core.entry import Entry, LeafData, decode_leaf
from ledger.core.job import Job
from ledger.core.note import NoteSigner, sign_note
from ledger.core.record import Actor, Record, Submission
from ledger.core.run import RunBatch, RunReceipt, SourceState
from ledger.core.source import SourceConfig
from ledger.core.times import Clock, SourceTime
from ledger.domains import assembly
from ledger.settings import Listen, Settings
from ledger.store.projections import Projections, Rows

EXAMPLES = Path(__file__).parents[1] / "examples"
KINDS, PROJECTORS = assembly("sqlite")
VERSIONS = [(kind.name, number) for kind in KINDS for number in range(1, len(kind.versions) + 1)]
CONTRACTS: tuple[type[msgspec.Struct], ...] = (
    Actor,
    Authority,
    Clock,
    Job,
    LeafData,
    Record,
    RunBatch,
    RunReceipt,
    SourceConfig,
    SourceState,
    SourceTime,
    Submission,
)


def stored(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


def test_every_kind_and_version_has_an_example_and_no_example_is_left_over() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.json")) == sorted(f"{kind}-{n}" for kind, n in VERSIONS)


@pytest.mark.parametrize(("kind", "number"), VERSIONS)
def test_a_stored_body_is_read_and_written_byte_for_byte(kind: str, number: int) -> None:
    data = stored(f"{kind}-{number}.json")
    canonical.require_canonical(data)
    body = KINDS[kind].decode(data)
    assert type(body) is KINDS[kind].versions[number - 1]
    assert canonical.encode_struct(body) == data


@pytest.mark.parametrize(("kind", "number"), VERSIONS)
def test_a_stored_body_gives_the_same_rows_each_time(kind: str, number: int) -> None:
    live = Projections(PROJECTORS).newest()
    body = KINDS[kind].decode(stored(f"{kind}-{number}.json"))
    entry = Entry(log=1, index=48, kind=kind, logged_us=1_795_590_606_700_000, body=body)
    rows: list[tuple[Rows, list[object]]] = []
    for _ in range(2):
        facts: Rows = {}
        changes: list[object] = []
        live.project(entry, facts, changes)  # type: ignore[arg-type]
        rows.append((facts, changes))
    assert rows[0] == rows[1]
    projected = {kind for projector in PROJECTORS for kind in projector.kinds}
    assert (rows[0] != ({}, [])) == (kind in projected)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_stored_contract_is_read_and_written_byte_for_byte(contract: type[msgspec.Struct]) -> None:
    data = stored(f"contracts/{contract.__name__}.json")
    assert canonical.dumps(msgspec.to_builtins(msgspec.json.decode(data, type=contract))) == data


def test_the_stored_leaf_is_leaf_data() -> None:
    leaf = decode_leaf(stored("contracts/LeafData.json"))
    assert (leaf.index, leaf.kind, leaf.v) == (48, "record", 1)


def test_the_stored_checkpoint_is_opened_by_its_key_and_signed_again_byte_for_byte() -> None:
    data = stored("contracts/checkpoint")
    signer = NoteSigner("plant.example/site-a/records", bytes(range(32)))
    opened = open_checkpoint(data, signer.verifier.name, [signer.verifier])
    assert (opened.checkpoint.size, opened.unverified) == (307, ())
    assert sign_note(opened.checkpoint.text(), [signer]) == data


def test_the_stored_settings_are_read(tmp_path: Path) -> None:
    (tmp_path / settings.FILE_NAME).write_bytes(stored("contracts/trailseal.toml"))
    assert settings.load(tmp_path)[0] == Settings(
        origin="plant.example/site-a",
        database="postgresql://trailseal_runtime:${LEDGER_PASSWORD}@db.example/trailseal",
        owner_database="postgresql://trailseal_owner:${OWNER_PASSWORD}@db.example/trailseal",
        zone="Europe/Berlin",
        listen=Listen(host="127.0.0.1", port=8470),
        publish_tiles=True,
        checkpoint_seconds=10.0,
        readers=8,
    )
