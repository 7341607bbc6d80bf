"""Controlled lists: what a signature can mean and why it is given, by action; versioned, in the languages of the site.

A site's own list is an entry, and its address the version. Where a site has none, the built-in one holds.
"""

from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.address import Address
from ledger.core.change import ACTION, APPROVED
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.signature import Words
from ledger.people.credentials import current, read_entry, view
from ledger.people.roles import Role
from ledger.signing import tables
from ledger.signing.kinds import ListedReason, Meaning, SigningListEntry, Worded
from ledger.store.store import Store

BUILT_IN: Final = "built-in/1"
ENGLISH: Final = "en"
ACCOUNTABILITY: Final = "accountability"
"""The action of the first signature of each person (21 CFR 11.10(j))."""
REQUEST: Final = "request"
"""The action of the steps of signing requests."""
_APPROVING: Final = (Role.APPROVER, Role.QUALIFIED_PERSON)


class SigningList(msgspec.Struct, frozen=True, kw_only=True):
    """The meanings and reasons of one action, and their version."""

    action: str
    version: str
    meanings: tuple[Meaning, ...]
    reasons: tuple[ListedReason, ...]


def _english(*pairs: tuple[str, str]) -> tuple[tuple[str, tuple[Worded, ...]], ...]:
    return tuple((code, (Worded(language=ENGLISH, text=text),)) for code, text in pairs)


_REASONS = tuple(
    ListedReason(code=code, texts=texts, explained=code == "other")
    for code, texts in _english(
        ("routine", "Routine activity under the site's procedure"),
        ("scheduled", "Scheduled periodic activity"),
        ("investigation", "Part of an investigation or deviation"),
        ("change", "Part of an approved change"),
        ("inspection", "At the request of an inspection or audit"),
        ("other", "Another reason, as given"),
    )
)
_ACCOUNTABLE: Final = (
    "I am accountable and responsible for every action initiated under my electronic signature. I hold my signing key "
    "and its secret for myself alone, and I intend my electronic signature to be the legally binding equivalent of my "
    "handwritten signature."
)
_BY_ACTION: Final[dict[str, tuple[tuple[str, str, tuple[Role, ...]], ...]]] = {
    "record": (
        ("reviewed", "I reviewed these records.", (Role.REVIEWER, Role.APPROVER)),
        ("approved", "I approve these records.", (Role.APPROVER,)),
        ("responsible", "I am responsible for these records.", (Role.SOURCE_OWNER, Role.APPROVER)),
        ("witnessed", "I witnessed what these records say.", ()),
        ("rejected", "I reject these records, for the reason given.", (Role.REVIEWER, Role.APPROVER)),
    ),
    "review": (
        ("reviewed", "I performed this review.", (Role.REVIEWER, Role.APPROVER)),
        ("approved", "I approve the outcome of this review.", (Role.APPROVER,)),
        ("declined", "I decline to sign, for the reason given.", ()),
    ),
    REQUEST: (
        ("reviewed", "I reviewed what this request is about.", ()),
        ("witnessed", "I witnessed the work that this request is about.", ()),
        ("responsible", "I am responsible for what this request is about.", (Role.SOURCE_OWNER, *_APPROVING)),
        ("approved", "I approve what this request is about.", _APPROVING),
        ("certified", "I certify what this request is about, as the qualified person.", (Role.QUALIFIED_PERSON,)),
        ("declined", "I decline to sign this request, for the reason given.", ()),
    ),
    "access-review": (
        ("reviewed", "I reviewed the access of every account listed.", (Role.SECURITY_OFFICER,)),
        ("approved", "I approve this access review.", (Role.APPROVER,)),
    ),
    "package": (
        ("complete", "I attest that this is the set of records that was asked for.", ()),
        ("released", "I release this package.", (Role.APPROVER,)),
    ),
    "source": (
        ("closed", "I attest that this source is closed and its records are complete.", ()),
        ("approved", "I approve this change of a source.", (Role.APPROVER,)),
    ),
    ACTION: (
        (
            APPROVED,
            "I looked at what this change sets and what it alters, and approve that it takes effect.",
            _APPROVING,
        ),
        ("declined", "I decline this change, for the reason given.", ()),
    ),
    "incident": (
        (
            "closed",
            "I looked at the damage, what rests on it and the way back, and close this integrity incident.",
            _APPROVING,
        ),
    ),
    "true-copy": (("true-copy", "I compared the copy with its original and attest that it is a true copy.", ()),),
    "rule": (("verified", "I looked at these cases and attest that the rule says of each what it should.", ()),),
    "mapping": (("verified", "I compared this sample with its source and attest that the mapping is right.", ()),),
    ACCOUNTABILITY: (
        (
            ACCOUNTABILITY,
            _ACCOUNTABLE,
            (),
        ),
    ),
}


