"""Entries about the site's identity provider: what was agreed with it, and its keys. In the system log."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.oidc_proof import ProviderKeys
from ledger.core.record import Digest, Name, Text

Url = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class ProviderState(StrEnum):
    """Whether people sign in at the provider."""

    IN_USE = "in-use"
    RETIRED = "retired"


class IdentityProviderEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="identity-provider/1"
):
    """From here on the site's identity provider is used so, or no longer.

    `claim` is the member of its tokens that names a person, and an account is linked to. `acr`: of these classes of
    authentication one is needed to sign in; `signing_acr`: one of these to sign, and without any nobody signs there.
    `secret` is the ledger's keyed digest of the client secret, which stands in no entry; none for a public client.
    """

    provider: Name
    state: ProviderState
    issuer: Url
    client_id: Name
    redirect_uri: Url
    claim: Name
    reason: Text
    authority: Authority
    acr: tuple[Name, ...] = ()
    signing_acr: tuple[Name, ...] = ()
    secret: Digest | None = None


class KeySetEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="key-set/1"):
    """From here on the provider's public keys are these; a signature by its token names the entry that holds them."""

    provider: Name
    held: ProviderKeys
    reason: Text
    authority: Authority


KINDS = (
    Kind("identity-provider", [IdentityProviderEntry]),
    Kind("key-set", [KeySetEntry]),
)
