"""A folder of files (recipes, methods, configurations, programs): looks at each file and compares.

A `file` is its size, time of change, rights, and SHA-256; of a text file that is not too large the text too, so that a
change is told line by line (a unified diff, or both texts where they are short). A symbolic link is what it points to,
and never followed. Folders, pipes and devices are passed over.

- Every file is read whole at every look: a time of change can be set back, a digest cannot.
- A file that changes while it is read, or cannot be read, keeps its state of before, and a gap says so; so do all files
  of a folder that cannot be opened. A folder that is not there is a source that is away, never one without files; with
  the option `marker` the same holds for a share that is not mounted.
- A file that is renamed is one that went and one that came.
- A folder tells nothing of itself: no clock, no version, no schema.
"""

import fnmatch
import os
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from os import read
from pathlib import Path, PurePosixPath

from collectors.base import Check, CheckReport, Option, Stop
from collectors.compare.collector import UNSEEN, ComparingCollector, Stopped, baseline_option
from collectors.compare.look import Found, Look, object_id, state_text
from collectors.compare.memory import Memory
from collectors.compare.record import Shown
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, FatalSource, RetriableSource
from ledger.core.source import SourceConfig
from ledger.core.times import SourceTime, parse_source_time

FILE = "file"
_PIECE = 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MEBIBYTE = 1024 * 1024
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class _Unread(Exception):
    """Why a file could not be read this time."""


