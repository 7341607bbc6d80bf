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
    IntegrityError,
    LedgerError,
    MalformedNote,
    NotFound,
    ProofInvalid,
    RolledBack,
    SignatureInvalid,
    Unreachable,
)
from ledger.core.hashing import b64
from ledger.core.led_keys import KeyLife, parsed
from ledger.core.note import Verifier, open_note, parse_note
from ledger.core.policy import NO_QUORUM, Policy
from ledger.core.published_keys import KEY_LIFE, life_of, published_events
from ledger.core.tiles import TileReader
from ledger.present.messages import message
from ledger.trust.files import write_durably
from ledger.trust.published import fetcher

HOLDS, WRONG, NOT_AUTHENTICATED = 0, 1, 2
SHOWN: Final = 10
"""Entries that are named one by one."""


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

    def open(self, data: bytes, life: KeyLife | None = None) -> tuple[Checkpoint, int]:
        """The checkpoint, if all that is trusted here says so, and how many rotations of the log's key lead to the one
        that signed it; unverified where nothing is trusted.

        `life`: what the log says of its keys; no line may be missing then, or be of a key that might not sign. Raises
        MalformedNote, SignatureInvalid.
        """
        try:
            found = self._open(data)
        except SignatureInvalid:
            policy = None if life is None else self._policy_of(life.history.origin)
            if life is None or policy is None:
                raise
            found, rotations = life.open(data, life.policies(policy))
            self._require_origin(found)
            return found, rotations
        return found if life is None else life.held(data, found), 0

    def _policy_of(self, origin: str) -> Policy | None:
        """What is trusted of a log, as a policy; None where none of its keys is."""
        keys = [key for key in self.keys if key.name == origin]
        return self.policy or (Policy.of_log_keys(keys) if keys else None)

    def _require_origin(self, checkpoint: Checkpoint) -> None:
        if self.origin is not None and checkpoint.origin != self.origin:
            raise MalformedNote(f"checkpoint is of origin {checkpoint.origin!r} where {self.origin!r} is due")

    def _open(self, data: bytes) -> Checkpoint:
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
        self._require_origin(checkpoint)
        if self.outside and self.origin is None and checkpoint.origin not in signers:
            raise SignatureInvalid(
                f"the checkpoint is of {checkpoint.origin!r}, and no key given is of that name",
                advice="Check the key. A witness signs for many logs: with its key alone, name the log by --origin.",
            )
        return checkpoint


class Remembered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="trailseal-audit/1"):
    """What an audit that held leaves for the next one: the signed note, and where to go on.

    `keys`: the entries before `mark` that are key events; None: it was not looked for them. `told`: whether the log
    published what they say.
    """

    note: str
    mark: Mark
    foreign: bool
    keys: tuple[int, ...] | None = None
    told: bool = False


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
        self._life: KeyLife | None = None
        self._told: frozenset[int] = frozenset()
        self._rotations = 0
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
            self._read_keys(note, remembered)
            checkpoint, self._rotations = self._anchor.open(note, self._life)
            mark = self._past(checkpoint, since, remembered)
            start = mark.size
            audit = Audit(self._tiles, checkpoint, mark=mark, foreign=self._foreign)
            audit.run({one.size: one.root for one in self._due()}, progress)
            before = remembered.keys if remembered is not None and start and remembered.keys else ()
            key_events = (*(one for one in before if one < start), *audit.key_events)
            withheld = self._withheld(key_events)
            if state is not None:
                kept = Remembered(
                    note=note.decode(),
                    mark=audit.mark,
                    foreign=self._foreign,
                    keys=tuple(one for one in key_events if one < audit.mark.size),
                    told=self._life is not None,
                )
                write_durably(state, msgspec.json.encode(kept))
            self._say(checkpoint, start)
            self._say_keys(withheld)
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

    def _read_keys(self, note: bytes, remembered: Remembered | None) -> None:
        """Reads what the log says of its keys; nothing is trusted of it but what leads from what is trusted."""
        if self._foreign:
            return
        events = published_events(self._tiles, parsed(note))
        if events is not None:
            self._told = frozenset(one.index for one in events)
            self._life = life_of(events)
        elif remembered is not None and remembered.told:
            raise IntegrityError(
                f"{KEY_LIFE} is missing, and was there before",
                advice="Ask whoever publishes the tiles. Without it nothing says which keys of the log were revoked.",
            )

    def _withheld(self, key_events: Sequence[int]) -> list[int]:
        """The key events that the log does not tell of; raises IntegrityError where it has to."""
        found = [one for one in key_events if one not in self._told] if self._life is not None else []
        if self._life is not None and found and self._life.number:
            raise IntegrityError(
                f"entry {found[0]} is a key event, and {KEY_LIFE} does not hold it",
                advice="Ask whoever publishes the tiles: a key may have been revoked by it.",
            )
        return found

    def _past(self, checkpoint: Checkpoint, since: bytes | None, remembered: Remembered | None) -> Mark:
        """Opens the earlier checkpoints, and says where to start."""
        mark = START
        for data in (since, remembered.note.encode() if remembered else None):
            if data is None:
                continue
            try:
                there, _ = self._anchor.open(data, self._life)
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
            mark = remembered.mark if self._foreign or remembered.keys is not None else START
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
        elif self._rotations and self._life is not None:
            vkey = next(one.vkey for one in self._life.history.at(checkpoint.size))
            self._checks.append(
                message("tiles.check.rotated", origin=checkpoint.origin, vkey=vkey, rotations=self._rotations)
            )
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

    def _say_keys(self, withheld: Sequence[int]) -> None:
        if self._foreign:
            return
        if self._life is None:
            self._checks.append(message("tiles.check.keys-unpublished"))
            return
        self._checks.append(message("tiles.check.keys", events=len(self._told) - 1))
        if withheld:
            entries = ", ".join(map(str, withheld[:SHOWN])) + (" …" if len(withheld) > SHOWN else "")
            self._checks.append(message("tiles.check.keys-withheld", entries=entries))
        for index, event in self._life.history.compromised:
            assert event.compromise is not None
            since, meaning = event.compromise.doubtful_from, event.compromise.meaning
            self._checks.append(message("tiles.check.doubt", index=index, vkey=event.key, since=since, meaning=meaning))


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
