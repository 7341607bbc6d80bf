"""Files that are handed over in parts: each is durable before it is acknowledged, so one that was cut goes on.

They wait in the database, where every process of the ledger finds them, whichever took which part. None of it is
evidence: an import reads the whole file, and its digest is in the import's entry.
"""

import errno
import io
import re
import secrets
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Annotated, Final, cast

import msgspec
from sqlalchemy import Connection, Row, select

from ledger.core.clock import MICROSECONDS
from ledger.core.errors import Conflict, NotFound, Overloaded, SchemaViolation
from ledger.sources.upload_tables import upload as table
from ledger.sources.upload_tables import upload_part
from ledger.store.store import Store

MAX_FILE: Final = 1024**3
"""Bytes of the largest file; the terminal reads a larger one where it lies."""
MAX_PART: Final = 4 * 1024**2
"""Bytes of the largest part."""
MIN_PART: Final = 64 * 1024
"""Bytes of the smallest part that is not the last."""
MAX_OPEN: Final = 8
"""Files at once, whole ones that no import has read yet included."""
MAX_OWN: Final = 3
"""Of these, by one account."""
FORGOTTEN_US: Final = 7 * 86_400 * MICROSECONDS
"""After so long without a part a file is dropped: old trails hold personal values that no entry protects."""

