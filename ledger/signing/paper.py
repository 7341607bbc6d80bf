"""Handwritten signatures on printouts: found by the fingerprint on the paper, entered by hand, checked by another one.

What a fingerprint is of is told plainly: this version, an older one and what took its place, or nothing here. A
signature by hand on an older version is taken only from who says that they know it is one. The scan is an original of
the vault; it is never run, opened or shown here, only kept and given back.
"""

import re
import secrets
from collections.abc import Callable, Collection
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import Address, LogId, parse_address
from ledger.core.binding import short_fingerprint
from ledger.core.clock import utc_text
from ledger.core.entry import ORIGINAL, SALT_SIZE, VaultItem, draft
from ledger.core.errors import AccessDenied, Conflict, IntegrityError, NotFound, SchemaViolation
from ledger.core.hashing import b64, original_commitment, unb64
from ledger.core.paper import SHORT, Paper, PaperEntry, PaperEvent, Papers, Printed, PrintSort, may_check
from ledger.core.record import OriginalRef
from ledger.core.scans import media_type_of
from ledger.core.signature import SignatureEntry
from ledger.people.access import Caller, Scope
from ledger.people.credentials import read_account, read_entry
from ledger.people.qualifications import day_of
from ledger.present.messages import message
from ledger.signing.paper_tables import paper_signature
from ledger.signing.prints import find_print
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.reading import VaultReader
from ledger.store.store import Store

_DAY_US: Final = 86_400_000_000
_SPACES = re.compile(r"[\s:.-]+")
_HEX = re.compile(r"[0-9a-f]{32}")


class FoundPrint(msgspec.Struct, frozen=True, kw_only=True):
    """What a fingerprint is of. `older`: another entry has taken its place (`printed.replaced_by`)."""

    fingerprint: str
    printed: Printed
    older: bool
    says: str


