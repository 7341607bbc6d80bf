"""Entries of signing: bindings of keys, the first start, signatures, and the lists of what a signature can mean.

All in the system log. The bodies that verify offline stand in `core` (`binding`, `signature`).
"""

from typing import Annotated, Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.binding import CeremonyEntry, KeyBindingEntry
from ledger.core.kinds import Kind
from ledger.core.record import Text
from ledger.core.signature import SignatureEntry
from ledger.people.roles import Role

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9-]*$")]
Language = Annotated[str, msgspec.Meta(min_length=2, max_length=20, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A BCP 47 tag."""


class Worded(msgspec.Struct, frozen=True, kw_only=True):
    """A text in one language."""

    language: Language
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature can mean, in each language that the site uses, and the roles that may sign so (all, if none)."""

    code: Code
    texts: Annotated[tuple[Worded, ...], msgspec.Meta(min_length=1, max_length=20)]
    roles: tuple[Role, ...] = ()


class ListedReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why somebody signs; `explained`: the person has to add words of their own."""

    code: Code
    texts: Annotated[tuple[Worded, ...], msgspec.Meta(min_length=1, max_length=20)]
    explained: bool = False


class SigningListEntry(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="signing-list/1"):
    """From here on, who signs for `action` chooses among these; the entry's address is their version.

    What was signed before keeps the texts of its own version.
    """

    action: Code
    meanings: Annotated[tuple[Meaning, ...], msgspec.Meta(min_length=1, max_length=50)]
    reasons: Annotated[tuple[ListedReason, ...], msgspec.Meta(min_length=1, max_length=100)]
    reason: Text
    authority: Authority


SIGNATURE: Final = Kind("signature", [SignatureEntry])
KINDS: Final = (
    Kind("ceremony", [CeremonyEntry]),
    Kind("key-binding", [KeyBindingEntry]),
    SIGNATURE,
    Kind("signing-list", [SigningListEntry]),
)
