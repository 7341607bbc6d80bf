"""Attacks by whoever has more: the database and its past, the log's key, the whole folder."""

import secrets
import shutil
from collections.abc import Sequence
from contextlib import closing

import msgspec

from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.core.note import NoteSigner, parse_note, sign_note
from ledger.core.signature import SignatureEntry
from ledger.drill.attack import RECORDS_LOG, Attack, Target
from ledger.drill.plant import build, open_ledger
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.reading import LogReader

_DATABASE = "has the database"
_KEY = "has the database and the log's key"
_FOLDER = "has the database, the log's key and the whole machine"


def _forge_checkpoint(target: Target) -> Sequence[int] | None:
    with target.database() as connection:
        size, note = connection.execute(
            "SELECT size, note FROM checkpoint WHERE log = ? ORDER BY size DESC LIMIT 1", (RECORDS_LOG,)
        ).fetchone()
        parsed = parse_note(note)
        other = NoteSigner(parsed.signatures[0].name, secrets.token_bytes(32)).sign(parsed.text)
        forged = msgspec.structs.replace(parsed.signatures[0], signature=other.signature)
        connection.execute(
            "UPDATE checkpoint SET note = ? WHERE log = ? AND size = ?",
            (msgspec.structs.replace(parsed, signatures=(forged,)).encode(), RECORDS_LOG, size),
        )
    return None


def _swap_key(target: Target) -> Sequence[int] | None:
    with target.database() as connection:
        size, note = connection.execute(
            "SELECT size, note FROM checkpoint WHERE log = ? ORDER BY size DESC LIMIT 1", (RECORDS_LOG,)
        ).fetchone()
        parsed = parse_note(note)
        seed = secrets.token_bytes(32)
        signed = sign_note(parsed.text, [NoteSigner(parsed.signatures[0].name, seed)])
        connection.execute("UPDATE checkpoint SET note = ? WHERE log = ? AND size = ?", (signed, RECORDS_LOG, size))
    (target.folder / "keys" / "records.log.key").write_text(b64(seed) + "\n")
    return None


def _forge_signature(target: Target) -> Sequence[int] | None:
    with closing(open_ledger(target.folder, target.prepared.clock)) as service:
        kinds = service.store.kinds
        with service.store.reader(SYSTEM_LOG) as reader:
            last = _last_signature(reader)
            body = kinds["signature"].decode(last)
        assert isinstance(body, SignatureEntry)
        statement = msgspec.structs.replace(body.statement, nonce=b64(secrets.token_bytes(32)))
        service.store.append_one(SYSTEM_LOG, draft(msgspec.structs.replace(body, statement=statement)))
    return None


def _last_signature(reader: LogReader) -> bytes:
    entries = list(reader.entries(0, reader.head().size))
    return next(one.body for one in reversed(entries) if one.body is not None and b'"kind":"signature"' in one.leaf)


def _truncate(target: Target) -> Sequence[int] | None:
    """Puts the record log's rows of an earlier day in the place of today's, and the signer's memory with them."""
    with target.database() as connection:
        connection.execute("ATTACH ? AS earlier", (str(target.prepared.earlier / "ledger.sqlite"),))
        low, high = pos_of(RECORDS_LOG, 0), pos_of(RECORDS_LOG + 1, 0)
        names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%fts%' AND name <> 'job'"
        for (table,) in connection.execute(names).fetchall():
            columns = {row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')}
            for column, where, bounds in (
                ("pos", "pos >= ? AND pos < ?", (low, high)),
                ("log", "log = ?", (RECORDS_LOG,)),
            ):
                if column in columns:
                    connection.execute(f'DELETE FROM main."{table}" WHERE {where}', bounds)
                    connection.execute(
                        f'INSERT INTO main."{table}" SELECT * FROM earlier."{table}" WHERE {where}', bounds
                    )
                    break
        connection.execute("INSERT INTO record_fts(record_fts) VALUES('rebuild')")
        connection.commit()
        connection.execute("DETACH earlier")
    shutil.copy(target.prepared.earlier / "signed" / "records.signed", target.folder / "signed" / "records.signed")
    return None


def _roll_back(target: Target) -> Sequence[int] | None:
    for path in target.folder.glob("ledger.sqlite*"):
        path.unlink()
    shutil.copy(target.prepared.earlier / "ledger.sqlite", target.folder / "ledger.sqlite")
    return None


def _roll_back_all(target: Target) -> Sequence[int] | None:
    target.replace(target.prepared.earlier)
    return None


def _rewrite(target: Target) -> Sequence[int] | None:
    anew(target, asks=False)
    return None


def anew(target: Target, *, asks: bool) -> None:
    """Builds another past under the stolen keys: every table, checkpoint and local memory fits, one value is changed.

    `asks`: the witnesses cosign it too, because they are in the same hand.
    """
    prepared = target.prepared
    records = list(prepared.records)
    middle = len(records) // 2
    records[middle] = msgspec.structs.replace(records[middle], reason="as it never was")
    made = target.folder.with_name(f"{target.folder.name}-anew")
    (made / "keys").mkdir(parents=True, mode=0o700)
    for log in ("system", "records"):
        for purpose in ("log", "report"):
            shutil.copy(target.folder / "keys" / f"{log}.{purpose}.key", made / "keys")
    outside = target.outside.stolen(made.with_name(f"{made.name}-thief")) if asks else target.outside
    build(made, prepared.origin, records, prepared.clock, outside, stolen=True, asks=asks)
    target.replace(made)
    target.outside = outside


ATTACKS = (
    Attack(name="checkpoint", attacker=_DATABASE, does="forges a checkpoint", level=3, run=_forge_checkpoint),
    Attack(name="key", attacker=_KEY, does="signs a checkpoint by another key", level=3, run=_swap_key),
    Attack(
        name="truncate",
        attacker=_KEY,
        does="cuts the newest records off, with all that counts them",
        level=3,
        run=_truncate,
    ),
    Attack(
        name="signature",
        attacker=_DATABASE,
        does="enters an electronic signature that nobody made",
        level=4,
        run=_forge_signature,
    ),
    Attack(name="restore", attacker=_DATABASE, does="puts an older database in place", level=5, run=_roll_back),
    Attack(
        name="rollback",
        attacker=_FOLDER,
        does="puts the whole folder of an earlier day in place",
        level=5,
        run=_roll_back_all,
    ),
    Attack(
        name="rewrite",
        attacker=_FOLDER,
        does="writes another past from nothing, signed by the log's own key",
        level=5,
        run=_rewrite,
    ),
)