_NAME: Final = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")
_PACE: Final = 256 * 1024
FileSize = Annotated[int, msgspec.Meta(ge=1, le=MAX_FILE)]


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is handed over for a source: `received` of its `size` bytes are here. `job`: that reads it."""

    id: str
    log: int
    source: str
    name: str
    size: int
    sha256: str
    account: str
    received: int = 0
    job: int | None = None


Busy = Callable[[int], bool]
"""Whether the job of that number still reads its file, or is about to."""


class Uploads:
    """The files that are handed over to a ledger. Safe to use from any thread and process."""

    def __init__(self, store: Store, busy: Busy) -> None:
        self._store = store
        self._busy = busy

    def begin(self, log: int, source: str, name: str, size: int, digest: str, account: str) -> Upload:
        """Takes in hand a file that is to come; `digest` is its SHA-256 in hexadecimal.

        Raises SchemaViolation for a name that is no file's, Overloaded where there are too many.
        """
        if not _NAME.fullmatch(name) or name in (".", ".."):
            raise SchemaViolation(f"{name[:80]!r} is no name of a file", advice="Give it without its folders.")
        self.forget()
        made = Upload(
            id=secrets.token_hex(16), log=log, source=source, name=name, size=size, sha256=digest, account=account
        )
        with self._store.writing() as connection:
            waiting = connection.execute(select(table.c.account)).scalars().all()
            if len(waiting) >= MAX_OPEN or waiting.count(account) >= MAX_OWN:
                raise Overloaded(
                    f"{len(waiting)} files wait to be imported, {waiting.count(account)} of {account}",
                    advice="Import or drop one of them first.",
                )
            row = {**msgspec.structs.asdict(made), "touched_us": self._store.clock.now_us()}
            connection.execute(table.insert().values(row))
        return made

    def get(self, ident: str, log: int, source: str) -> Upload:
        """A file of that source; raises NotFound."""
        with self._store.reading() as connection:
            found = _find(connection, ident)
        if found is None or (found.log, found.source) != (log, source):
            raise NotFound(f"there is no upload {ident[:40]!r} for source {source!r}", advice="Begin it anew.")
        return found

    def list(self, log: int, source: str | None = None) -> list[Upload]:
        """The files of a source, or of all of a log, by id."""
        query = select(table).where(table.c.log == log).order_by(table.c.id)
        if source is not None:
            query = query.where(table.c.source == source)
        with self._store.reading() as connection:
            return [_upload(row) for row in connection.execute(query)]

    def take(self, ident: str, at: int, part: bytes) -> Upload:
        """Takes the next part, which begins at byte `at`; durable. The part that was taken last may come again.

        Raises NotFound, Conflict where the file stands elsewhere, SchemaViolation for a part that is too small or
        reaches beyond the file's end.
        """
        digest = sha256(part).digest()
        with self._store.writing() as connection:
            found = _find(connection, ident, lock=True)
            if found is None:
                raise NotFound(f"there is no upload {ident[:40]!r}", advice="Begin it anew.")
            if at != found.received:
                if at < found.received and _held(connection, ident, at) == digest:
                    return found
                raise Conflict(
                    f"{found.received} bytes of {found.name} are here: the next part does not begin at {at}",
                    advice="Ask where it stands, and go on there.",
                )
            after = at + len(part)
            if after > found.size:
                raise SchemaViolation(
                    f"{found.name} was to have {found.size} bytes, and this part ends at {after}",
                    advice="Is it this file's? Drop the upload if it was announced with another size.",
                )
            if (len(part) < MIN_PART and after < found.size) or not part:
                raise SchemaViolation(
                    f"a part of {len(part)} bytes is too small",
                    advice=f"Send {MIN_PART} to {MAX_PART} bytes at once; only the last part has fewer.",
                )
            connection.execute(
                upload_part.insert().values(upload=ident, at=at, sha256=digest, data=part),
            )
            connection.execute(
                table.update().where(table.c.id == ident).values(received=after, touched_us=self._store.clock.now_us())
            )
        return msgspec.structs.replace(found, received=after)

    def whole(self, ident: str) -> "UploadedFile":
        """A file that is here to its last byte; raises NotFound, and Conflict for one that is not."""
        with self._store.reading() as connection:
            found = _find(connection, ident)
        if found is None:
            raise NotFound(f"there is no upload {ident[:40]!r}", advice="Hand the file over again.")
        if found.received != found.size:
            raise Conflict(f"{found.received} of {found.size} bytes of {found.name} are here", advice="Send the rest.")
        return UploadedFile(self._store, found)

    def read_by(self, ident: str, job: int) -> None:
        """From here on that job reads the file, and no other while it lives; raises Conflict where another does."""
        with self._store.reading() as connection:
            found = _find(connection, ident)
        if found is None or found.job == job:
            return
        if found.job is None or not self._busy(found.job):
            with self._store.writing() as connection:
                same = table.c.job.is_(None) if found.job is None else table.c.job == found.job
                changed = table.update().where(table.c.id == ident, same).values(job=job)
                if connection.execute(changed).rowcount == 1:
                    return
        raise Conflict(f"{found.name} is being imported", advice="Wait until it was read.")

    def is_read(self, upload: Upload) -> bool:
        """Whether a job reads the file, or is about to."""
        return upload.job is not None and self._busy(upload.job)

    def drop(self, ident: str) -> None:
        """Takes a file away, if it is there."""
        with self._store.writing() as connection:
            _drop(connection, [ident])

    def forget(self) -> None:
        """Drops what has had no part for so long; the service does so by itself every hour."""
        before_us = self._store.clock.now_us() - FORGOTTEN_US
        with self._store.reading() as connection:
            old = connection.execute(select(table).where(table.c.touched_us < before_us)).all()
        left = [one.id for one in map(_upload, old) if not self.is_read(one)]
        if left:
            with self._store.writing() as connection:
                _drop(connection, left)


class UploadedFile:
    """A file that is here to its last byte, to be opened as one on disk is."""

    def __init__(self, store: Store, upload: Upload) -> None:
        self._store = store
        self._upload = upload

    @property
    def name(self) -> str:
        """Its name, as it was handed over."""
        return self._upload.name

    def open(self, mode: str) -> io.BufferedReader:
        """Its bytes from the beginning. They are in the same order whenever they are read."""
        if mode != "rb":
            raise ValueError(f"an uploaded file is not opened with {mode!r}")
        return io.BufferedReader(_Bytes(self._store, self._upload), _PACE)

    def __str__(self) -> str:
        return self._upload.name


class _Bytes(io.RawIOBase):
    """Reads a file part by part, one of them in memory at a time."""

    def __init__(self, store: Store, upload: Upload) -> None:
        self._store = store
        self._upload = upload
        self._place = 0
        self._part: tuple[int, bytes] = (0, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or place < 0:
            raise io.UnsupportedOperation("an uploaded file is sought from its beginning")
        self._place = place
        return place

    def readinto(self, buffer: object) -> int:
        target = memoryview(cast(bytearray, buffer))
        at, data = self._part
        if not at <= self._place < at + len(data):
            if self._place >= self._upload.size:
                return 0
            at, data = self._part = self._fetch()
        chunk = data[self._place - at :][: len(target)]
        target[: len(chunk)] = chunk
        self._place += len(chunk)
        return len(chunk)

    def _fetch(self) -> tuple[int, bytes]:
        row = upload_part.c
        query = (
            select(row.at, row.data)
            .where(row.upload == self._upload.id, row.at <= self._place)
            .order_by(row.at.desc())
            .limit(1)
        )
        with self._store.reading() as connection:
            found = connection.execute(query).one_or_none()
        if found is None or self._place >= found.at + len(found.data):
            raise OSError(errno.ENOENT, "it was dropped")
        return found.at, bytes(found.data)


def _find(connection: Connection, ident: str, *, lock: bool = False) -> Upload | None:
    query = select(table).where(table.c.id == ident)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _upload(row)


def _upload(row: Row[tuple[object, ...]]) -> Upload:
    values = dict(row._mapping)
    values.pop("touched_us")
    return Upload(**values)


def _held(connection: Connection, ident: str, at: int) -> bytes | None:
    """The digest of the part that begins there."""
    row = upload_part.c
    found = connection.scalar(select(row.sha256).where(row.upload == ident, row.at == at))
    return None if found is None else bytes(found)


def _drop(connection: Connection, idents: Iterable[str]) -> None:
    for ident in idents:
        connection.execute(upload_part.delete().where(upload_part.c.upload == ident))
        connection.execute(table.delete().where(table.c.id == ident))
