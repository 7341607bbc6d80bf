"""What a witness remembers of each log, so that it never cosigns two views of one: durable before anything is signed.

    logs/<hex SHA-256 of the origin>/log.json     origin and trusted keys, made known by hand
                                    /state.json   size, root and time of the largest tree: compared and replaced under
                                    /lock         this lock, by whichever thread or process answers
                                    /conflicts/   signed requests that do not continue what was cosigned: evidence
    published/<the same>/checkpoint               the latest cosigned checkpoint, which anybody may see

The first two bear the SHA-256 of their first line, so that a bit that rots is not taken for what was meant; the program
alone writes them. Every answer reads these files anew. A log whose state or publication is missing, damaged or older
than the other one says is not cosigned for until somebody has set it right by hand.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import CosignatureKey, cosigned_at, parse_verifier, require_short
from ledger.core.errors import (
    ConfigError,
    Conflict,
    LedgerError,
    MalformedNote,
    NotFound,
    RolledBack,
    SignatureInvalid,
)
from ledger.core.hashing import EMPTY_ROOT, HASH_SIZE, b64, unb64
from ledger.core.note import Verifier, open_note
from ledger.core.witnessing import AddCheckpoint, Head, origin_digest
from ledger.trust.files import exclusively, sync_folder, write_durably

MAX_CONFLICTS: Final = 64
"""Requests of one log that are kept as evidence: two suffice, and a log in error must not fill the disk."""
_WAY_OUT: Final = (
    "Nothing is cosigned for it. Fetch the newest checkpoint with this witness's line (from the log's owner, a "
    "package, or a copy of what was published) and give it by hand: `trailseal witness add-log --checkpoint FILE`."
)


class _Log(msgspec.Struct, frozen=True, kw_only=True):
    origin: str
    keys: tuple[str, ...]


class _State(msgspec.Struct, frozen=True, kw_only=True):
    origin: str
    size: int
    root: str
    time: int
    shown: int | None
    """Size that was published when this was written."""


_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_Kept = TypeVar("_Kept", bound=msgspec.Struct)


class Cosigned(msgspec.Struct, frozen=True, kw_only=True):
    """A tree that this witness has cosigned, and the Unix seconds when."""

    head: Head
    time: int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One log, as soundly remembered."""

    origin: str
    keys: tuple[Verifier, ...]
    head: Head
    time: int
    """Unix seconds of the last cosignature; 0 before the first."""
    published: int | None
    """Size of the checkpoint that is published; None before the first."""


