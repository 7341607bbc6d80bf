"""What a log asks of a witness, and how a witness decides, after C2SP tlog-witness v1.0.0: pure, for both sides.

A log sends `AddCheckpoint`: the size that it believes the witness saw last, the proof from there, and its signed
checkpoint. `judge` makes every check of the specification in its order, and says which status refuses, or what a
witness has to store, durably and together with the comparison, *before* it cosigns. The answer is an `Answer`, over
HTTP or as a file carried by hand; `accepted` reads it for the log.
"""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from hashlib import sha256
from typing import Final

import msgspec

from ledger.core.checkpoint import MAX_SIZE, Checkpoint, open_checkpoint, parse_decimal
from ledger.core.errors import IntegrityError, InvalidEntry, LedgerError, MalformedNote, ProofInvalid, SignatureInvalid
from ledger.core.hashing import EMPTY_ROOT, HASH_SIZE, b64, unb64
from ledger.core.merkle import verify_consistency
from ledger.core.note import Note, NoteSignature, Verifier, open_note, parse_note

MAX_REQUEST: Final = 16 * 1024
"""Bytes of the largest request that a witness reads."""
MAX_ANSWER: Final = 64 * 1024
"""Bytes of the largest answer that a log reads."""
MAX_HASHES: Final = 63
"""Most hashes of a consistency proof between trees of at most 2^63-1 leaves."""
SIZE_MEDIA_TYPE: Final = "text/x.tlog.size"
TEXT_MEDIA_TYPE: Final = "text/plain; charset=utf-8"
_SAID: Final = 200
"""Characters of a witness's own words that an error repeats."""
_ANSWER = re.compile(rb"status ([1-5][0-9]{2})\n\n", re.ASCII)


class Status(IntEnum):
    """How a witness answers; each is also the HTTP status."""

    COSIGNED = 200
    MALFORMED = 400
    NOT_SIGNED = 403
    UNKNOWN_LOG = 404
    OTHER_SIZE = 409
    NOT_PROVEN = 422
    OVERLOADED = 429
    NOT_ABLE = 503
    """The witness itself must not cosign now: its state, its disk or its clock is not sound."""


class AddCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A request to cosign; raises MalformedNote when no request could carry it. No signature was checked."""

    old: int
    """The size that the log believes the witness cosigned last; 0 if it does not know."""
    proof: tuple[bytes, ...]
    """Consistency proof from `old` to the checkpoint's size; none from 0."""
    note: bytes
    """The signed checkpoint, byte for byte."""

    def __post_init__(self) -> None:
        if not 0 <= self.old <= MAX_SIZE:
            raise MalformedNote(f"old size {self.old} is out of bounds")
        if len(self.proof) > MAX_HASHES or any(len(item) != HASH_SIZE for item in self.proof):
            raise MalformedNote(f"proof has more than {MAX_HASHES} hashes or one that is not {HASH_SIZE} bytes")
        _ = self.checkpoint
        if len(self.encode()) > MAX_REQUEST:
            raise MalformedNote(f"request has more than {MAX_REQUEST} bytes")

    @classmethod
    def of_log(cls, old: int, proof: Sequence[bytes], note: bytes) -> "AddCheckpoint":
        """Return the request for a published checkpoint, with the lines of the log's own name alone.

        Those of other witnesses say nothing to this one, and a few of ML-DSA-44 would fill the request.
        """
        parsed = parse_note(note)
        origin = Checkpoint.parse(parsed.text).origin
        lines = tuple(line for line in parsed.signatures if line.name == origin)
        return cls(old=old, proof=tuple(proof), note=Note(text=parsed.text, signatures=lines).encode())

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint that is to be cosigned."""
        return Checkpoint.parse(parse_note(self.note).text)

    def encode(self) -> bytes:
        """The body of the HTTP request, and the file that is carried to a witness without a network."""
        head = (f"old {self.old}", *(b64(item) for item in self.proof), "", "")
        return "\n".join(head).encode("ascii") + self.note

    @classmethod
    def parse(cls, data: bytes) -> "AddCheckpoint":
        """Return the request that `data` is; raises MalformedNote on anything outside the format."""
        if len(data) > MAX_REQUEST:
            raise MalformedNote(f"request has more than {MAX_REQUEST} bytes")
        head, blank, note = data.partition(b"\n\n")
        try:
            old, *proof = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise MalformedNote(f"request has a byte outside ASCII at {error.start}") from error
        if not blank or not old.startswith("old "):
            raise MalformedNote("request does not start with `old <size>` and end its head in a blank line")
        try:
            hashes = tuple(unb64(line, HASH_SIZE) for line in proof)
        except InvalidEntry as error:
            raise MalformedNote(f"request: {error}") from error
        return cls(old=parse_decimal(old.removeprefix("old ")), proof=hashes, note=note)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The largest tree of one log that a witness has cosigned, or was about to."""

    size: int
    root: bytes


