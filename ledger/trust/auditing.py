"""Audits a published log under keys from outside it, and remembers what it saw for the next audit.

Exit codes as those of an evidence package: 0 everything holds under a key or policy that was given, or by the card of
the very checkpoint; 1 something is wrong, and tile or entry are named; 2 consistent with itself, but nothing from
outside says whose it is.
"""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.audit import START, Audit, Mark, Tiles, require_continuation
from ledger.core.card import Card
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import (
    CheckpointForked,
    ConfigError,
    LedgerError,
    MalformedNote,
    NotFound,
    ProofInvalid,
    RolledBack,
    SignatureInvalid,
    Unreachable,
)
from ledger.core.hashing import b64
from ledger.core.note import Verifier, open_note, parse_note
from ledger.core.policy import NO_QUORUM, Policy
from ledger.core.tiles import TileReader
from ledger.present.messages import message
from ledger.trust.files import write_durably
from ledger.trust.published import fetcher

HOLDS, WRONG, NOT_AUTHENTICATED = 0, 1, 2


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """What an auditor trusts, from outside of what is audited: keys of the log or of cosigners, or a policy."""

    keys: tuple[Verifier, ...] = ()
    policy: Policy | None = None
    origin: str | None = None
    """The log that is asked for; needed where no key is named as its origin."""

    @property
    def outside(self) -> bool:
        """Whether there is anything to trust."""
        return bool(self.keys) or self.policy is not None

    def open(self, data: bytes) -> Checkpoint:
        """The checkpoint, if all that is trusted here says so; unverified where nothing is.

        Raises MalformedNote, SignatureInvalid.
        """
        signers: set[str] = set()
        if self.policy is not None:
            checkpoint = self.policy.open(data).checkpoint
            signers = {checkpoint.origin}
        elif self.keys:
            note = open_note(data, self.keys)
            checkpoint = Checkpoint.parse(note.text)
            signers = {signature.name for signature in note.verified}
        else:
            checkpoint = Checkpoint.parse(parse_note(data).text)
        if self.origin is not None and checkpoint.origin != self.origin:
            raise MalformedNote(f"checkpoint is of origin {checkpoint.origin!r} where {self.origin!r} is due")
        if self.outside and self.origin is None and checkpoint.origin not in signers:
            raise SignatureInvalid(
                f"the checkpoint is of {checkpoint.origin!r}, and no key given is of that name",
                advice="Check the key. A witness signs for many logs: with its key alone, name the log by --origin.",
            )
        return checkpoint


class Remembered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="trailseal-audit/1"):
    """What an audit that held leaves for the next one: the signed note, and where to go on."""

    note: str
    mark: Mark
    foreign: bool


class TilesProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong: a stable code, and words that name the tile, entry or checkpoint."""

    code: str
    what: str


class TilesVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a published log; what could not be read is None."""

    exit_code: int
    summary: str
    checks: tuple[str, ...]
    not_proven: str
    problems: tuple[TilesProblem, ...]
    origin: str | None
    size: int | None
    root: str | None
    start: int
    """The entry at which this audit began: not 0 where it went on from an earlier one."""
    checkpoint: str | None
    """The signed note that was audited."""
    earlier: tuple[str, ...]
    """Earlier signed notes that it was compared with: together with it the proof of a fork."""

    def lines(self) -> list[str]:
        """The verdict for a person, a line at a time."""
        wrong = [f"▲ {problem.what}" for problem in self.problems]
        proof = [message("tiles.proof"), *self.earlier, self.checkpoint] if self._forked and self.checkpoint else []
        return [self.summary, *wrong, *(f"● {check}" for check in self.checks), f"  {self.not_proven}", *proof]

    @property
    def _forked(self) -> bool:
        codes = {problem.code for problem in self.problems}
        return bool(self.earlier) and bool(codes & {CheckpointForked.code, RolledBack.code})


