"""What must hold of a ledger whenever its service was killed, held against what its producers know."""

from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec

from ledger.core.entry import Draft, decode_leaf
from ledger.core.record import RecordBody
from ledger.core.run import RunBatch
from ledger.service import Service
from ledger.sources.kinds import CollectionRun
from ledger.sources.prepare import Preparer
from ledger.store.reading import LogReader, VaultReader
from tests.kill.producer import Acknowledged, Producer
from tests.oracle.audit import audit
from tests.oracle.merkle import check_consistency
from tests.oracle.note import Checkpoint, VerifierKey, open_checkpoint, strict_base64
from tests.oracle.source import Http

LOG = 1
"""Number of the record log."""
SEALED = frozenset({"actor.name"})


class Witness:
    """Remembers every checkpoint that the service has shown, of every log."""

    def __init__(self, vkeys: dict[str, str]) -> None:
        self._keys = {log: [VerifierKey.parse(vkey)] for log, vkey in vkeys.items()}
        self._seen: dict[str, dict[int, str]] = {log: {} for log in vkeys}
        self._joined: dict[str, Checkpoint] = {}

    @property
    def seen(self) -> int:
        return sum(len(notes) for notes in self._seen.values())

    def look(self, http: httpx.Client) -> None:
        """Asks for the latest checkpoints. Raises NotVerified, or AssertionError for another one of a size seen."""
        for log, notes in self._seen.items():
            answer = http.get(f"/api/v1/logs/{log}/checkpoints/latest").raise_for_status().json()
            before = notes.setdefault(answer["size"], answer["checkpoint"])
            assert before == answer["checkpoint"], f"log {log} has two checkpoints of size {answer['size']}"

    def check(self, http: httpx.Client) -> None:
        """All that was seen is there still, unchanged, and each of it is the beginning of what is there now."""
        self.look(http)
        for log, notes in self._seen.items():
            last = self._joined.get(log)
            for size, note in sorted(notes.items()):
                if last is not None and size <= last.size:
                    continue
                kept = http.get(f"/api/v1/logs/{log}/checkpoints/{size}").raise_for_status().json()["checkpoint"]
                assert kept == note, f"the checkpoint of size {size} of log {log} was changed"
                found = open_checkpoint(note.encode(), self._keys[log])
                if last is not None:
                    answer = http.get(f"/api/v1/logs/{log}/consistency", params={"old": last.size, "new": size})
                    hashes = [strict_base64(text, "proof") for text in answer.raise_for_status().json()["hashes"]]
                    check_consistency(last.size, size, last.root, found.root, hashes)
                self._joined[log] = last = found
            audited = audit(Http(f"{str(http.base_url).rstrip('/')}/logs/{log}"), self._keys[log])
            assert audited.size >= max(notes), f"log {log} went back from size {max(notes)} to {audited.size}"


