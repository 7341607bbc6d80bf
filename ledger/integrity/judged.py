"""How far level 3 was judged, and when an incremental run may go on from there: never further than a full run allows.

What level 3 judges lies in entries, which only ever come after those that are there, and in checkpoints, whose sizes
grow. Whether a checkpoint, a line of a witness, a time-stamp or a word of another log holds is decided by what was
entered before it, so what is entered later leaves it as it was: a key counts from one entry to another, a policy from
the checkpoint that confirms it, and an authority that is withdrawn dated well what it dated. An incremental run judges
what came after the run that it goes on from, by the state that entries from before give; it reads the last checkpoint
and the last time-stamp from before again, and under them lies, in one tree, all that was judged.

What depends on the present instead is treated like this:

- A key in doubt or repudiated since then is a note, never a failure: notes are made of all keys in every run
  (`integrity.doubts`). A key that was replaced, and that later words of witnesses concern, is judged again
  (`integrity.rotated`).
- A key that the log has anew might have signed what was judged without it; algorithms that are distrusted from now on,
  or keys that whoever verifies pins from now on, change what held; another version of Trailseal may judge otherwise.
  These are the `basis`: if it is another than then, everything is judged anew.
- A renewal makes older time-stamps good again, never bad, and none is due by the clock alone: it is due by an
  algorithm, which is in the basis, or by a revocation that lies beside the token itself. A new one is judged over all
  time-stamps that it covers.
- Keys and cards that whoever verifies brings along are held against the whole log in every run.
- A log that was cut short, or has another past, has not the root that it had: everything is judged anew.

So an incremental run accepts what a full one refuses only where something that was judged was damaged since: rows of
older checkpoints, lines, time-stamps or bindings that were altered, added or taken away. Its result says that it did
not look at these; a full run does.
"""

from hashlib import sha256

from sqlalchemy import Connection

from ledger import __version__
from ledger.core import canonical
from ledger.core.errors import LedgerError
from ledger.core.hashing import b64
from ledger.core.renewals import DISTRUSTED, Weak
from ledger.integrity.kinds import Judged, SeenLog
from ledger.integrity.scope import Keys
from ledger.store.bulk import Bulk
from ledger.store.reading import LogReader


def judged_now(connection: Connection, log: int, size: int, keys: Keys, before: Judged | None) -> Judged | None:
    """How far a run of level 3 over a log of `size` entries judges in this snapshot, if it holds.

    `before`: where it began. None where a log cannot be read: that is its own run's fault, and no next run rests on it.
    """
    try:
        return Judged(
            checkpoint=_checkpoint(connection, log, size, 0 if before is None else before.checkpoint),
            logs=tuple(_seen(connection, number, size if number == log else None) for number in _numbers(connection)),
            basis=basis_of(keys),
        )
    except LedgerError:
        return None


def still_stands(connection: Connection, log: int, judged: Judged, keys: Keys) -> bool:
    """Whether what a former run judged may stay judged: the logs and what it rested on are what they were."""
    if judged.basis != basis_of(keys) or not {one.log for one in judged.logs} <= set(_numbers(connection)):
        return False
    if judged.checkpoint and not Bulk(connection).all(
        "SELECT 1 FROM checkpoint WHERE log = ? AND size = ?", (log, judged.checkpoint)
    ):
        return False
    try:
        return all(_goes_on(connection, one) for one in judged.logs)
    except LedgerError:
        return False


def basis_of(keys: Keys, weak: Weak = DISTRUSTED) -> str:
    """Digest (base64) of what a judgement rests on beside the entries: all logs' keys, what is distrusted, version."""
    told = {
        "distrusted": dict(weak),
        "keys": {origin: sorted(map(str, known)) for origin, known in keys.items()},
        "product": __version__,
    }
    return b64(sha256(b"trailseal/level-3-basis/v1\n" + canonical.dumps(told)).digest())


def _goes_on(connection: Connection, seen: SeenLog) -> bool:
    reader = LogReader(connection, seen.log)
    return reader.head().size >= seen.size and _root(reader, seen.size) == seen.root


def _seen(connection: Connection, number: int, size: int | None) -> SeenLog:
    reader = LogReader(connection, number)
    until = reader.head().size if size is None else size
    return SeenLog(log=number, size=until, root=_root(reader, until))


def _root(reader: LogReader, size: int) -> str:
    return b64(reader.root(size))


def _numbers(connection: Connection) -> list[int]:
    return [number for (number,) in Bulk(connection).all("SELECT log FROM head ORDER BY log", ())]


def _checkpoint(connection: Connection, log: int, size: int, before: int) -> int:
    """The largest checkpoint below which none can be published any more: sizes that were meant may be, until they are.

    A checkpoint of several processes may be published after a larger one.
    """
    bulk = Bulk(connection)
    ((waiting,),) = bulk.all(
        "SELECT min(size) FROM checkpoint_intent i WHERE log = ? AND size > ? AND NOT EXISTS"
        " (SELECT 1 FROM checkpoint c WHERE c.log = i.log AND c.size = i.size)",
        (log, before),
    )
    until = size if waiting is None else min(size, waiting - 1)
    ((found,),) = bulk.all("SELECT max(size) FROM checkpoint WHERE log = ? AND size <= ?", (log, until))
    return max(before, found or 0)
