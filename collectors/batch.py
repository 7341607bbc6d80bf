"""Fills one run: originals become records by the collector's own `derive`, or are kept as rejected with the reason."""

import contextlib
from collections.abc import Callable

import msgspec

from collectors.base import MAX_SUBMISSIONS
from collectors.text import clean
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import InvalidEntry, SkippableRecord
from ledger.core.record import Original, Record, Submission
from ledger.core.run import Gap, Rejected, RunBatch, SourceFacts
from ledger.core.times import Clock

_NAME = 512
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Record)
Derive = Callable[[Original], Record]


class BatchBuilder:
    """Collects what one run hands over; nothing that is added is lost, whatever it holds."""

    def __init__(self, source: str, clock: WallClock, derive: Derive, source_clock: Clock | None) -> None:
        self._source = source
        self._clock = clock
        self._derive = derive
        self.source_clock = source_clock
        self._started_at = utc_text(clock.now_us())
        self._submissions: list[Submission] = []
        self._rejected: list[Rejected] = []
        self.gaps: list[Gap] = []
        self.facts: SourceFacts | None = None
        """What the source says of itself; a driver sets it on a look's first run."""

    def __len__(self) -> int:
        return len(self._submissions) + len(self._rejected)

    @property
    def full(self) -> bool:
        """Whether the run should be handed over: there is room for one record more, as some come in pairs."""
        return len(self) >= MAX_SUBMISSIONS - 1

    def add(self, original: Original, received_at: str) -> Record | None:
        """Adds the record that the original holds, or the original's bytes as rejected; the record, if one was read.

        A parser's own failure on input that it did not expect is such a reason too: no input ends a run.
        """
        try:
            record = self._derive(original)
            _check(record)
        except Exception as error:
            self.reject(original.data, original.media_type, _reason(error), received_at)
            return None
        self._submissions.append(
            Submission(record=record, received_at=received_at, clock=self.source_clock, original=original)
        )
        return record

    def reject(self, data: bytes, media_type: str, reason: str, received_at: str) -> None:
        """Adds input that is no record, with the reason in plain words."""
        self._rejected.append(Rejected(data=data, media_type=media_type, reason=clean(reason), received_at=received_at))

    def build(self, cursor_from: str | None, cursor_to: str | None, snapshot: bytes | None = None) -> RunBatch:
        """The finished run; its end is now."""
        return RunBatch(
            source=self._source,
            started_at=self._started_at,
            ended_at=utc_text(self._clock.now_us()),
            cursor_from=cursor_from,
            cursor_to=cursor_to,
            submissions=tuple(self._submissions),
            rejected=tuple(self._rejected),
            clock=self.source_clock,
            gaps=tuple(_printable(gap) for gap in self.gaps),
            snapshot=snapshot,
            facts=self.facts,
        )


def _check(record: Record) -> None:
    """Raises ValidationError for a record that is out of its members' types and bounds."""
    with contextlib.suppress(UnicodeEncodeError):  # a lone surrogate: for the ledger to replace
        if _DECODER.decode(_ENCODER.encode(record)) == record:
            return  # what is not the same, such as a list for a tuple, is looked at closely
    msgspec.convert(msgspec.to_builtins(record), Record)


def _reason(error: Exception) -> str:
    if isinstance(error, SkippableRecord | InvalidEntry | msgspec.ValidationError):
        return str(error)
    return f"the parser failed on it: {error.__class__.__name__}: {error}"


def _printable(gap: Gap) -> Gap:
    """The gap with its texts as a record may hold them."""
    return msgspec.structs.replace(gap, subject=clean(gap.subject)[:_NAME], reason=clean(gap.reason)[:_NAME])