class Auditor:
    """One audit; `verdict` does it."""

    def __init__(
        self,
        tiles: Tiles,
        anchor: Anchor,
        *,
        foreign: bool = False,
        full: bool = False,
        cards: Sequence[Card] = (),
    ) -> None:
        """`foreign`: another product's log, of whose entries only the hashes are judged. `full`: from entry 0 on,
        whatever is remembered. `cards`: checkpoint cards of the log, whose roots it has to have at their sizes.
        """
        self._tiles = tiles
        self._anchor = anchor
        self._foreign = foreign
        self._full = full
        self._cards = cards
        self._checks: list[str] = []
        self._earlier: list[tuple[bytes, Checkpoint]] = []

    def verdict(
        self,
        since: bytes | None = None,
        state: Path | None = None,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> TilesVerdict:
        """The verdict, whatever the tiles hold. `since`: an earlier checkpoint; `state`: a file for the next audit,
        read if it is there, and written when everything holds.

        Raises Unreachable where nothing can be said, ConfigError for a state file that is none.
        """
        remembered = read_state(state) if state is not None else None
        note, checkpoint, start = None, None, 0
        problem: LedgerError | None = None
        try:
            note = self._tiles.read("checkpoint")
            checkpoint = self._anchor.open(note)
            mark = self._past(checkpoint, since, remembered)
            start = mark.size
            audit = Audit(self._tiles, checkpoint, mark=mark, foreign=self._foreign)
            audit.run({one.size: one.root for one in self._due()}, progress)
            if state is not None:
                kept = Remembered(note=note.decode(), mark=audit.mark, foreign=self._foreign)
                write_durably(state, msgspec.json.encode(kept))
            self._say(checkpoint, start)
        except (Unreachable, ConfigError):
            raise
        except LedgerError as error:
            problem = error
        known = self._anchor.outside or (checkpoint is not None and self._carded(checkpoint))
        code = WRONG if problem is not None else HOLDS if known else NOT_AUTHENTICATED
        return TilesVerdict(
            exit_code=code,
            summary=message(_SUMMARIES[code], size=checkpoint.size if checkpoint else 0),
            checks=tuple(self._checks),
            not_proven=message("tiles.not-proven"),
            problems=() if problem is None else (TilesProblem(code=problem.code, what=problem.message),),
            origin=None if checkpoint is None else checkpoint.origin,
            size=None if checkpoint is None else checkpoint.size,
            root=None if checkpoint is None else b64(checkpoint.root),
            start=start,
            checkpoint=None if note is None else note.decode("utf-8", "replace"),
            earlier=tuple(data.decode("utf-8", "replace") for data, _ in self._earlier),
        )

    def _past(self, checkpoint: Checkpoint, since: bytes | None, remembered: Remembered | None) -> Mark:
        """Opens the earlier checkpoints, and says where to start."""
        mark = START
        for data in (since, remembered.note.encode() if remembered else None):
            if data is None:
                continue
            try:
                there = self._anchor.open(data)
            except (MalformedNote, SignatureInvalid) as error:
                raise type(error)(f"the earlier checkpoint: {error.message}", advice=error.advice) from None
            if there.origin != checkpoint.origin:
                raise MalformedNote(f"the earlier checkpoint is of {there.origin!r}, not {checkpoint.origin!r}")
            self._earlier.append((data, there))
        for card in self._cards:
            if card.origin != checkpoint.origin:
                raise ConfigError(
                    f"the card of size {card.size} is of log {card.origin}, the tiles are of {checkpoint.origin}",
                    advice="Give cards of this log alone.",
                )
        reader = TileReader(checkpoint.size, fetcher(self._tiles))
        for one in self._due():
            # Where the tiles are not those of the checkpoint, the audit itself names the one that is wrong.
            with contextlib.suppress(ProofInvalid, MalformedNote, NotFound):
                require_continuation(reader, one, checkpoint)
        if remembered is not None and not self._full and remembered.foreign == self._foreign:
            mark = remembered.mark
            if any(one.size < mark.size for one in self._due()):
                mark = START
        return mark if mark.size <= checkpoint.size else START

    def _due(self) -> list[Checkpoint]:
        """All that the log was once, as it is known from outside."""
        return [*(one for _, one in self._earlier), *(card.checkpoint for card in self._cards)]

    def _carded(self, checkpoint: Checkpoint) -> bool:
        """Whether a card is of this very checkpoint: its root alone says then what the log holds."""
        return any((one.size, one.root) == (checkpoint.size, checkpoint.root) for one in self._cards)

    def _say(self, checkpoint: Checkpoint, start: int) -> None:
        policy = self._anchor.policy
        if not self._anchor.outside and self._carded(checkpoint):
            self._checks.append(message("tiles.check.by-card", origin=checkpoint.origin))
        elif not self._anchor.outside:
            self._checks.append(message("tiles.check.unsigned", origin=checkpoint.origin))
        elif policy is not None and policy.quorum != NO_QUORUM:
            self._checks.append(message("tiles.check.quorum", origin=checkpoint.origin, quorum=policy.quorum))
        else:
            self._checks.append(message("tiles.check.signed", origin=checkpoint.origin))
        self._checks.append(message("tiles.check.tree", start=start, size=checkpoint.size))
        self._checks.append(message("tiles.check.foreign" if self._foreign else "tiles.check.chain"))
        for _, one in self._earlier:
            self._checks.append(message("tiles.check.consistent", size=one.size))
        for card in self._cards:
            key = "tiles.check.card" if card.size == checkpoint.size else "tiles.check.card-earlier"
            self._checks.append(message(key, size=card.size))


_SUMMARIES: Final = {
    HOLDS: "tiles.verdict.holds",
    WRONG: "tiles.verdict.wrong",
    NOT_AUTHENTICATED: "tiles.verdict.unauthenticated",
}


def read_state(path: Path) -> Remembered | None:
    """What an earlier audit left in a file; None where there is none yet. Raises ConfigError for another file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Remembered)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is not what an audit left there: {error}", advice="Name another file; it was left as it is."
        ) from None
