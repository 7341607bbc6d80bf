"""Copies outside the database that rotted: found while others are still good, not on the day that they are needed.

Each file below `kept/` is held against what cannot change unseen: checkpoints against their signatures, time-stamps
against the log's entries or the pinned roots, a case's files against the digests in its entry. What is missing is no
fault: it may have been carried away. `KeptCheckpoint.at`, the moment of a line, is for people and is not judged.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import file_digest
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.checkpoint import open_checkpoint
from ledger.core.errors import LedgerError, NotFound, SignatureInvalid
from ledger.core.hashing import b64
from ledger.core.note import Verifier
from ledger.core.passkey import unb64url
from ledger.core.timestamp_entries import TimestampEntry, Tsas
from ledger.core.timestamps import verify_time_stamp
from ledger.findings.incident_kinds import IncidentCase
from ledger.integrity.incidents.cases import Cases
from ledger.integrity.incidents.evidence import CASE, read_case
from ledger.store.store import Store
from ledger.trust.kept import Kept, KeptCheckpoint
from ledger.trust.kept_tokens import FOLDER, KeptTokens
from ledger.trust.timestamp_reading import newest, read_body, read_tsas
from ledger.trust.witness_reading import read_policies

_EVERY = 1 << 40


class Signers(msgspec.Struct, frozen=True, kw_only=True):
    """By which keys a log's checkpoints were signed, and cosigned by all witnesses that ever were asked for."""

    log: tuple[Verifier, ...]
    witnesses: tuple[Verifier, ...]


def cosigned_faults(kept: Kept, log: LogId, keys: Signers) -> Iterator[str]:
    """What does not hold of the cosigned checkpoints of a log."""
    folder = kept.folder / "cosigned" / log.name
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if not line:
                continue
            try:
                note = msgspec.json.decode(line, type=KeptCheckpoint).note.encode()
                _require_signed(note, log, keys)
            except (LedgerError, ValueError) as error:
                yield f"line {number} of {_name(kept.folder, path)}: {error}"
    yield from _note_faults(kept.folder, folder / "latest", log, keys)


def token_faults(store: Store, connection: Connection, folder: Path, log: LogId, keys: Signers) -> Iterator[str]:
    """What does not hold of the time-stamps of a log that are kept in a ledger's `folder`."""
    kept, place = folder / "kept", folder / FOLDER / log.name
    for path in (*sorted(place.glob("*.checkpoint")), place / "newest"):
        yield from _note_faults(kept, path, log, keys)
    entered: set[bytes] = set()
    sizes: set[tuple[str, int]] = set()
    for one in newest(connection, _EVERY, origin=log.origin):
        body, _ = read_body(store.kinds, connection, one.index, TimestampEntry)
        entered.add(unb64url(body.token))
        sizes.add((body.tsa, body.size))
    tsas = read_tsas(store.kinds, connection)
    tokens = KeptTokens(folder).of(log.name)
    while True:
        try:
            found = next(tokens, None)
        except LedgerError as error:
            yield f"kept/timestamps/{error.message}"
            return
        if found is None:
            return
        # One that was kept and not entered, because the service died in between, holds by itself.
        size = int(found.name.rpartition("/")[2].partition("-")[0])
        if found.token in entered or (
            (found.tsa, size) not in sizes and _stamps(tsas, found.tsa, found.token, found.text)
        ):
            continue
        yield f"kept/timestamps/{found.name} is not the time-stamp that {found.tsa} gave"


def evidence_faults(cases: Cases) -> Iterator[str]:
    """Files of cases that are not what the entries of these cases say."""
    for folder in sorted(one for one in cases.folder.glob("*") if one.is_dir()):
        try:
            kept = read_case(folder)
        except FileNotFoundError:
            kept = None
        except LedgerError as error:
            kept = None
            yield error.message
        try:
            opened: IncidentCase | None = cases.get(folder.name).opened
        except NotFound:
            opened = kept
        if opened is None:
            continue
        if kept is not None and _first(kept) != _first(opened):
            yield f"kept/incidents/{folder.name}/{CASE} is not what the case's entry says"
        for one in opened.evidence:
            path = folder / one.name
            if path.is_file() and _digest(path) != one.sha256:
                yield f"kept/incidents/{folder.name}/{one.name} is not the file that the case's entry names"


def kept_faults(
    store: Store, folder: Path, cases: Cases, keys: Iterable[tuple[LogId, Sequence[Verifier]]]
) -> Iterator[str]:
    """What does not hold of all that is kept in a ledger's folder; `keys`: by which each log was signed."""
    kept = Kept(folder / "kept")
    with store.reading() as connection:
        policies = read_policies(connection, store.kinds).all
        witnesses = {str(key): key for one in policies for key in one.witnesses}
        for log, own in keys:
            signers = Signers(log=tuple(own), witnesses=tuple(witnesses.values()))
            yield from cosigned_faults(kept, log, signers)
            yield from token_faults(store, connection, folder, log, signers)
    yield from evidence_faults(cases)


def _require_signed(note: bytes, log: LogId, keys: Signers) -> None:
    signed = open_checkpoint(note, log.origin, keys.log, witnesses=keys.witnesses)
    if signed.unverified:
        named = ", ".join(f"{line.name}+{line.key_id.hex()}" for line in signed.unverified)
        raise SignatureInvalid(f"it has lines of keys that are neither the log's nor a witness's: {named}")


def _note_faults(kept: Path, path: Path, log: LogId, keys: Signers) -> Iterator[str]:
    try:
        _require_signed(path.read_bytes(), log, keys)
    except FileNotFoundError:
        return
    except LedgerError as error:
        yield f"{_name(kept, path)}: {error.message}"


def _stamps(tsas: Tsas, name: str, token: bytes, text: str) -> bool:
    for tsa in tsas.all():
        if tsa.tsa == name:
            try:
                verify_time_stamp(token, text.encode(), tsa.pins, renewed=True)
            except LedgerError:
                continue
            return True
    return False


def _first(body: IncidentCase) -> IncidentCase:
    """A case's opening as it was entered first."""
    return msgspec.structs.replace(body, first_opened=None)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return b64(file_digest(file, "sha256").digest())


def _name(kept: Path, path: Path) -> str:
    return f"kept/{path.relative_to(kept)}"
