"""Entries of time-stamps: which authorities of time the site asks, and what each said of which checkpoint.

An authority counts from the entry by which a second administrator confirmed it, until one withdraws it: nobody alone
can bring in a clock of their own. What it said while it counted stays said.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from ledger.core.admission import AdmissionEvent, Admissions, Admitted
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.errors import IntegrityError
from ledger.core.passkey import Base64Url, unb64url
from ledger.core.record import Digest, Name, Text
from ledger.core.renewals import DISTRUSTED, Weak, require_sound
from ledger.core.times import SafeInt
from ledger.core.timestamps import Pins, TimeStamp, pins_of, verify_time_stamp

EVERY_S: Final = 3600
"""Seconds between two time-stamps of a log that grows, unless the authority's entry says otherwise."""
LATE: Final = 2
"""How many times that long an entry may wait for its first time-stamp before that is a finding."""


class TimestampAuthorityEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="timestamp-authority/1"
):
    """Something happened to time-stamp authority `tsa`; `proposed` bears all that is said of it.

    `certificates` (DER) are what is pinned: a root at least. `policy`: the only one that is taken (an OID).
    """

    tsa: Name
    event: AdmissionEvent
    reason: Text
    authority: Authority
    url: Text | None = None
    certificates: tuple[Base64Url, ...] = ()
    policy: Name | None = None
    every_seconds: SafeInt | None = None


class TimestampEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="timestamp/1"
):
    """Authority `tsa` says that the checkpoint of `origin` at `size` with `root` was there at `gen_time`.

    `proposed`: the entry that pins the authority. `token` is the whole response (DER); the moment and how far off it
    may be are the token's own. `revocation`: lists and responses (DER) that say whether its certificates were revoked.
    """

    tsa: Name
    proposed: SafeInt
    origin: Name
    size: SafeInt
    root: Digest
    gen_time: Text
    accuracy_us: SafeInt
    token: Base64Url
    revocation: tuple[Base64Url, ...] = ()


class TimestampRenewalEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="timestamp-renewal/1"
):
    """Authority `tsa` says that all `count` time-stamps and renewals before entry `high` were there at `gen_time`.

    `root` (base64, SHA-512): of the tree of them (`core.renewals`). The other members are as in a time-stamp.
    """

    tsa: Name
    proposed: SafeInt
    high: SafeInt
    count: SafeInt
    root: Text
    gen_time: Text
    accuracy_us: SafeInt
    token: Base64Url
    revocation: tuple[Base64Url, ...] = ()


class Tsa(Admitted, kw_only=True):
    """A time-stamp authority as the entries have it."""

    tsa: str
    url: str
    certificates: tuple[bytes, ...]
    policy: str | None
    every_seconds: int

    @property
    def pins(self) -> Pins:
        """What its time-stamps are held against."""
        return pins_of(self.certificates, self.policy)

    @property
    def late_us(self) -> int:
        """How long (µs) after it was logged an entry may be first dated."""
        return LATE * self.every_seconds * 1_000_000


class Tsas(Admissions[Tsa]):
    """The authorities of a system log; what does not hold is raised, not taken in."""

    def __init__(self) -> None:
        super().__init__("time-stamp authority")

    def enter(self, index: int, body: TimestampAuthorityEntry) -> None:
        """Takes the next entry; raises IntegrityError for one that could not come then."""

        def make() -> Tsa:
            if body.url is None or not body.certificates:
                raise IntegrityError(f"nothing is pinned of time-stamp authority {body.tsa}")
            return Tsa(
                tsa=body.tsa,
                url=body.url,
                certificates=tuple(map(unb64url, body.certificates)),
                policy=body.policy,
                every_seconds=body.every_seconds or EVERY_S,
                proposer=body.authority.actor,
                proposed=index,
            )

        self.take(index, body.tsa, body.event, body.authority, make)

    def by_proposal(self, index: int) -> Tsa | None:
        """The authority that entry `index` proposed."""
        return next((one for one in self.all() if one.proposed == index), None)

    def verify(
        self,
        index: int,
        body: TimestampEntry | TimestampRenewalEntry,
        text: bytes,
        weak: Weak = DISTRUSTED,
        renewed_us: int | None = None,
    ) -> TimeStamp:
        """What entry `index` proves of a checkpoint's text, or a renewal's statement.

        `weak`: what is distrusted; `renewed_us`: when the first renewal that holds says that it was there. Raises
        IntegrityError or TimestampInvalid. Whether these bytes are those that it names is the caller's question.
        """
        tsa = self.by_proposal(body.proposed)
        if tsa is None or tsa.tsa != body.tsa or not tsa.counts(index):
            raise IntegrityError(f"time-stamp authority {body.tsa!r} did not count then")
        stamp = verify_time_stamp(
            unb64url(body.token), text, tsa.pins, revocation=map(unb64url, body.revocation), renewed=True
        )
        require_sound(stamp, weak, renewed_us)
        if (stamp.gen_us, stamp.accuracy_us) != (parse_utc(body.gen_time), body.accuracy_us):
            raise IntegrityError("its moment is not the one that the token names")
        return stamp


def history_of(entries: Iterable[tuple[int, TimestampAuthorityEntry]]) -> Tsas:
    """The authorities from their entries, in order; raises IntegrityError for one that does not hold."""
    tsas = Tsas()
    for index, body in entries:
        tsas.enter(index, body)
    return tsas
