"""One look for messages, in a folder or behind an address: hands over those that are new."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from collectors.base import MAX_SNAPSHOT, Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import facts, fingerprint
from collectors.infra.drop_folder import Drop, Stamp, arrivals, listed
from collectors.it.b2mml_original import MessageOriginal
from collectors.it.b2mml_schema import Schemas
from collectors.it.b2mml_xml import context, elements, local, parse, scan
from collectors.it.http import Http
from collectors.payload import pack
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import FatalSource, RetriableSource, SkippableRecord
from ledger.core.record import Original
from ledger.core.run import RunBatch, SourceFacts, SourceState
from ledger.core.times import Clock

_BATCH_BYTES: Final = 4 * 1024 * 1024
_XML: Final = "application/xml"
_LONGEST: Final = 512
_MOST_SCHEMAS: Final = 50


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What of a message is taken: elements of these names, in namespaces that match, as the schemas say."""

    items: tuple[str, ...]
    namespace: Any
    schemas: Schemas | None = None

    def originals(
        self, name: str, data: bytes, modified: str | None, schemas: set[str] | None = None
    ) -> Iterator[MessageOriginal]:
        """The items of a message; raises SkippableRecord, before the first, for one that is not taken.

        Its namespace and release are added to `schemas`.
        """
        found, root = scan(data, self.items), parse(data)
        namespace = root.tag[1:].partition("}")[0] if root.tag.startswith("{") else ""
        if self.namespace.search(namespace) is None:
            raise SkippableRecord(f"a message of the namespace {namespace!r}, which is not one that is taken")
        if self.schemas is not None:
            self.schemas.check(root)
        if schemas is not None and len(schemas) < _MOST_SCHEMAS:
            schemas.add(f"{namespace} {root.get('releaseID', '')}".strip()[:_LONGEST])
        document = sha256(data).hexdigest()[:32]
        there = list(elements(root, self.items))
        if len(there) != len(found.parts):
            raise SkippableRecord(f"{len(found.parts)} elements by their names, and {len(there)} by their namespaces")
        for number, (part, element) in enumerate(zip(found.parts, there, strict=True), start=1):
            text, base64 = pack(data[part.start : part.end])
            yield MessageOriginal(
                name=name,
                document=document,
                number=number,
                modified=modified,
                root=local(root),
                namespace=namespace,
                encoding=found.encoding,
                namespaces=part.namespaces if self.items else None,
                context=context(element),
                text=text,
                base64=base64,
            )


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs there were."""

    look: int = 0


class Memory(msgspec.Struct, kw_only=True):
    """Messages that were read: by the name of their file, or their link. `begun` is one that was handed over in part,
    with the digest of its content and the number of its items that were. `schemas` are the namespaces and releases of
    all messages so far.
    """

    read: dict[str, Stamp] = {}
    begun: tuple[str, str, int] = ("", "", 0)
    schemas: list[str] = []


class Links:
    """The links that a list at an address has."""

    def __init__(self, http: Http, path: str, known: Mapping[str, Stamp]) -> None:
        self._http, self._known = http, known
        self._url = http.address(path)
        self.message: bytes | None = None
        """The answer, where it is a message itself and no list."""
        self.all: list[str] = []

    def new(self) -> list[str]:
        """Addresses that were not read yet, in the order of the list; raises RetriableSource and FatalSource."""
        answer = self._http.get(self._url)
        if answer.status != 200:
            raise FatalSource(f"{self._http.base} has no list at {self._url}", advice="Correct the option list.")
        body = answer.body.strip()
        if body.startswith((b"<", b"\xef\xbb\xbf<")):
            self.message = answer.body
            return [self._url]
        self.all = [self._http.address(link, self._url) for link in self._read(body)]
        return [link for link in dict.fromkeys(self.all) if link not in self._known]

    def _read(self, body: bytes) -> list[str]:
        try:
            if body.startswith(b"["):
                return msgspec.convert(json.loads(body), list[str])
            return [line.strip() for line in body.decode().splitlines() if line.strip() and not line.startswith("#")]
        except (ValueError, RecursionError, msgspec.ValidationError) as error:
            raise RetriableSource(
                f"{self._http.base} answers with no list of links: {error}",
                advice="The list is a JSON array of texts, or one link a line (text/uri-list).",
            ) from None


class MessageLook:
    """Tells once what is there."""

    def __init__(
        self,
        state: SourceState,
        clock: WallClock,
        new_builder: Callable[[Clock | None], BatchBuilder],
        wrap: Callable[[bytes], Original],
        reading: Reading,
    ) -> None:
        self._clock, self._new_builder, self._wrap, self._reading = clock, new_builder, wrap, reading
        self._source = state.source
        self._cursor = read_cursor(state.cursor, Cursor, state.source) or Cursor()
        self._memory = _read_memory(state)
        self._text, self._snapshot = state.cursor, state.snapshot
        self._builder, self._bytes = new_builder(None), 0
        self._schemas = set(self._memory.schemas)

    def folder(self, drop: Drop, stop: Stop) -> Iterator[RunBatch]:
        """Messages in files that are new, or were written anew."""
        for arrived in arrivals(drop, self._memory.read, self._clock, stop):
            if arrived.cut:
                reason = f"{arrived.name}: longer than {drop.max_bytes} bytes; these are its first"
                self._reject(arrived.data, reason)
            else:
                whole = yield from self._tell(arrived.name, arrived.data, utc_text(arrived.modified_us), arrived.young)
                if not whole:
                    continue
            self._memory.read[arrived.name] = arrived.stamp
        if not stop.is_set():
            there = listed(drop)
            self._memory.read = {name: stamp for name, stamp in self._memory.read.items() if name in there}
        self._builder.facts = self._facts()
        yield self._finish()

    def links(self, http: Http, path: str, max_bytes: int, stop: Stop) -> Iterator[RunBatch]:
        """Messages behind links that are new; what was read before an error is handed over first."""
        links, missing = Links(http, path, self._memory.read), ""
        new = links.new()
        self._builder = self._new_builder(http.source_clock)
        for link in new:
            if stop.is_set():
                break
            try:
                data = links.message if links.message is not None else self._fetch(http, link)
            except (RetriableSource, FatalSource):
                if len(self._builder):
                    yield self._finish(http.source_clock)
                raise
            if data is None:
                missing = link
                continue
            stamp = (len(data), 0, sha256(data).hexdigest()[:32])
            if len(data) > max_bytes:
                self._reject(data[:max_bytes], f"{link}: longer than {max_bytes} bytes; these are its first")
                self._memory.read[link] = stamp
            elif self._memory.read.get(link) != stamp:
                yield from self._tell(link, data, None, young=False)
                self._memory.read[link] = stamp
        if not stop.is_set() and links.message is None:
            there = set(links.all)
            self._memory.read = {name: stamp for name, stamp in self._memory.read.items() if name in there}
        if len(self._builder) or not missing:  # a run counts as progress, after which one that waits begins anew
            self._builder.facts = self._facts()
            yield self._finish(http.source_clock)
        if missing:
            raise RetriableSource(
                f"{http.base} lists {missing} and does not have it", advice="Wait for the next try; is the list right?"
            )

    def _fetch(self, http: Http, link: str) -> bytes | None:
        """The message; None where the server does not have what it lists."""
        answer = http.get(link)
        return answer.body if answer.status == 200 else None

    def _tell(self, name: str, data: bytes, modified: str | None, young: bool) -> Generator[RunBatch, None, bool]:
        """Adds a message's items, in as many runs as it takes; false for one that may still be being written."""
        digest = sha256(data).hexdigest()[:32]
        done = self._memory.begun[2] if self._memory.begun[:2] == (name, digest) else 0
        try:
            for original in self._reading.originals(name, data, modified, self._schemas):
                if original.number <= done:
                    continue
                encoded = msgspec.json.encode(original)
                self._builder.add(self._wrap(encoded), utc_text(self._clock.now_us()))
                self._bytes += len(encoded)
                if self._builder.full or self._bytes >= _BATCH_BYTES:
                    self._memory.begun = (name, digest, original.number)
                    yield self._finish()
        except SkippableRecord as error:
            if young:
                return False
            self._reject(data, f"{name}: {error.message}")
        self._memory.begun = ("", "", 0)
        return True

    def _facts(self) -> SourceFacts | None:
        """Namespaces and releases of all messages so far; their fingerprint, where they are too many to be named."""
        names = sorted(self._schemas)
        named = ", ".join(names)
        return facts(schema=named if len(named) <= _LONGEST else fingerprint(names))

    def _reject(self, data: bytes, reason: str) -> None:
        self._builder.reject(data, _XML, reason, utc_text(self._clock.now_us()))
        self._bytes += len(data)

    def _finish(self, clock: Clock | None = None) -> RunBatch:
        self._cursor = msgspec.structs.replace(self._cursor, look=self._cursor.look + 1)
        self._memory.schemas = sorted(self._schemas)
        text, snapshot = msgspec.json.encode(self._cursor).decode(), msgspec.json.encode(self._memory)
        if len(snapshot) > MAX_SNAPSHOT:
            raise FatalSource(
                f"source {self._source!r} has more messages than a snapshot of the collector holds",
                advice="Move messages that were read to another folder, or list only the latest.",
            )
        self._builder.source_clock = clock or self._builder.source_clock
        batch = self._builder.build(self._text, text, None if snapshot == self._snapshot else snapshot)
        self._text, self._snapshot, self._bytes = text, snapshot, 0
        self._builder = self._new_builder(batch.clock)
        return batch


def _read_memory(state: SourceState) -> Memory:
    """Raises FatalSource where what was read is lost."""
    if state.cursor is None:
        return Memory()
    try:
        return msgspec.json.decode(state.snapshot or b"", type=Memory)
    except msgspec.DecodeError:
        raise FatalSource(
            f"the snapshot of source {state.source!r} is lost: what was read of its messages is not known",
            advice="Register the source anew under another id.",
        ) from None
