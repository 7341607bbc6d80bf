"""Projectors of persons: credentials, failures at the door, qualifications, profile, documents, reviews, views."""

from collections.abc import Iterable

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row, Valid
from ledger.core.signature import SignatureEntry
from ledger.people import tables as t
from ledger.people.person_kinds import (
    AccessReviewEntry,
    CredentialEntry,
    CredentialState,
    DocumentEntry,
    ProfileEntry,
    Purpose,
    QualificationEntry,
    SignInEntry,
    ViewedEntry,
)
from ledger.store.position import pos_of


class CredentialProjector:
    """What each person signs in with."""

    name = "credential"
    version = 1
    kinds = frozenset({"credential"})
    table = t.credential.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: CredentialEntry = entry.body
        expires = None if body.expires_at is None else parse_utc(body.expires_at)
        gone = body.state is CredentialState.RETIRED
        yield Valid(body.credential, None if gone else (body.account, body.sort.value, expires))


class SignInProjector:
    """Failures, locks and unlocks, and what made the count of failures at signing begin anew: a signature."""

    name = "sign-in"
    version = 1
    kinds = frozenset({"sign-in", "signature"})
    tables = (t.sign_in.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: SignInEntry | SignatureEntry = entry.body
        pos = pos_of(entry.log, entry.index)
        if isinstance(body, SignatureEntry):
            yield t.sign_in.name, (pos, body.statement.signer.account, t.ACCEPTED, Purpose.SIGNING.value, 0)
            return
        yield t.sign_in.name, (pos, body.account, body.event.value, body.purpose.value, body.count)


class QualificationProjector:
    """What is established about persons."""

    name = "qualification"
    version = 1
    kinds = frozenset({"qualification"})
    table = t.qualification.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: QualificationEntry = entry.body
        role = "" if body.role is None else body.role.value
        yield Valid(body.qualification, (body.account, body.sort.value, role) if body.holds else None)


class ProfileProjector:
    """The site's profile."""

    name = "profile-item"
    version = 1
    kinds = frozenset({"configuration"})
    table = t.profile_item.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: ProfileEntry = entry.body
        yield Valid(body.item, (body.value,))


class DocumentProjector:
    """Documents of the site that the ledger keeps a copy of."""

    name = "site-document"
    version = 1
    kinds = frozenset({"document"})
    table = t.site_document.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: DocumentEntry = entry.body
        yield Valid(body.document, (body.title, body.dated))


class AccessReviewProjector:
    """Access reviews, and when the next is due."""

    name = "access-review"
    version = 1
    kinds = frozenset({"access-review"})
    table = t.access_review.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: AccessReviewEntry = entry.body
        yield Valid(body.review, (parse_utc(body.due_at),))


class ViewedProjector:
    """What watched callers saw."""

    name = "viewed"
    version = 1
    kinds = frozenset({"viewed"})
    tables = (t.viewed.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: ViewedEntry = entry.body
        yield t.viewed.name, (pos_of(entry.log, entry.index), body.account, body.how.value, body.address)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return (
        CredentialProjector(),
        SignInProjector(),
        QualificationProjector(),
        ProfileProjector(),
        DocumentProjector(),
        AccessReviewProjector(),
        ViewedProjector(),
    )