class Inspection:
    """Reads a ledger's record log as a whole, each time, and compares it with what was seen and acknowledged."""

    def __init__(self, folder: Path, producers: Sequence[Producer]) -> None:
        self._folder = folder
        self._producers = {producer.source: producer for producer in producers}
        self._leaves: list[bytes] = []
        self._places: dict[tuple[str, str], int] = {}
        self._checked: set[tuple[str, str]] = set()
        self._checked_runs: set[int] = set()
        self.unanswered = 0
        """Runs that were found committed although the service died before it could say so."""

    @property
    def entries(self) -> int:
        return len(self._leaves)

    def check(self) -> None:
        """Raises AssertionError, naming the record, where one that was acknowledged is lost, moved, changed or doubled,
        where a run is there in part, where anything that was seen before has changed, and where verification fails.
        """
        service = Service(self._folder)
        try:
            with service.store.reader(LOG) as reader:
                self._read(reader)
                for producer in self._producers.values():
                    self._check_acknowledged(service, reader, producer)
                    self._check_runs(reader, producer)
                    self._check_pending(producer)
            for log in service.logs.values():
                report = service.verifier.run(log)
                assert report.holds, f"log {log.name} does not verify: {report.summary}"
        finally:
            service.close()

    def _read(self, reader: LogReader) -> None:
        leaves: list[bytes] = []
        places: dict[tuple[str, str], int] = {}
        for stored in reader.entries(0, reader.head().size):
            assert stored.index == len(leaves), f"entry {len(leaves)} is missing"
            leaves.append(stored.leaf)
            if decode_leaf(stored.leaf).kind != "record":
                continue
            assert stored.body is not None
            record = msgspec.json.decode(stored.body, type=RecordBody).record
            key = (record.source, record.source_record_id)
            assert key not in places, f"record {key} is in entry {places[key]} and again in entry {stored.index}"
            places[key] = stored.index
        assert leaves[: len(self._leaves)] == self._leaves, "entries that were seen before are lost or changed"
        self._leaves, self._places = leaves, places

    def _check_acknowledged(self, service: Service, reader: LogReader, producer: Producer) -> None:
        preparer = Preparer(producer.source, SEALED, service.keys.digests())
        for record_id, known in producer.acknowledged.items():
            key = (producer.source, record_id)
            found = self._places.get(key)
            assert found == known.index, f"record {key} was acknowledged as entry {known.index}, now it is in {found}"
            if key not in self._checked:
                _check_content(reader, preparer, known)
                self._checked.add(key)

    def _check_runs(self, reader: LogReader, producer: Producer) -> None:
        for index, run in producer.runs.items():
            if index in self._checked_runs:
                continue
            stored = reader.entry(index)
            assert stored.body is not None
            body = msgspec.json.decode(stored.body, type=CollectionRun)
            told = (body.source, body.cursor_from, body.cursor_to, body.records + len(body.duplicates))
            sent = (run.source, run.cursor_from, run.cursor_to, len(run.submissions))
            assert told == sent, f"entry {index} is of the run {told}, not {sent}"
            self._checked_runs.add(index)

    def _check_pending(self, producer: Producer) -> None:
        """A run without an answer is in the log as a whole or not at all; nothing is there that was never sent."""
        sent = set(producer.acknowledged)
        if producer.pending is not None:
            waiting = _ids(producer.pending)
            there = [record_id for record_id in waiting if (producer.source, record_id) in self._places]
            assert not there or there == waiting, f"only {len(there)} of {len(waiting)} records of one run are there"
            self.unanswered += bool(there)
            sent.update(waiting)
        strangers = {record_id for source, record_id in self._places if source == producer.source} - sent
        assert not strangers, f"{producer.source}: records are there that were never sent: {sorted(strangers)[:3]}"


def _ids(run: RunBatch) -> list[str]:
    return [submission.record.source_record_id for submission in run.submissions]


def _check_content(reader: LogReader, preparer: Preparer, known: Acknowledged) -> None:
    """Body, sealed value and original are those of the submission."""
    stored = reader.entry(known.index)
    assert stored.body is not None
    body = msgspec.json.decode(stored.body, type=RecordBody)
    wanted = preparer.prepare(known.submission)
    record, sent = body.record, known.submission.record
    name = f"entry {known.index}"
    assert isinstance(wanted, Draft), name
    assert isinstance(wanted.body, RecordBody), name
    assert (body.digest, body.received_at) == (wanted.body.digest, known.submission.received_at), name
    shown = msgspec.structs.replace(record, actor=msgspec.structs.replace(record.actor, name=sent.actor.name))
    assert shown == sent, f"{name} holds another record than was sent"
    vault = VaultReader(reader.connection)
    original, given = vault.original(LOG, known.index), known.submission.original
    assert (original and original.value) == (given and given.data), f"{name} has another original, or none"
    assert [msgspec.json.decode(kept.value) for kept in vault.sealed(LOG, known.index)] == [sent.actor.name], name
