"""Moves a ledger from one server to another, so that never two of them sign.

The old server enters that it leaves, signs that, and then fences itself: a file beside its signed state, durable, stops
every append and every signature there, started again or not. The new one goes on only from the signed state that was
carried along with the folder, never from a database alone; and only with the code that the old one printed.
"""

import contextlib
import secrets
from hashlib import sha256
from pathlib import Path

import msgspec

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, RolledBack
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store
from ledger.trust.files import sync_folder, write_durably
from ledger.trust.move_kinds import MoveEvent, ServerMove
from ledger.trust.publisher import Publisher
from ledger.trust.rollback import Rollback
from ledger.trust.signed import AWAY, Moved, SignedState, continues, read_moved

ARRIVING = "moved-in.json"
"""Where a move stands that is taken up, until the entry that says so is there."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A move that has begun: its entry, the code that ends it, and the size that each log was signed at."""

    entry: int
    code: str
    sizes: dict[str, int]


class Mover:
    """Moves one ledger; `folder` is that of its signed state."""

    def __init__(
        self, store: Store, folder: Path, state: SignedState, publisher: Publisher, rollback: Rollback
    ) -> None:
        self._store = store
        self._folder = folder
        self._state = state
        self._publisher = publisher
        self._rollback = rollback

    def leave(self, place: str, reason: str, authority: Authority) -> Left:
        """Enters and signs that this ledger leaves, and fences this server. Raises MovedAway if it left already.

        Whatever cuts it off before the fence, this server goes on, and can leave anew.
        """
        self._state.require_here()
        code = "-".join(secrets.token_hex(4) for _ in range(4))
        digest = sha256(code.encode()).hexdigest()
        self._publisher.publish_all()
        body = ServerMove(event=MoveEvent.LEFT, place=place, code=digest, reason=reason, authority=authority)
        entry = self._store.append_one(SYSTEM_LOG, draft(body)).index
        logs = self._store.logs()
        for log in logs:
            self._publisher.publish(log)
        with contextlib.ExitStack() as held:
            for log in logs:
                held.enter_context(self._state.held(log.name))
            sizes = {log.name: self._size(log) for log in logs}
            moved = Moved(place=place, code=digest, entry=entry, sizes=sizes)
            write_durably(self._folder / AWAY, msgspec.json.encode(moved))
        return Left(entry=entry, code=code, sizes=sizes)

    def arrive(self, code: str, place: str, reason: str, authority: Authority) -> int:
        """Takes the fence away, here where the folder was carried to, and enters that; returns the entry's index.

        Raises Conflict where nothing was moved, AccessDenied for another code, RolledBack for a database that holds
        less than was signed, and where the signed state was not carried along; then the fence stays.
        """
        moved = self._state.moved()
        taken = moved or read_moved(self._folder / ARRIVING)
        if taken is None:
            raise Conflict("this ledger was not moved", advice="Begin with `trailseal log move out` on the old server.")
        if not secrets.compare_digest(sha256(code.strip().encode()).hexdigest(), taken.code):
            raise AccessDenied("this is not the code of this move", advice="The old server printed it when it left.")
        if moved is not None:
            self._require_whole(moved)
            (self._folder / AWAY).replace(self._folder / ARRIVING)
            sync_folder(self._folder)
        body = ServerMove(event=MoveEvent.ARRIVED, place=place, code=taken.code, reason=reason, authority=authority)
        entry = self._store.append_one(SYSTEM_LOG, draft(body)).index
        (self._folder / ARRIVING).unlink(missing_ok=True)
        self._publisher.publish_all()
        return entry

    def _require_whole(self, moved: Moved) -> None:
        """Raises RolledBack or CheckpointForked unless database and signed state are those that the old server had."""
        for log in self._store.logs():
            advice = "Carry the whole folder and the whole database over again; nothing was changed."
            held, last = self._size(log), self._state.last(log.name)
            if last is None:
                raise RolledBack(f"what was signed last of log {log.origin} was not carried along", advice=advice)
            if held < moved.sizes.get(log.name, 0):
                least = moved.sizes[log.name]
                raise RolledBack(f"log {log.origin} holds {held} entries here, and {least} there", advice=advice)
            with self._store.reader(log.number) as reader:
                continues(self._state, log.name, log.origin, reader, held, reader.root(held))
                standing = self._rollback.judge(reader.connection, log)
            if standing.fault:
                raise RolledBack(standing.fault, advice="It goes on somewhere already, or the copy is old.")
        missing = moved.sizes.keys() - {log.name for log in self._store.logs()}
        if missing:
            raise RolledBack(f"the database has no log {min(missing)}", advice="Carry the whole database over again.")

    def _size(self, log: LogId) -> int:
        with self._store.reader(log.number) as reader:
            return reader.head().size
