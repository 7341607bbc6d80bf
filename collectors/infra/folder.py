"""Files that others drop into a folder: instruments' exports, reports, door and training lists; each taken up once.

How a file is found and when it counts as whole stands in `collectors.infra.drop_folder`, how it is divided into items
in `collectors.infra.folder_items`.

- A file should appear by renaming. One that is written in place is taken up once it has settled, and one that then does
  not read as whole is looked at again until nothing more comes; only then it is rejected.
- A file that changes after it was taken up comes again; what an item says differently is then a changed record.
- Files are left where they are, moved or deleted (option `after`), and that only once the ledger has their records.
- Columns that are to be withheld are emptied before anything is kept; a file in which they can't be found is rejected
  by its name alone.
- Links are not followed, so nobody can drop what the collector may read and they may not.
- The snapshot holds the files that were taken up, with digests of their content, and the key of `file.id`.
- A file does not say what time its writer has: the source's clock is not known. Nor does it say who writes it; what is
  told as its schema are the columns that files have ever named.
"""

import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from collectors.base import Check, CheckReport, Option, Stop, judge_clock, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import SCHEMA, Members, facts
from collectors.infra.drop_folder import Arrived, Drop, Stamp, arrivals, listed
from collectors.infra.entries import ENTRY_OPTIONS
from collectors.infra.folder_items import ITEM_OPTIONS, MEDIA_TYPE, Envelope, FileFacts, Items, Part, read_envelope
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError, FatalSource, LedgerError, RetriableSource, SkippableRecord
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.source import SourceConfig

