"""Whether entries bear a signature by an ID token out: the key set of before, and the link of account and subject.

Pure: it is given the bodies of the entries that statement and proof name, from a log or from a package.
"""

from typing import Protocol, TypeVar

import msgspec

from ledger.core import canonical
from ledger.core.address import parse_address
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.errors import NotCanonical, SignatureInvalid
from ledger.core.oidc_proof import Claims, ProviderKeys, verify_provider_proof
from ledger.core.signature import ProviderProof, Statement

Body = TypeVar("Body", bound=msgspec.Struct)


class LinkFacts(Protocol):
    """What a link's entry says (`credential/1` of sort `oidc`)."""

    @property
    def credential(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def sort(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def authority(self) -> Authority: ...

    @property
    def issuer(self) -> str | None: ...

    @property
    def subject(self) -> str | None: ...


class LinkBody(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="credential/1"):
    """A link's entry, as far as it is read here."""

    credential: str
    account: str
    sort: str
    state: str
    authority: Authority
    issuer: str | None = None
    subject: str | None = None
    confirms: str | None = None


class KeySetBody(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="key-set/1"):
    """A key set's entry, as far as it is read here."""

    provider: str
    held: ProviderKeys


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The entries that a signature by a token rests on: their bodies, and when they and it were logged.

    `link` is at `statement.binding`; `confirmed` the one that it confirms, where it does; `keys` is at `proof.keys`.
    """

    keys: bytes
    keys_us: int
    link: bytes
    link_us: int
    signature_us: int
    confirmed: bytes | None = None


def verify_with_entries(statement: Statement, proof: ProviderProof, evidence: Evidence) -> Claims:
    """What the token says, if it and the entries prove the signature; raises SignatureInvalid.

    That the bodies are those of the entries at these addresses, under a checkpoint, is the caller's to show; and that
    the link was still in force.
    """
    held = _read(evidence.keys, KeySetBody).held
    link = _read(evidence.link, LinkBody)
    first = None if evidence.confirmed is None else _read(evidence.confirmed, LinkBody)
    if (link.confirms is None) != (first is None):
        raise SignatureInvalid("the entry that confirmed the signer's link, and only that, has to be there")
    if link.sort != "oidc" or link.state != "set" or link.issuer != held.issuer or link.subject is None:
        raise SignatureInvalid("the statement names no link of an account to this identity provider")
    if link.account != statement.signer.account:
        raise SignatureInvalid("the link that the statement names is another account's")
    if not link_counts(link, first):
        raise SignatureInvalid("the signer's link was said by one administrator alone")
    made = parse_utc(statement.signed_at)
    if evidence.keys_us > made or evidence.link_us > made:
        raise SignatureInvalid("the provider's keys or the signer's link were entered only after the statement")
    return verify_provider_proof(statement, proof.token, held, link.subject, entered_us=evidence.signature_us)


def link_counts(link: LinkFacts, confirmed: LinkFacts | None) -> bool:
    """Whether a link was said by the person, who was signed in otherwise, or by two administrators who are not them."""
    by = link.authority
    if not by.authenticated:
        return False
    if by.actor == link.account:
        return True
    if confirmed is None or confirmed.state != "set":
        return False
    return _about(link) == _about(confirmed) and confirmed.authority.actor not in (by.actor, link.account)


def address_index(address: str, origin: str) -> int:
    """The index in that log which an address names; SignatureInvalid for another log's."""
    found = parse_address(address)
    if found.origin != origin:
        raise SignatureInvalid(f"{address} is not an entry of {origin}")
    return found.index


def _about(link: LinkFacts) -> tuple[str | None, ...]:
    return link.credential, link.account, str(link.sort), link.issuer, link.subject


def _read(data: bytes, sort: type[Body]) -> Body:
    try:
        return msgspec.convert(canonical.require_canonical(data), sort)
    except (msgspec.ValidationError, NotCanonical) as error:
        raise SignatureInvalid(f"an entry that the signature rests on is not what it should be: {error}") from None