class States:
    """The memory of one witness; any number of threads and processes of a machine may share it."""

    def __init__(self, folder: Path, published: Path, own: Sequence[Verifier]) -> None:
        """`own`: the witness's keys, whose lines its publications bear, and which can be no log's."""
        self._logs = folder / "logs"
        self._published = published
        self._own = tuple(own)

    def all(self) -> Iterator[tuple[str, Known | LedgerError]]:
        """Every log that was made known, by its origin: what is known of it, or why that is not sound.

        One whose very name can't be read goes by the digest of it.
        """
        for path in sorted(self._logs.glob("*/log.json")):
            name = path.parent.name
            try:
                name = _read(path, _Log).origin
                yield name, self.read(name)
            except (ConfigError, RolledBack) as error:
                yield name, error

    def knows(self, origin: str) -> bool:
        """Whether the log was made known."""
        return (self._folder(origin) / "log.json").exists()

    def locked(self, origin: str) -> AbstractContextManager[None]:
        """Nobody else compares or replaces the state of a known log meanwhile."""
        return exclusively(self._folder(origin) / "lock")

    def read(self, origin: str) -> Known:
        """What is known of the log.

        Raises NotFound if it was not made known; RolledBack or ConfigError, with the way out, if that is not sound.
        """
        if not self.knows(origin):
            raise _unknown(origin)
        # State and publication are two files: read while one is replaced, they would seem to contradict each other.
        with self.locked(origin):
            return self.read_locked(origin)

    def read_locked(self, origin: str) -> Known:
        """As `read`, for a caller that has the lock."""
        log = _read(self._folder(origin) / "log.json", _Log)
        state = _read(self._folder(origin) / "state.json", _State)
        if log.origin != origin or state.origin != origin:
            raise ConfigError(f"what this witness keeps of {origin} is another log's", advice=_WAY_OUT)
        try:
            head = _head(state)
            keys = tuple(parse_verifier(key) for key in log.keys)
        except LedgerError as error:
            raise ConfigError(
                f"what this witness keeps of {origin} is damaged: {error.message}", advice=_WAY_OUT
            ) from None
        shown = self._shown(origin)
        if shown is not None and not _at_least(head, shown.head):
            raise RolledBack(
                f"the state of {origin} is at size {head.size}, but this witness has published another tree of size "
                f"{shown.head.size}",
                advice=_WAY_OUT,
            )
        size = None if shown is None else shown.head.size
        if state.shown is not None and (size is None or size < state.shown):
            raise RolledBack(
                f"what this witness published of {origin} is missing, or older than size {state.shown}",
                advice=f"Put it back where witness.json says, from a copy. Or: {_WAY_OUT}",
            )
        time = state.time if shown is None else max(state.time, shown.time)
        return Known(origin=origin, keys=keys, head=head, time=time, published=size)

    def keep(self, origin: str, head: Head, time: int, shown: int | None) -> None:
        """The state is on stable storage once this returns; raises OSError and keeps the earlier one if it can't be.

        `shown`: the size that is published now; none that is older counts as sound from here on.
        """
        state = _State(origin=origin, size=head.size, root=b64(head.root), time=time, shown=shown)
        write_durably(self._folder(origin) / "state.json", _checked(state))

    def publish(self, origin: str, note: bytes) -> None:
        """Shows the cosigned checkpoint, durably; raises OSError if that can't be done."""
        path = self._published / origin_digest(origin) / "checkpoint"
        _make(path.parent, 0o755)
        write_durably(path, note, mode=0o644)

    def published(self, digest: str) -> bytes | None:
        """The checkpoint shown under the hex digest of an origin; None under anything else."""
        if _DIGEST.fullmatch(digest) is None:
            return None
        try:
            return (self._published / digest / "checkpoint").read_bytes()
        except FileNotFoundError:
            return None

    def keep_conflict(self, request: AddCheckpoint) -> Path | None:
        """Keeps a signed request that does not continue what was cosigned; None if it is one too many."""
        folder = self._folder(request.checkpoint.origin) / "conflicts"
        _make(folder, 0o700)
        data = request.encode()
        path = folder / f"{sha256(data).hexdigest()}.request"
        if not path.exists():
            if len(list(folder.iterdir())) >= MAX_CONFLICTS:
                return None
            write_durably(path, data)
        return path

    def conflicts(self, origin: str) -> list[Path]:
        """The requests kept as evidence."""
        return sorted((self._folder(origin) / "conflicts").glob("*.request"))

    def add(self, origin: str, keys: Sequence[Verifier], head: Head, time: int = 0) -> None:
        """Makes a log known by hand, at a tree that somebody vouches for; or sets right one whose state is not sound.

        `time`: when this witness cosigned that tree, if it is known. Raises Conflict if the log is known and sound,
        RolledBack if the witness has a larger tree of it, and ConfigError if head, origin or keys can't be a log's.
        """
        if head.size == 0 and head.root != EMPTY_ROOT:
            raise ConfigError("the root of size 0 is not that of the empty tree")
        try:
            require_short(Checkpoint(origin=origin, size=head.size, root=head.root).origin)
        except MalformedNote as error:
            raise ConfigError(f"no log has this origin: {error.message}") from None
        texts = _texts(keys, self._own)
        _make(self._folder(origin), 0o700)
        with self.locked(origin):
            if self.knows(origin) and self._sound(origin):
                raise Conflict(f"{origin} is known, and its state is sound", advice="Add a key by `witness add-key`.")
            seen = self._seen(origin)
            if seen is not None and not _at_least(head, seen):
                raise RolledBack(
                    f"size {head.size} is not what this witness has of {origin}, nor later: that is size {seen.size}",
                    advice=_WAY_OUT,
                )
            self.keep(origin, head, time, None)
            self._write_log(_Log(origin=origin, keys=texts))

    def add_key(self, origin: str, key: Verifier) -> None:
        """Trusts one key more for a known log; raises NotFound, or ConfigError if it can't be a log's key."""
        if not self.knows(origin):
            raise _unknown(origin)
        with self.locked(origin):
            log = _read(self._folder(origin) / "log.json", _Log)
            more = _texts([*(parse_verifier(one) for one in log.keys), key], self._own)
            self._write_log(_Log(origin=origin, keys=more))

    def remove_key(self, origin: str, key: Verifier) -> None:
        """Trusts a key no longer; raises NotFound if it is none of the log's, ConfigError if it is the last one."""
        if not self.knows(origin):
            raise _unknown(origin)
        with self.locked(origin):
            log = _read(self._folder(origin) / "log.json", _Log)
            if str(key) not in log.keys:
                raise NotFound(f"{key} is not trusted for {origin}", advice="See `trailseal witness list`.")
            rest = tuple(one for one in log.keys if one != str(key))
            if not rest:
                raise ConfigError(
                    f"{key} is the only key of {origin}", advice="Add the key that follows it first: `witness add-key`."
                )
            self._write_log(_Log(origin=origin, keys=rest))

    def _write_log(self, log: _Log) -> None:
        write_durably(self._folder(log.origin) / "log.json", _checked(log))

    def _sound(self, origin: str) -> bool:
        try:
            self.read_locked(origin)
        except (RolledBack, ConfigError):
            return False
        return True

    def _shown(self, origin: str) -> Cosigned | None:
        """What is published of the log, if this witness's own line on it verifies."""
        note = self.published(origin_digest(origin))
        if note is None:
            return None
        try:
            return cosigned(note, origin, self._own)
        except (MalformedNote, SignatureInvalid) as error:
            raise ConfigError(
                f"what this witness published of {origin} is damaged: {error.message}",
                advice=f"Put back a copy of it; or remove it. {_WAY_OUT}",
            ) from None

    def _seen(self, origin: str) -> Head | None:
        """The largest tree that state or publication tell of; of one size it is the published one, which was signed."""
        shown = self._shown(origin)
        try:
            stored = _head(_read(self._folder(origin) / "state.json", _State))
        except LedgerError:
            return None if shown is None else shown.head
        return stored if shown is None or stored.size > shown.head.size else shown.head

    def _folder(self, origin: str) -> Path:
        return self._logs / origin_digest(origin)