class Cosign(msgspec.Struct, frozen=True, kw_only=True):
    """Every check holds: store `head` durably, then cosign."""

    checkpoint: Checkpoint
    lines: tuple[NoteSignature, ...]
    """The lines of the log's trusted keys, which all verified."""

    @property
    def head(self) -> Head:
        """What is to be stored."""
        return Head(size=self.checkpoint.size, root=self.checkpoint.root)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is stored and nothing cosigned."""

    status: Status
    why: str
    """For a person, without anything that is secret."""
    size: int | None = None
    """With OTHER_SIZE: the last size."""
    forked: bool = False
    """Whether a trusted key signed another root for the very size that the witness has cosigned: keep the request."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A witness's answer as it crosses a network or is carried by hand."""

    status: int
    body: bytes

    @property
    def media_type(self) -> str:
        """Of the body, over HTTP."""
        return SIZE_MEDIA_TYPE if self.status == Status.OTHER_SIZE else TEXT_MEDIA_TYPE

    @classmethod
    def of_refusal(cls, refusal: Refusal) -> "Answer":
        """Return the answer that refuses: the last size alone, or words for a person."""
        said = refusal.why if refusal.size is None else str(refusal.size)
        return cls(status=refusal.status, body=f"{said}\n".encode())

    @classmethod
    def of_lines(cls, lines: Iterable[NoteSignature]) -> "Answer":
        """Return the answer that cosigns."""
        return cls(status=Status.COSIGNED, body="".join(signature.line for signature in lines).encode())

    def encode(self) -> bytes:
        """The file that is carried back: `status <number>`, a blank line, and what the body over HTTP would be."""
        return b"status %d\n\n%b" % (self.status, self.body)

    @classmethod
    def parse(cls, data: bytes) -> "Answer":
        """Return the answer that a carried file is; raises MalformedNote on any other file."""
        head = _ANSWER.match(data)
        if head is None or len(data) > MAX_ANSWER:
            raise MalformedNote("not the answer of a witness: it starts with `status <number>` and a blank line")
        return cls(status=int(head[1]), body=data[head.end() :])


class WitnessError(LedgerError):
    """A witness did not cosign."""

    code = "witness_error"
    default_advice = "Ask who operates the witness; until it cosigns, the checkpoint lacks its word."


class WitnessElsewhere(WitnessError):
    """The last size that the witness cosigned is not the one that was given: `size` is."""

    code = "witness_elsewhere"
    default_advice = "Send it again with a proof from the size that the witness names."

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


class WitnessConflict(WitnessError, IntegrityError):
    """The witness has cosigned a tree that this one does not continue: the log shows two views of itself.

    A log makes the proof from its own tree, so one that does not hold at the witness tells of another tree there.
    """

    code = "witness_conflict"
    default_advice = "Keep both checkpoints, they are the evidence; stop publishing and open an incident."