def _built_in(action: str) -> SigningList:
    return SigningList(
        action=action,
        version=BUILT_IN,
        meanings=tuple(
            Meaning(code=code, texts=(Worded(language=ENGLISH, text=text),), roles=roles)
            for code, text, roles in _BY_ACTION[action]
        ),
        reasons=_REASONS,
    )


ACTIONS: Final = tuple(_BY_ACTION)


class Lists:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, action: str) -> SigningList:
        """The list of an action as it stands; raises NotFound for an action that has none."""
        with self._store.reading() as connection:
            return read_list(self._store, connection, action)

    def all(self) -> list[SigningList]:
        """The lists of all actions."""
        with self._store.reading() as connection:
            return [read_list(self._store, connection, action) for action in ACTIONS]


def checked(entry: SigningListEntry) -> SigningListEntry:
    """The list, if it can be one. Raises NotFound for an action that there is not, SchemaViolation."""
    if entry.action not in ACTIONS:
        raise NotFound(f"there is no signing for {entry.action!r}", advice=f"Actions are {', '.join(ACTIONS)}.")
    for codes in ([one.code for one in entry.meanings], [one.code for one in entry.reasons]):
        if not codes or len(set(codes)) != len(codes):
            raise SchemaViolation("each code stands once in a list, and a list holds one at least")
    return entry


def read_list(store: Store, connection: Connection, action: str) -> SigningList:
    """The list of an action as it stands in this snapshot; raises NotFound."""
    if action not in ACTIONS:
        raise NotFound(f"there is no signing for {action!r}", advice=f"Actions are {', '.join(ACTIONS)}.")
    index = current(connection, tables.signing_list, action)
    if index is None:
        return _built_in(action)
    body, _ = read_entry(store, connection, index, SigningListEntry)
    return listed(body, str(Address(view(connection).origin, index)))


def listed(body: SigningListEntry, version: str) -> SigningList:
    """A site's list as its entry gives it."""
    return SigningList(action=body.action, version=version, meanings=body.meanings, reasons=body.reasons)


def built_in_lists() -> tuple[SigningList, ...]:
    """The built-in lists, by which signatures of version `built-in/1` are held to their words."""
    return tuple(_built_in(action) for action in ACTIONS)


def meaning_of(chosen: SigningList, code: str) -> Meaning:
    """The meaning of that code; raises SchemaViolation, naming what there is."""
    for one in chosen.meanings:
        if one.code == code:
            return one
    codes = ", ".join(one.code for one in chosen.meanings)
    raise SchemaViolation(f"a signature for {chosen.action} cannot mean {code!r}", advice=f"It can mean {codes}.")


def reason_of(chosen: SigningList, code: str, added: str | None) -> ListedReason:
    """The reason of that code; raises SchemaViolation where there is none, or it takes words of the person's own."""
    for one in chosen.reasons:
        if one.code == code:
            if one.explained and not (added or "").strip():
                raise SchemaViolation(f"reason {code!r} takes words of your own", advice="Say why, in a sentence.")
            return one
    codes = ", ".join(one.code for one in chosen.reasons)
    raise SchemaViolation(f"there is no reason {code!r} for {chosen.action}", advice=f"There are {codes}.")


def words(chosen: SigningList, code: str, texts: tuple[Worded, ...], language: str, added: str | None = None) -> Words:
    """The item as it is shown: in that language, else in the list's first."""
    shown = next((one for one in texts if one.language == language), texts[0])
    return Words(
        code=code, text=shown.text, language=shown.language, version=chosen.version, added=(added or "").strip() or None
    )


def says(chosen: SigningList, shown: Words) -> bool:
    """Whether the list, in its own version, holds exactly this text under this code."""
    items = (*((one.code, one.texts) for one in chosen.meanings), *((one.code, one.texts) for one in chosen.reasons))
    return any(
        code == shown.code and Worded(language=shown.language, text=shown.text) in texts for code, texts in items
    )
