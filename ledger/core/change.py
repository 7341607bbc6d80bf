"""A change of GMP configuration: what one person proposes takes effect once a second person has signed it.

A proposal is an entry that commits to what it would enter: a line of canonical JSON for each body, without its
authority. The second person signs that entry, and so those bytes. When it takes effect, an entry says by which
signature, and the entries right after it, in the same transaction, are the lines of the proposal, each with the
authority of whoever brought it about (draft Annex 11 §10; 21 CFR 211.68(b)).
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.errors import IntegrityError
from ledger.core.hashing import b64
from ledger.core.record import Name, OriginalRef, Text
from ledger.core.signature import Statement
from ledger.core.times import SafeInt

MAX_LINES: Final = 10_000
"""Entries that one change brings at most."""
MAX_ALTERED: Final = 500
"""Of what a back-dated change alters so many are named; how many there are in all is told besides."""
ACTION: Final = "change"
"""The action of the signatures over proposals."""
APPROVED: Final = "approved"
"""Their meaning."""
MEDIA_TYPE: Final = "application/jsonl"
ALWAYS: Final = "always"
"""Since when a change says otherwise that names no moment."""


class ChangeEvent(StrEnum):
    """What happened to a change."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    """Somebody tried to bring it into effect without what that takes; it still waits."""
    WITHDRAWN = "withdrawn"
    EFFECTIVE = "effective"


class ChangeState(StrEnum):
    """How a change stands."""

    PROPOSED = "proposed"
    WITHDRAWN = "withdrawn"
    EFFECTIVE = "effective"


class AlteredSort(StrEnum):
    """What a change that reaches back can alter the result of."""

    FINDING = "finding"
    ASSESSMENT = "assessment"
    SIGNATURE = "signature"
    MEMBERSHIP = "membership"


class Altered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something of the past that a change says otherwise of: it stays as it is. `at`: the address of its entry.

    `certain`: it was judged again with what is proposed, and comes out otherwise; else it rests on what held then, and
    can. Of a batch, `joined` and `left` are how many records it gains and loses, and `at` is the first of them.
    """

    sort: AlteredSort
    id: Name
    at: Name
    certain: bool = False
    joined: SafeInt = 0
    left: SafeInt = 0


class ChangeEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="change/1"):
    """An event of a change. `request` is the site's own number of the change request (CR-0042).

    `kinds` and `count`: of the entries that it brings. `original` (proposed): the lines themselves, in the vault.
    `back_to` (proposed): since when it says otherwise, where that is past; `altered` is what of then has another result
    by it, `altered_count` how much of it there is. `signature` (effective): the address of the second person's.
    """

    change: Name
    event: ChangeEvent
    request: Name
    kinds: tuple[Name, ...]
    count: SafeInt
    reason: Text
    authority: Authority
    original: OriginalRef | None = None
    back_to: Name | None = None
    altered: Annotated[tuple[Altered, ...], msgspec.Meta(max_length=MAX_ALTERED)] = ()
    altered_count: SafeInt = 0
    signature: Name | None = None


def line_of(body: msgspec.Struct) -> bytes:
    """The line of a proposal that stands for a body: all of it but who causes it."""
    members = msgspec.to_builtins(body)
    members.pop("authority", None)
    return canonical.dumps(members)


def body_of(line: bytes, authority: Authority) -> bytes:
    """The canonical bytes of the body that a line becomes. Raises NotCanonical for what is no line."""
    members: dict[str, Any] = canonical.loads(line)
    return canonical.dumps({**members, "authority": msgspec.to_builtins(authority)})


class Change:
    """One change, as its entries have it. Pure, and the only judge of what can come next."""

    def __init__(self) -> None:
        self.index: int | None = None
        """The entry that proposes it."""
        self.proposed: ChangeEntry | None = None
        self.state: ChangeState | None = None
        self.ended: int | None = None
        """The entry from which on it is effective, or withdrawn."""
        self.last: ChangeEntry | None = None
        self.refused: list[int] = []

    def take(self, index: int, body: ChangeEntry) -> None:
        """Takes the next entry of this change; raises IntegrityError for one that cannot come now."""
        wrong = self.refusal(body)
        if wrong:
            raise IntegrityError(f"change {body.change!r}: {wrong}")
        self.last = body
        if body.event is ChangeEvent.PROPOSED:
            self.index, self.proposed, self.state = index, body, ChangeState.PROPOSED
        elif body.event is ChangeEvent.REFUSED:
            self.refused.append(index)
        else:
            self.ended, self.state = index, ChangeState(body.event.value)

    def refusal(self, body: ChangeEntry) -> str:
        """Why an entry cannot come now; empty if it can."""
        was = self.proposed
        if body.event is ChangeEvent.PROPOSED:
            if was is not None:
                return "it was proposed before"
            whole = body.original is not None and body.kinds and 0 < body.count <= MAX_LINES
            return "" if whole else "it proposes nothing"
        if was is None:
            return "it was not proposed"
        if self.state is not ChangeState.PROPOSED:
            return f"it was {self.state} already"
        if (body.change, body.request, body.kinds, body.count) != (was.change, was.request, was.kinds, was.count):
            return "it is not what was proposed"
        if (body.signature is None) is (body.event is ChangeEvent.EFFECTIVE):
            return "it takes effect by a signature, and by nothing else"
        return ""


def unsigned(said: Statement, proposed: ChangeEntry, origin: str, index: int, leaf: bytes, roles: Iterable[str]) -> str:
    """Why a signature does not approve a proposal, the entry of that log, index and leaf hash; empty if it does.

    `roles`: those in one of which it is to be signed.
    """
    target = said.target
    if target.origin != origin or index not in target.entries:
        return f"that signature is not over entry {index} of {origin}"
    if target.leaves[target.entries.index(index)] != b64(leaf):
        return "that signature is over other content"
    if said.meaning.code != APPROVED:
        return f"that signature means {said.meaning.code!r}, not {APPROVED!r}"
    if proposed.authority.actor in (said.signer.account, said.on_behalf_of):
        return f"{proposed.authority.actor} proposed it: somebody else is to sign"
    if said.signer.role not in roles:
        return f"it was signed as {said.signer.role}, and takes {' or '.join(roles)}"
    return ""