class WitnessRefused(WitnessError):
    """The witness refuses: it knows log or key not, or takes the request for none; or its own line does not verify."""

    code = "witness_refused"

    def __init__(self, message: str, status: int, *, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.status = status


class WitnessUnreachable(WitnessError):
    """The witness can't be asked now: no connection, no answer in time, overloaded, or in trouble itself."""

    code = "witness_unreachable"
    default_advice = "Nothing was decided: it is asked again; if it stays so, ask who operates the witness."


_ADVICE = {
    Status.NOT_SIGNED: "Have the log's present key made known at the witness: `trailseal witness add-key`.",
    Status.UNKNOWN_LOG: "Have the log made known at the witness: `trailseal witness add-log`.",
}


def judge(request: AddCheckpoint, keys: Sequence[Verifier], last: Head) -> Cosign | Refusal:
    """Every check on a request that parsed, in the specification's order; the first that fails decides.

    `keys` are those trusted for the request's origin, none if the log is not known; `last` is what the witness has
    stored for it, read under the lock under which the outcome will be stored.
    """
    if not keys:
        return Refusal(status=Status.UNKNOWN_LOG, why="this witness does not know the log")
    try:
        opened = open_checkpoint(request.note, request.checkpoint.origin, keys)
    except SignatureInvalid as error:
        return Refusal(status=Status.NOT_SIGNED, why=error.message)
    head = opened.checkpoint
    forked = head.size == last.size and head.root != last.root
    if request.old > head.size:
        return Refusal(status=Status.MALFORMED, why=f"old size {request.old} is beyond the checkpoint's {head.size}")
    if request.old != last.size:
        why = f"the last size is {last.size} where the request says {request.old}"
        return Refusal(status=Status.OTHER_SIZE, why=why, size=last.size, forked=forked)
    try:
        _require_continues(request, head, last)
    except ProofInvalid as error:
        return Refusal(status=Status.NOT_PROVEN, why=error.message, forked=forked)
    return Cosign(checkpoint=head, lines=opened.verified)


def accepted(request: AddCheckpoint, answer: Answer, verifier: Verifier, *also: Verifier) -> tuple[NoteSignature, ...]:
    """Return the witness's lines over the request's checkpoint: all verify, and that of `verifier` is among them.

    `also` are further keys of the same witness (ML-DSA-44 beside Ed25519), lines of other keys are left out. Raises
    WitnessElsewhere, WitnessConflict, WitnessRefused or WitnessUnreachable.
    """
    said = answer.body[: 4 * _SAID].decode("utf-8", "replace").strip()[:_SAID]
    head = request.checkpoint
    match answer.status:
        case Status.COSIGNED:
            return _verified(head, answer.body, verifier, also)
        case Status.OTHER_SIZE if answer.body:
            size = _size(verifier, answer.body)
            if size == request.old:
                raise WitnessRefused(f"witness {verifier.name} answers 409 to its own last size {size}", answer.status)
            raise WitnessElsewhere(f"witness {verifier.name} cosigned size {size} last, not {request.old}", size)
        case Status.OTHER_SIZE:
            raise WitnessConflict(
                f"witness {verifier.name} has cosigned another root of {head.origin} at size {head.size}"
            )
        case Status.NOT_PROVEN:
            raise WitnessConflict(
                f"witness {verifier.name} has cosigned another tree of {head.origin} at size {request.old} than "
                f"the one that size {head.size} continues: {said}"
            )
        case Status.MALFORMED | Status.NOT_SIGNED | Status.UNKNOWN_LOG:
            raise WitnessRefused(
                f"witness {verifier.name} refuses {head.origin} at size {head.size} ({answer.status}): {said}",
                answer.status,
                advice=_ADVICE.get(Status(answer.status)),
            )
    raise WitnessUnreachable(f"witness {verifier.name} answers {answer.status}: {said}")


def monitoring_path(origin: str) -> str:
    """Return where a witness shows its latest cosigned checkpoint of a log, below its address."""
    return f"{origin_digest(origin)}/checkpoint"


def origin_digest(origin: str) -> str:
    """Return the name under which witnesses keep a log: lowercase hex SHA-256 of its origin."""
    return sha256(origin.encode()).hexdigest()


def _require_continues(request: AddCheckpoint, head: Checkpoint, last: Head) -> None:
    """Raise ProofInvalid unless the checkpoint continues what the witness has; `request.old` is its size."""
    if head.size == 0 and head.root != EMPTY_ROOT:
        raise ProofInvalid("the root of size 0 is not that of the empty tree")
    if request.old == 0:
        if request.proof:
            raise ProofInvalid("from size 0 there is nothing to prove, but the request holds a proof")
        return
    verify_consistency(request.old, head.size, last.root, head.root, request.proof)


def _verified(
    head: Checkpoint, body: bytes, verifier: Verifier, also: tuple[Verifier, ...]
) -> tuple[NoteSignature, ...]:
    try:
        # Beside the text alone: a line that the log's note carries already would not be this witness's answer.
        lines = open_note(head.text().encode() + b"\n" + body, (verifier, *also)).verified
    except (MalformedNote, SignatureInvalid) as error:
        raise WitnessRefused(
            f"witness {verifier.name} answers with lines that do not verify: {error.message}",
            Status.COSIGNED,
            advice="Compare the witness's verifier key with the one it prints: `trailseal witness about`.",
        ) from error
    if not any((line.name, line.key_id) == (verifier.name, verifier.key_id) for line in lines):
        raise WitnessRefused(f"witness {verifier.name} answers without a line of its key", Status.COSIGNED)
    return lines


def _size(verifier: Verifier, body: bytes) -> int:
    try:
        return parse_decimal(body.decode("ascii", "replace").removesuffix("\n"))
    except MalformedNote:
        raise WitnessRefused(f"witness {verifier.name} answers 409 without a size", Status.OTHER_SIZE) from None


def note_of(cosign: Cosign, lines: Iterable[NoteSignature]) -> bytes:
    """Return the checkpoint as a witness shows it: the log's trusted lines and its own."""
    return Note(text=cosign.checkpoint.text(), signatures=(*cosign.lines, *lines)).encode()
