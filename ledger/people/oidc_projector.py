"""Projectors about the site's identity provider."""

from collections.abc import Iterable

from ledger.core import canonical
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.people import oidc_tables as t
from ledger.people.oidc_kinds import IdentityProviderEntry, KeySetEntry
from ledger.people.person_kinds import CredentialEntry, CredentialSort, CredentialState


def subject_key(issuer: str, subject: str) -> str:
    """The key of a provider's subject in table `provider_subject`."""
    return canonical.dumps([issuer, subject]).decode()


class IdentityProviderProjector:
    """What was agreed with the provider."""

    name = "identity-provider"
    version = 1
    kinds = frozenset({"identity-provider"})
    table = t.identity_provider.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: IdentityProviderEntry = entry.body
        yield Valid(body.provider, (body.issuer, body.state.value))


class KeySetProjector:
    """The provider's keys."""

    name = "key-set"
    version = 1
    kinds = frozenset({"key-set"})
    table = t.key_set.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: KeySetEntry = entry.body
        kids = canonical.dumps([key.kid or "" for key in body.held.keys]).decode()
        yield Valid(body.provider, (body.held.issuer, kids))


class ProviderSubjectProjector:
    """Which account a subject of a provider belongs to."""

    name = "provider-subject"
    version = 1
    kinds = frozenset({"credential"})
    table = t.provider_subject.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: CredentialEntry = entry.body
        if body.sort is CredentialSort.OIDC and body.issuer is not None and body.subject is not None:
            gone = body.state is CredentialState.RETIRED
            yield Valid(subject_key(body.issuer, body.subject), None if gone else (body.account, body.credential))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return IdentityProviderProjector(), KeySetProjector(), ProviderSubjectProjector()
