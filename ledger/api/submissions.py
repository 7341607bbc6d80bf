"""Reads a run that came as JSON: one malformed submission is set aside with the reason, the others stand.

JSON that two parsers could read differently (a member twice, NaN, a lone surrogate, nesting beyond 64) is refused, as
`core.canonical` does. Where the run's own members are sound, only the submission that holds it is lost to quarantine.
"""

import re
from typing import Final

import msgspec

from ledger.core import canonical
from ledger.core.clock import parse_utc
from ledger.core.errors import InvalidEntry, NotCanonical, SchemaViolation
from ledger.core.record import Submission
from ledger.core.run import RecordOutcome, Rejected, RunBatch, RunReceipt

MAX_SUBMISSIONS: Final = 10_000
"""Submissions and rejected inputs of one run together."""
MEDIA_TYPE: Final = "application/json"

_LIST: Final = b'"submissions"'
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)
_run = msgspec.json.Decoder(RunBatch)
_submission = msgspec.json.Decoder(Submission)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it can be taken in. `bad` are the places, among the submissions that were sent, of those set aside;
    they stand first among the batch's rejected.
    """

    batch: RunBatch
    bad: tuple[int, ...] = ()

    def in_sent_order(self, receipt: RunReceipt) -> RunReceipt:
        """The receipt with its outcomes in the order in which everything was sent."""
        if not self.bad:
            return receipt
        good = len(self.batch.submissions)
        set_aside = receipt.outcomes[good : good + len(self.bad)]
        outcomes: list[RecordOutcome] = list(receipt.outcomes[:good])
        for place, outcome in zip(self.bad, set_aside, strict=True):
            outcomes.insert(place, outcome)
        outcomes += receipt.outcomes[good + len(self.bad) :]
        return msgspec.structs.replace(receipt, outcomes=tuple(outcomes))


def read_run(data: bytes, received_at: str) -> Reading:
    """Reads the JSON of a `RunBatch`; `received_at` (`utc_text`) stands on what is set aside.

    Raises NotCanonical or SchemaViolation when the run itself, not just one submission, is malformed.
    """
    reading = _whole(data) or _piecewise(data, received_at)
    if len(reading.batch.submissions) + len(reading.batch.rejected) > MAX_SUBMISSIONS:
        raise SchemaViolation(f"a run holds at most {MAX_SUBMISSIONS} submissions", advice="Split the run.")
    return reading


def _whole(data: bytes) -> Reading | None:
    """The run in one go, where nothing in it is wrong."""
    try:
        canonical.loads(data)
        batch = _run.decode(data)
        for submission in batch.submissions:
            parse_utc(submission.received_at)
    except (InvalidEntry, msgspec.DecodeError):
        return None
    return Reading(batch=batch)


def _piecewise(data: bytes, received_at: str) -> Reading:
    envelope, elements = _split(data)
    canonical.loads(envelope)
    try:
        batch = _run.decode(envelope)
    except msgspec.DecodeError as error:
        raise SchemaViolation(f"run: {error}") from None
    good: list[Submission] = []
    bad: list[int] = []
    rejected: list[Rejected] = []
    for place, element in enumerate(elements):
        try:
            good.append(_one(element))
        except InvalidEntry as error:
            bad.append(place)
            rejected.append(
                Rejected(data=element, media_type=MEDIA_TYPE, reason=error.message, received_at=received_at)
            )
    batch = msgspec.structs.replace(batch, submissions=tuple(good), rejected=(*rejected, *batch.rejected))
    return Reading(batch=batch, bad=tuple(bad))


def _one(element: bytes) -> Submission:
    canonical.loads(element)
    try:
        submission = _submission.decode(element)
    except msgspec.DecodeError as error:
        raise SchemaViolation(f"submission: {error}") from None
    parse_utc(submission.received_at)
    return submission


def _split(data: bytes) -> tuple[bytes, list[bytes]]:
    """The run with an empty list of submissions, and the bytes of each submission.

    Only brackets and strings are looked at; whether what remains is JSON is for the strict parser to say.
    """
    elements: list[bytes] = []
    depth = start = opened = closed = 0
    inside = False
    key = b""
    for match in _TOKEN.finditer(data):
        token = match[0]
        if token in (b"[", b"{"):
            if token == b"[" and depth == 1 and key == _LIST and not closed:
                inside, opened, start = True, match.end(), match.end()
            depth += 1
        elif token in (b"]", b"}"):
            depth -= 1
            if inside and depth == 1:
                elements.append(data[start : match.start()].strip())
                inside, closed = False, match.start()
        elif token == b"," and inside and depth == 2:
            elements.append(data[start : match.start()].strip())
            start = match.end()
        elif token == b"," and depth == 1:
            key = b""
        elif token[:1] == b'"' and depth == 1 and not key:
            key = token
    if not closed:
        return data, []
    if elements == [b""]:
        elements = []
    elif b"" in elements:
        raise NotCanonical("the list of submissions holds an empty place")
    return data[:opened] + data[closed:], elements