AFTER: Final = ("leave", "move", "delete")
_BATCH_BYTES: Final = 4 * 1024 * 1024
_FORMAT: Final = Option(name="format", meaning="xml, or how an entry is written, as `tail` has it", default="json")


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """When the folder was last looked at; of a file that was handed over in part, which content and how many items."""

    at: str
    digest: str = ""
    items: int = 0


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot: the files taken up, by name, the key of `file.id`, and the columns that files have ever named."""

    key: bytes
    known: dict[str, Stamp] = {}
    columns: tuple[str, ...] = ()


class Folder(MappedCollector):
    """See the module."""

    type = "folder"
    title = "Folder of files (CSV, JSON, XML, text)"
    format = "1"
    options = (
        Option(name="path", meaning="the folder that files are dropped into", required=True),
        Option(name="names", meaning="names of files, comma-separated, with wildcards (*, ?, [ ])", default="*"),
        Option(name="settle_seconds", meaning="a file that was not changed for so long is whole", default="2"),
        Option(name="finished_seconds", meaning="one that still can't be read after that is rejected", default="60"),
        Option(name="max_mib", meaning="a larger file is not read, and stated as a gap", default="16"),
        Option(name="after", meaning=f"with a file whose records the ledger has: {', '.join(AFTER)}", default="leave"),
        Option(name="move_to", meaning="move: the folder for them, on the same disk"),
        _FORMAT,
        *(option for option in ENTRY_OPTIONS if option.name != "format"),
        *ITEM_OPTIONS,
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._drop = Drop(
            folder=Path(self.option("path")),
            names=read_list(self.option("names")),
            settle=self.number("settle_seconds", 0, 3600),
            finished=self.number("finished_seconds", 0, 86_400),
            max_bytes=int(self.number("max_mib", 1, 16) * 1024 * 1024) - 64 * 1024,
        )
        self._after = self.option("after")
        if self._after not in AFTER or (self._after == "move") != bool(self.option("move_to")):
            raise ConfigError(
                f"options 'after' and 'move_to' are {self._after!r} and {self.option('move_to')!r}",
                advice=f"Use one of {', '.join(AFTER)}; `move`, and only that, needs `move_to`.",
            )
        self._target = Path(self.option("move_to")) if self._after == "move" else None
        self._items = Items(self.option)
        self.tells = (SCHEMA,) if self._items.headed else ()

    def item(self, original: Original) -> Item:
        return self._items.read(read_envelope(original.data))

    def check(self) -> CheckReport:
        try:
            found = listed(self._drop)
        except LedgerError as error:
            return CheckReport(checks=(Check(name="folder", ok=False, says=error.message, advice=error.advice),))
        checks = [Check(name="folder", ok=True, says=f"{len(found)} files in {self._drop.folder} have such a name")]
        if self._after != "leave":
            checks.append(self._try_rights())
        if found:
            path, _ = max(found.values(), key=lambda one: one[1].st_mtime_ns)
            checks.append(self._try_file(path))
        return CheckReport(checks=(*checks, judge_clock(None)))

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        yield from _Look(self, state).batches(stop)

    @property
    def withholds(self) -> bool:
        """Whether some columns are never to be kept."""
        return self._items.withholds

    def divide(self, data: bytes) -> list[Part]:
        return self._items.divide(data)

    def columns(self, parts: Sequence[Part]) -> tuple[str, ...]:
        """The names in the line that names the columns of a file, where it has one."""
        return self._items.columns(parts)

    @property
    def drop(self) -> Drop:
        return self._drop

    def put_away(self, taken: Mapping[str, Stamp]) -> None:
        """Moves or deletes files whose records the ledger has, unless they changed since; raises RetriableSource."""
        if self._after == "leave" or not taken:
            return
        there = listed(self._drop)
        for name, stamp in taken.items():
            if name in there and (there[name][1].st_size, there[name][1].st_mtime_ns) == stamp[:2]:
                self._put_away(there[name][0])

    def _put_away(self, path: Path) -> None:
        try:
            if self._target is None:
                path.unlink(missing_ok=True)
            else:
                self._target.mkdir(parents=True, exist_ok=True)
                path.rename(_free_name(self._target, path.name))
        except FileNotFoundError:
            return
        except OSError as error:
            raise RetriableSource(
                f"{path} cannot be put away: {error.strerror}",
                advice="Give the collector's account the right to write in the folder; `move_to` is on the same disk.",
            ) from None

    def _try_rights(self) -> Check:
        places = [place for place in (self._drop.folder, self._target) if place is not None and place.is_dir()]
        refused = [str(place) for place in places if not os.access(place, os.W_OK | os.X_OK)]
        if refused:
            return Check(
                name="put away",
                ok=False,
                says=f"{refused[0]} cannot be written to",
                advice="Give the collector's account the right to write there, or set `after` to leave.",
            )
        return Check(name="put away", ok=True, says=f"files that the ledger has can be put away: {self._after}")

    def _try_file(self, path: Path) -> Check:
        try:
            with path.open("rb") as file:
                parts = self.divide(file.read(self._drop.max_bytes))
            for number, part in enumerate(parts[:50], start=1):
                about = FileFacts(
                    name=os.fsencode(path.name).decode("utf-8", "replace"),
                    item=number,
                    items=len(parts),
                    modified="",
                    sha256="",
                    id="",
                )
                self.derive(self.original(msgspec.json.encode(Envelope(file=about, part=part)), MEDIA_TYPE))
        except (OSError, LedgerError) as error:
            return Check(
                name="records",
                ok=False,
                says=f"{path}: {error}",
                advice="Correct `format` and its options, or the mapping; or name the files more narrowly.",
            )
        return Check(name="records", ok=True, says=f"{path}: {len(parts)} items; those tried all give records")


class _Look:
    """One look at the folder."""

    def __init__(self, source: Folder, state: SourceState) -> None:
        cursor = read_cursor(state.cursor, Cursor, state.source)
        self._source, self._clock = source, source.clock
        self._text = state.cursor
        self._memory = _memory(state.snapshot, state.source)
        self._known = dict(self._memory.known)
        self._stored = state.snapshot
        self._partly = (cursor.digest, cursor.items) if cursor else ("", 0)
        self._since = cursor.at if cursor else utc_text(self._clock.now_us())
        self._builder = self._new_builder()
        self._bytes = 0
        self._finished: dict[str, Stamp] = {}
        self._columns = Members(self._memory.columns)

    def batches(self, stop: Stop) -> Iterator[RunBatch]:
        there = listed(self._source.drop)
        self._known = {name: stamp for name, stamp in self._known.items() if name in there}
        self._source.put_away(self._known)  # the process may have ended between the ledger's receipt and this
        for arrived in arrivals(self._source.drop, dict(self._known), self._clock, stop):
            yield from self._take(arrived, stop)
            if stop.is_set():
                break
        self._builder.facts = facts(schema=self._columns.schema)
        yield from self._hand_over()

    def _take(self, arrived: Arrived, stop: Stop) -> Iterator[RunBatch]:
        received = utc_text(self._clock.now_us())
        if arrived.cut:
            self._note_gap(arrived.name, f"it is larger than {self._source.drop.max_bytes} bytes, and was not read")
            self._done(arrived)
            return
        try:
            parts = self._source.divide(arrived.data)
        except SkippableRecord as error:
            if not arrived.young:
                data = b"" if self._source.withholds else arrived.data
                reason = f"{arrived.name}: {error.message}" + (
                    "; not kept, as it may hold what is withheld" * (not data)
                )
                self._builder.reject(data, "application/octet-stream", reason, received)
                self._bytes += len(data)
                self._done(arrived)
            return
        self._columns.add(dict.fromkeys(self._source.columns(parts)))
        digest, before = arrived.stamp[2], self._partly[1] if arrived.stamp[2] == self._partly[0] else 0
        file = self._facts(arrived, len(parts))
        for number, part in enumerate(parts[before:], start=before + 1):
            entry = msgspec.json.encode(Envelope(file=msgspec.structs.replace(file, item=number), part=part))
            self._builder.add(self._source.original(entry, MEDIA_TYPE), received)
            self._bytes += len(entry)
            if number < len(parts) and (self._builder.full or self._bytes >= _BATCH_BYTES):
                self._partly = (digest, number)
                yield from self._hand_over()
                if stop.is_set():
                    return
        self._partly = ("", 0)
        self._done(arrived)
        if self._builder.full or self._bytes >= _BATCH_BYTES:
            yield from self._hand_over()

    def _done(self, arrived: Arrived) -> None:
        self._known[arrived.name] = self._finished[arrived.name] = arrived.stamp

    def _facts(self, arrived: Arrived, count: int) -> FileFacts:
        digest = hmac.digest(self._memory.key, arrived.data, "sha256")[:12]
        return FileFacts(
            name=arrived.name,
            item=0,
            items=count,
            modified=utc_text(arrived.modified_us),
            sha256=sha256(arrived.data).hexdigest(),
            id=urlsafe_b64encode(digest).decode(),
        )

    def _hand_over(self) -> Iterator[RunBatch]:
        """The run so far; once the next one is asked for the ledger has it, and its files may be put away."""
        digest, items = self._partly
        text = msgspec.json.encode(Cursor(at=utc_text(self._clock.now_us()), digest=digest, items=items)).decode()
        kept = Memory(key=self._memory.key, known=self._known, columns=self._columns.names)
        memory = msgspec.json.encode(kept)
        batch = self._builder.build(self._text, text, None if memory == self._stored else memory)
        finished, self._finished = self._finished, {}
        self._text, self._stored, self._bytes = text, memory, 0
        self._builder = self._new_builder()
        yield batch
        self._source.put_away(finished)

    def _note_gap(self, name: str, reason: str) -> None:
        now = utc_text(self._clock.now_us())
        between = Interval(after=min(self._since, now), before=now)
        self._builder.gaps.append(Gap(subject=f"file {name}", reason=reason, between=between))

    def _new_builder(self) -> BatchBuilder:
        return BatchBuilder(self._source.config.id, self._clock, self._source.derive, None)


def _memory(snapshot: bytes | None, source: str) -> Memory:
    if snapshot is None:
        return Memory(key=secrets.token_bytes(32))
    try:
        return msgspec.json.decode(snapshot, type=Memory)
    except msgspec.DecodeError as error:
        raise FatalSource(
            f"the snapshot of source {source!r} cannot be read: {error}",
            advice="It was written by another collector version; register the source anew under another id.",
        ) from None


def _free_name(folder: Path, name: str) -> Path:
    """A path in the folder that nothing has yet: `a.csv`, else `a-2.csv` and so on."""
    path, number = folder / name, 1
    while path.exists() or path.is_symlink():
        number += 1
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    return path