class SnapshotFiles(ComparingCollector):
    """See the module."""

    type = "snapshot-files"
    title = "Folder of files (snapshot and compare)"
    format = "1"
    lacks = (*UNSEEN, "that a file was renamed, other than as one that went and one that came")
    options = (
        Option(name="folder", meaning="the folder; files in folders below it count too", required=True),
        Option(
            name="include",
            meaning="patterns of the files that count, comma-separated, as *.xml or recipes/*",
            default="*",
        ),
        Option(name="exclude", meaning="patterns of files and folders that do not count, comma-separated"),
        Option(name="marker", meaning="a file in the folder that is always there: without it the share is away"),
        Option(
            name="text_kib", meaning="a text file up to this size is compared line by line; 0 for none", default="32"
        ),
        Option(name="largest_mib", meaning="a file above this size is compared by size and time only", default="4096"),
        baseline_option("one"),
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._folder = Path(self.option("folder"))
        if not self._folder.is_absolute():
            raise ConfigError(
                f"source {config.id!r}: the folder {self.option('folder')!r} is not an absolute path",
                advice="Write it from the root on.",
            )
        self._include, self._exclude = read_list(self.option("include")), read_list(self.option("exclude"))
        self._text = int(self.number("text_kib", 0, 1024) * 1024)
        self._largest = int(self.number("largest_mib", 0, 1024 * 1024) * _MEBIBYTE)

    @property
    def scope(self) -> str:
        return "\n".join((str(self._folder), ",".join(self._include), ",".join(self._exclude)))

    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        members = {name: value for name, value in state.items() if name != "mtime"}
        return Shown(attributes=members, moment=_moment(state.get("mtime")))

    def check(self) -> CheckReport:
        try:
            self._see()
            names = sum(1 for _ in self._walk(Look(utc_text(self.clock.now_us())), Memory()))
        except CollectorError as error:
            return CheckReport(checks=(Check(name="folder", ok=False, says=error.message, advice=error.advice),))
        found = Check(name="folder", ok=True, says=f"{names} files count in {self._folder}")
        return CheckReport(checks=(found, _CLOCK))

    def look(self, stop: Stop, known: Memory) -> Look:
        self._see()
        look = Look(utc_text(self.clock.now_us()))
        look.listed.add(FILE)
        for path, name in self._walk(look, known):
            try:
                state = self._read(path, stop)
            except FileNotFoundError:
                continue  # it went in the meantime
            except (_Unread, OSError) as error:
                look.unread[FILE, object_id(name)] = f"cannot be read: {_words(error)}"
            else:
                if state is not None:
                    look.add(Found(type=FILE, id=name, state=state_text(state)))
        self._see()
        look.ended = utc_text(self.clock.now_us())
        return look

    def _see(self) -> None:
        """The folder is there, and is the one that is meant; at the end of a look as at its beginning."""
        marker = self.option("marker")
        try:
            there = stat.S_ISDIR(self._folder.stat().st_mode)
            marked = not marker or (self._folder / marker).exists()
        except OSError as error:
            raise self._away(error) from None
        if not there:
            raise FatalSource(f"{self._folder} is no folder", advice="Correct the option `folder`.")
        if not marked:
            raise RetriableSource(
                f"the folder {self._folder} does not hold {marker}, which is always there",
                advice="The share may not be mounted; if the file was removed for good, change the option `marker`.",
            )

    def _walk(self, look: Look, known: Memory) -> Iterator[tuple[Path, str]]:
        """Path and name of each file that counts, in order; folders that cannot be opened are said in the look."""

        def closed(error: OSError) -> None:
            if Path(os.fsdecode(error.filename)) == self._folder:
                raise self._away(error)
            prefix = self._name(Path(os.fsdecode(error.filename))) + "/"
            for name in known.states.get(FILE, ()):
                if name.startswith(prefix):
                    look.unread[FILE, name] = f"its folder cannot be opened: {_words(error)}"
            look.unread[FILE, object_id(prefix)] = f"the folder cannot be opened: {_words(error)}"

        for folder, folders, files in os.walk(self._folder, onerror=closed, followlinks=False):
            inside = [Path(folder) / name for name in sorted(folders)]
            folders[:] = [path.name for path in inside if not path.is_symlink() and not self._is_out(self._name(path))]
            links = [path.name for path in inside if path.is_symlink()]
            for file in sorted([*files, *links]):
                path = Path(folder) / file
                name = self._name(path)
                if any(_matches(name, pattern) for pattern in self._include) and not self._is_out(name):
                    yield path, name

    def _away(self, error: OSError) -> RetriableSource:
        return RetriableSource(
            f"the folder {self._folder} cannot be read: {_words(error)}",
            advice="Check that it is there (a share: that it is mounted) and that this account may read it.",
        )

    def _is_out(self, name: str) -> bool:
        return any(_matches(name, pattern) for pattern in self._exclude)

    def _name(self, path: Path) -> str:
        """The path below the folder; a byte that is no UTF-8 is shown by its number, behind a backslash and an x."""
        relative = path.relative_to(self._folder).as_posix()
        return os.fsencode(relative).decode("utf-8", "backslashreplace")

    def _read(self, path: Path, stop: Stop) -> dict[str, object] | None:
        """The state of a file; None for what is neither a file nor a link."""
        seen = path.lstat()
        if stat.S_ISLNK(seen.st_mode):
            return {"link": os.fsencode(path.readlink()).decode("utf-8", "backslashreplace"), "mtime": seen.st_mtime_ns}
        if not stat.S_ISREG(seen.st_mode):
            return None
        descriptor = os.open(path, _OPEN)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            before = os.fstat(descriptor)
            state: dict[str, object] = {
                "size": before.st_size,
                "mtime": before.st_mtime_ns,
                "mode": f"{stat.S_IMODE(before.st_mode):04o}",
            }
            if before.st_size <= self._largest:
                state |= self._content(file.fileno(), before.st_size, stop)
            after = os.fstat(descriptor)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise _Unread("it is being written")
        return state

    def _content(self, descriptor: int, size: int, stop: Stop) -> dict[str, object]:
        """SHA-256, and the text if it is one."""
        digest, kept, done = sha256(), bytearray(), 0
        while piece := read(descriptor, _PIECE):
            if stop.is_set():
                raise Stopped
            digest.update(piece)
            done += len(piece)
            if done > size:
                raise _Unread("it is being written")
            if size <= self._text:
                kept += piece
        if done != size:
            raise _Unread("it is being written")
        found: dict[str, object] = {"sha256": digest.hexdigest()}
        text = _as_text(bytes(kept)) if size <= self._text else None
        return found if text is None else {**found, "text": text}


_CLOCK = Check(
    name="clock",
    ok=False,
    says="a folder does not say what time the machine has that holds it",
    advice="Make sure by other means that its clock is right; times of change can't be compared with others.",
)


def _as_text(data: bytes) -> str | None:
    """The text that the bytes are, if they are one: UTF-8 without U+0000."""
    if b"\x00" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _matches(name: str, pattern: str) -> bool:
    """A pattern without a slash is for the name alone, one with a slash for the whole path below the folder."""
    return fnmatch.fnmatchcase(name if "/" in pattern else PurePosixPath(name).name, pattern)


def _moment(mtime_ns: object) -> SourceTime | None:
    """The time of change, as the file system has it: UTC, its nanoseconds cut."""
    if not isinstance(mtime_ns, int) or isinstance(mtime_ns, bool):
        return None
    try:
        at = _EPOCH + timedelta(microseconds=mtime_ns // 1000)
    except OverflowError:
        return None
    return parse_source_time(at.isoformat(timespec="microseconds"))


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or error.__class__.__name__