class NewPaper(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody enters: the fingerprint on the paper, what the signature means, who signed it and on which day.

    `older`: they know that the paper is of an older version.
    """

    fingerprint: str
    meaning: str
    name: str
    signed_on: str
    kept_at: str
    reason: str
    account: str | None = None
    older: bool = False


class KnownPaper(msgspec.Struct, frozen=True, kw_only=True):
    """A handwritten signature as it stands; `entry` is where it was entered, in the system log.

    `state`: `entered`, `checked` or `withdrawn`. `kind` says what it is, and that it is no electronic signature.
    """

    paper: str
    entry: int
    state: PaperEvent
    kind: str
    sentence: str
    printed: Printed
    fingerprint: str
    meaning: str
    name: str
    account: str | None
    signed_on: str
    kept_at: str
    media_type: str
    size: int
    entered_by: str
    checked_by: str | None
    why_withdrawn: str | None


class PaperSignatures:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, caller: Caller, fingerprint: str) -> FoundPrint:
        """What a fingerprint is of, among what the caller may read; raises NotFound where it is of nothing there."""
        digest = prefix_of(fingerprint)
        with self._store.reading() as connection:
            return self._find(connection, caller, digest)

    def enter(self, caller: Caller, new: NewPaper, scan: bytes) -> KnownPaper:
        """Enters a signature by hand with its scan. Raises NotFound for a fingerprint of nothing here, Conflict for one
        of an older version unless `new.older`, SchemaViolation for words, a day or a file that cannot be.
        """
        _require_person(caller)
        media_type, digest = media_type_of(scan), prefix_of(new.fingerprint)
        for name in ("meaning", "name", "kept_at", "reason"):
            if not getattr(new, name).strip():
                raise SchemaViolation(f"{name} has to be said in words")
        if day_of("signed_on", new.signed_on).isoformat() > utc_text(self._store.clock.now_us() + _DAY_US)[:10]:
            raise SchemaViolation(f"{new.signed_on} is still to come")
        with self._store.reading() as connection:
            found = self._find(connection, caller, digest)
            if new.account is not None and read_account(self._store, connection, new.account) is None:
                raise NotFound(f"there is no account {new.account!r}", advice="Leave it out for who has none.")
        if found.older and not new.older:
            raise Conflict(found.says, advice="If the paper is of that older version, say so; else print the new one.")
        salt = secrets.token_bytes(SALT_SIZE)
        entry = PaperEntry(
            paper=secrets.token_hex(8),
            event=PaperEvent.ENTERED,
            printed=found.printed,
            reason=new.reason,
            authority=caller.authority,
            meaning=new.meaning.strip(),
            name=new.name.strip(),
            account=new.account,
            signed_on=new.signed_on,
            kept_at=new.kept_at.strip(),
            original=OriginalRef(
                commitment=b64(original_commitment(salt, scan)),
                media_type=media_type,
                size=len(scan),
                parser="none",
                parser_version="1",
            ),
        )
        item = VaultItem(sort=ORIGINAL, ordinal=0, salt=salt, value=scan)
        index = self._store.append(SYSTEM_LOG, Batch([draft(entry, (item,))]))[0].index
        return _known(Paper(entered=index, body=entry))

    def check(self, caller: Caller, paper: str, reason: str) -> KnownPaper:
        """A second person has compared what was entered with the scan. Raises AccessDenied, Conflict, NotFound."""

        def possible(found: Paper) -> None:
            if not may_check(found, caller.authority):
                raise AccessDenied(
                    "who entered a signature by hand, or gave it, does not check it", advice="Ask a second person."
                )
            if found.checked is not None:
                raise Conflict("it was checked already")

        return self._change(caller, paper, PaperEvent.CHECKED, reason, possible)

    def withdraw(self, caller: Caller, paper: str, reason: str) -> KnownPaper:
        """It was entered in error; what was entered stays on record. Raises Conflict, NotFound."""
        return self._change(caller, paper, PaperEvent.WITHDRAWN, reason, lambda found: None)

    def get(self, caller: Caller, paper: str) -> KnownPaper:
        """A handwritten signature by its id, also one that was withdrawn; raises NotFound."""
        with self._store.reading() as connection:
            return _known(self._one(connection, caller, paper))

    def scan(self, caller: Caller, paper: str) -> tuple[KnownPaper, bytes]:
        """It with its scan, checked against the entry; raises NotFound, IntegrityError."""
        with self._store.reading() as connection:
            found = self._one(connection, caller, paper)
            kept = VaultReader(connection).original(SYSTEM_LOG, found.entered)
        named = found.body.original
        if kept is None or named is None or b64(original_commitment(kept.salt, kept.value)) != named.commitment:
            raise IntegrityError(f"the scan of handwritten signature {paper} is not the one that its entry commits to")
        return _known(found), kept.value

    def all(self, caller: Caller) -> list[KnownPaper]:
        """Every one that stands, of what the caller may read, oldest first."""
        with self._store.reading() as connection:
            seen = self._sees(connection, caller)
            found = [one for one in read_papers(self._store, connection).all() if one.withdrawn is None]
            return [_known(one) for one in found if self._site(connection, one.body.printed) in seen]

    def _find(self, connection: Connection, caller: Caller, digest: bytes) -> FoundPrint:
        seen = self._sees(connection, caller)
        printed = find_print(
            self._store, connection, [log for log in read_logs(connection) if log.origin in seen], digest
        )
        fingerprint = short_fingerprint(digest)
        if printed is None:
            raise NotFound(
                f"nothing here carries fingerprint {fingerprint}: it is of no version of anything that you may read",
                advice="Compare it with the paper, digit by digit. Nothing was kept.",
            )
        older = printed.replaced_by is not None
        words = "paper.of.older" if older else f"paper.of.{printed.sort.value}"
        says = message(words, fingerprint=fingerprint, address=printed.address, by=printed.replaced_by or "")
        return FoundPrint(fingerprint=fingerprint, printed=printed, older=older, says=says)

    def _change(
        self, caller: Caller, paper: str, event: PaperEvent, reason: str, possible: Callable[[Paper], None]
    ) -> KnownPaper:
        _require_person(caller)
        if not reason.strip():
            raise SchemaViolation("the reason has to be said in words")
        with self._store.reading() as connection:
            found = self._one(connection, caller, paper)

        def check(transaction: Transaction) -> None:
            key = ("paper", paper)
            now = self._one(transaction.connection, caller, paper)
            if transaction.scratch.get(key) or now.withdrawn is not None:
                raise Conflict("something else happened to it meanwhile", advice="Look at it again, and then decide.")
            possible(now)
            transaction.scratch[key] = True

        entry = PaperEntry(
            paper=paper, event=event, printed=found.body.printed, reason=reason, authority=caller.authority
        )
        self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))
        return self.get(caller, paper)

    def _one(self, connection: Connection, caller: Caller, paper: str) -> Paper:
        found = read_papers(self._store, connection, paper).get(paper)
        if found is None or self._site(connection, found.body.printed) not in self._sees(connection, caller):
            raise NotFound(f"there is no handwritten signature {paper!r}")
        return found

    def _site(self, connection: Connection, printed: Printed) -> str:
        """The log whose content a print shows: of an electronic signature that of what it signs."""
        address = parse_address(printed.address)
        if printed.sort is PrintSort.ENTRY:
            return address.origin
        return read_entry(self._store, connection, address.index, SignatureEntry)[0].statement.target.origin

    def _sees(self, connection: Connection, caller: Caller) -> frozenset[str]:
        """The origins of the logs that the caller may read; the system log with any of them."""
        logs = read_logs(connection)
        allowed = set(caller.sees(log.name for log in logs if log.number != SYSTEM_LOG))
        return frozenset(log.origin for log in logs if log.name in allowed or (allowed and log.number == SYSTEM_LOG))


def read_papers(store: Store, connection: Connection, paper: str | None = None) -> Papers:
    """Handwritten signatures, one or all, from their entries; raises IntegrityError where one does not hold."""
    row = paper_signature.c
    wanted = select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG)
    found = connection.execute(wanted if paper is None else wanted.where(row.key == paper)).all()
    papers = Papers()
    for index in sorted({at for one in found for at in one if at is not None}):
        body, _ = read_entry(store, connection, index, PaperEntry)
        papers.enter(index, body)
    return papers


def papers_of(store: Store, connection: Connection, addresses: Collection[str]) -> list[KnownPaper]:
    """The handwritten signatures that stand on printouts of these entries or electronic signatures, oldest first."""
    row = paper_signature.c
    keys = connection.scalars(
        select(row.key).where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.address.in_(addresses))
    ).all()
    found = [read_papers(store, connection, key).get(key) for key in sorted(set(keys))]
    standing = [one for one in found if one is not None and one.withdrawn is None]
    return [_known(one) for one in sorted(standing, key=lambda one: one.entered)]


def prefix_of(text: str) -> bytes:
    """The 16 bytes that a short fingerprint shows; raises SchemaViolation for a text that is none."""
    plain = _SPACES.sub("", text).lower()
    if not _HEX.fullmatch(plain):
        raise SchemaViolation(
            "a fingerprint is of 32 digits and letters a to f, in groups of four",
            advice="Type it as it stands on the paper.",
        )
    return bytes.fromhex(plain)


def _known(paper: Paper) -> KnownPaper:
    body, printed = paper.body, paper.body.printed
    assert body.original is not None
    state = PaperEvent.CHECKED if paper.checked is not None else PaperEvent.ENTERED
    state = PaperEvent.WITHDRAWN if paper.withdrawn is not None else state
    fingerprint = short_fingerprint(unb64(printed.digest, 32)[:SHORT])
    return KnownPaper(
        paper=body.paper,
        entry=paper.entered,
        state=state,
        kind=message("paper.kind"),
        sentence=message(
            "paper.said",
            name=body.name or "",
            day=body.signed_on or "",
            meaning=body.meaning or "",
            address=printed.address,
        ),
        printed=printed,
        fingerprint=fingerprint,
        meaning=body.meaning or "",
        name=body.name or "",
        account=body.account,
        signed_on=body.signed_on or "",
        kept_at=body.kept_at or "",
        media_type=body.original.media_type,
        size=body.original.size,
        entered_by=body.authority.actor,
        checked_by=paper.checker,
        why_withdrawn=paper.why_withdrawn,
    )


def _require_person(caller: Caller) -> None:
    if not caller.person or caller.watched:
        raise AccessDenied("a signature by hand is entered by a person of the site", advice="Sign in as yourself.")
    if not caller.scopes & {Scope.REVIEW, Scope.APPROVE, Scope.CONFIGURE, Scope.EXPORT}:
        raise AccessDenied("you only look: a signature by hand is entered by who works with the records")


def address_of(log: LogId, index: int) -> str:
    """The address of an entry, by which papers are found."""
    return str(Address(log.origin, index))