def cosigned(note: bytes, origin: str, own: Sequence[Verifier]) -> Cosigned:
    """The tree and the time that a witness's own lines on a checkpoint vouch for.

    Raises MalformedNote if it is no checkpoint of that log, SignatureInvalid if no line of the witness verifies.
    """
    opened = open_note(note, own)
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != origin:
        raise MalformedNote(f"it is a checkpoint of {checkpoint.origin}")
    head = Head(size=checkpoint.size, root=checkpoint.root)
    return Cosigned(head=head, time=max(cosigned_at(line) for line in opened.verified))


def _at_least(head: Head, seen: Head) -> bool:
    """Whether `head` is what was seen or a later size; that it continues it, only a proof can tell."""
    return head.size > seen.size or (head.size == seen.size and head.root == seen.root)


def _unknown(origin: str) -> NotFound:
    return NotFound(f"this witness does not know {origin}", advice="Make it known: `trailseal witness add-log`.")


def _head(state: _State) -> Head:
    return Head(size=state.size, root=unb64(state.root, HASH_SIZE))


def _texts(keys: Sequence[Verifier], own: Sequence[Verifier]) -> tuple[str, ...]:
    """The keys of a log as they are kept, each once; raises ConfigError at one that can't be a log's."""
    texts = tuple(dict.fromkeys(str(key) for key in keys))
    if not texts:
        raise ConfigError("a log needs at least one verifier key", advice="Give it by --vkey, as its owner prints it.")
    for key in keys:
        if isinstance(key, CosignatureKey) or key in own:
            raise ConfigError(f"{key} is the key of a witness, not of a log")
    return texts


def _checked(kept: msgspec.Struct) -> bytes:
    data = msgspec.json.encode(kept)
    return data + b"\n" + sha256(data).hexdigest().encode() + b"\n"


def _read(path: Path, kind: type[_Kept]) -> _Kept:
    try:
        content = path.read_bytes()
        kept = msgspec.json.decode(content.partition(b"\n")[0], type=kind)
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing", advice=_WAY_OUT) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is damaged: {error}", advice=_WAY_OUT) from None
    if _checked(kept) != content:
        raise ConfigError(f"{path} is damaged: its check does not hold", advice=_WAY_OUT)
    return kept


def _make(folder: Path, mode: int) -> None:
    """Makes a folder that lasts, with those above it."""
    if not folder.is_dir():
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        sync_folder(folder.parent)
        sync_folder(folder.parent.parent)
