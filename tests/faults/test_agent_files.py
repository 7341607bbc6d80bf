"""A bit flips in a file of an agent's folder: nothing but what was signed there goes out, and no error comes raw."""

import os
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from collectors.agent.config import FILE_NAME as CONFIG
from collectors.agent.config import load
from collectors.agent.identity import AUTHORITY_FILE, ENROLLED_FILE, KEY_FILE, TLS_FILE, Identity, make_request
from collectors.agent.link import HttpLink
from collectors.agent.run import STATUS_FILE, read_status
from collectors.agent.spool import FILE_NAME as SPOOL
from collectors.agent.spool import Spool
from collectors.agent.spooled import LOST_REASON
from ledger.core.batch import SignedBatch
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, LedgerError, RetriableSource
from ledger.core.run import RunBatch, SourceState
from ledger.trust.agent_ca import AgentCa
from tests.support.spooling import SOURCE, Edge, run

SEED = int(os.environ.get("TRAILSEAL_SEED", "20261129"))
TIMES = 100 if "TRAILSEAL_SOAK" in os.environ else 12
BATCHES = 3
NOWHERE = "https://127.0.0.1:9"
"""Where nobody listens."""


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    """An agent with everything in its folder, and batches that nobody has yet."""
    edge = Edge(tmp_path / "agent")
    authority = AgentCa(tmp_path, SystemClock())
    authority.ensure()
    key, request = make_request("edge1")
    (edge.folder / TLS_FILE).write_bytes(key + authority.client("edge1", edge.identity.key, request).encode())
    (edge.folder / AUTHORITY_FILE).write_text(authority.pem)
    (edge.folder / CONFIG).write_text(f'server = "{NOWHERE}"\n[[source]]\nid = "{SOURCE}"\ntype = "push"\n')
    (edge.folder / STATUS_FILE).write_text("{}")
    with closing(edge.spool()) as spool:
        spool.begin(SourceState(source=SOURCE))
        for at in range(1, BATCHES + 1):
            spool.submit(run(at, size=3000))
    return edge


def used(folder: Path) -> Iterator[SignedBatch | None]:
    """Reads each file as an agent does that starts and hands over; gives what it would send."""
    load(folder)
    identity = Identity(folder)
    identity.certificate()
    with pytest.raises(RetriableSource, match="did not answer"):
        HttpLink(NOWHERE, identity, SystemClock()).standing()
    with closing(Spool(identity, SystemClock())) as spool:
        spool.state(SOURCE)
        for number in range(1, BATCHES + 1):
            yield spool.batch(number)


def handed_over(edge: Edge, spool: Spool) -> list[RunBatch]:
    """The runs that are handed over until none is left; the ledger signs for each."""
    runs: list[RunBatch] = []
    while (made := spool.pending()) is not None:
        runs.append(msgspec.json.decode(made.payload, type=RunBatch))
        spool.delivered(made.header, edge.receipt(made, 100 + len(runs)))
    return runs


def test_each_file_of_an_agent_is_read_whole_or_refused_in_plain_words(edge: Edge) -> None:
    sent = list(used(edge.folder))
    assert all(sent)
    found = {path.name for path in edge.folder.iterdir() if path.stat().st_size}
    assert found == {KEY_FILE, ENROLLED_FILE, TLS_FILE, AUTHORITY_FILE, CONFIG, STATUS_FILE, SPOOL}
    dice, refused = random.Random(SEED), dict.fromkeys(found, 0)
    for name in sorted(found - {STATUS_FILE}):
        path = edge.folder / name
        before = path.read_bytes()
        for _ in range(TIMES):
            data = bytearray(before)
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            path.write_bytes(data)
            try:
                for batch, good in zip(used(edge.folder), sent, strict=True):
                    assert batch in (None, good), f"another batch would go out, by {name}"
            except LedgerError:
                refused[name] += 1
            finally:
                for end in ("-wal", "-shm"):
                    (edge.folder / f"{SPOOL}{end}").unlink(missing_ok=True)
                path.write_bytes(before)
    assert refused[SPOOL], "no flip hit a batch"
    assert refused[KEY_FILE] == TIMES, "batches of another key were taken for its own"


def test_a_damaged_word_of_how_an_agent_fares_is_told_as_such(edge: Edge) -> None:
    for data in (b"", b"{", b'{"agent":1}', b"\xff"):
        (edge.folder / STATUS_FILE).write_bytes(data)
        with pytest.raises(ConfigError, match="is damaged"):
            read_status(edge.folder)


def test_a_new_epoch_goes_on_after_a_damaged_batch_and_names_what_is_lost(edge: Edge) -> None:
    path = edge.folder / SPOOL
    data = path.read_bytes()
    at = data.index(b"operator1")
    path.write_bytes(data[:at] + b"operator2" + data[at + 9 :])
    with closing(edge.spool()) as spool:
        with pytest.raises(ConfigError, match="damaged at batch"):
            handed_over(edge, spool)
        spool.begin_epoch(2, [SourceState(source=SOURCE)])
        runs = handed_over(edge, spool)
    assert [gap.reason for one in runs for gap in one.gaps] == [LOST_REASON]
    assert not any(b"operator2" in msgspec.json.encode(one) for one in runs)
