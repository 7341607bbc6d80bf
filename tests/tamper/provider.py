"""Entries about the site's identity provider in the ledger that is attacked."""

import msgspec

from ledger.core.entry import draft
from ledger.core.oidc_proof import ProviderKey, ProviderKeys
from ledger.people.oidc_kinds import IdentityProviderEntry, KeySetEntry, ProviderState
from ledger.people.person_kinds import CredentialEntry, CredentialSort, CredentialState
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, Ledger


def provider(ledger: Ledger, number: int) -> None:
    """An agreement, keys and a link of this round; each table is written twice for one key, and once for another."""
    name, issuer = f"site{number % 2}", f"https://id{number}.plant.example"
    agreed = IdentityProviderEntry(
        provider=name,
        state=(ProviderState.IN_USE, ProviderState.RETIRED)[number // 2 % 2],
        issuer=issuer,
        client_id="trailseal",
        redirect_uri="https://ledger.example/sign-in/provider/callback",
        claim="sub",
        reason="set",
        authority=AUTHORITY,
        acr=("hardware",),
    )
    key = ProviderKey(kty="OKP", crv="Ed25519", kid=f"key-{number}", x="A" * 43)
    keys = KeySetEntry(
        provider=name,
        held=ProviderKeys(issuer=issuer, client_id="trailseal", claim="sub", keys=(key,)),
        reason="fetched",
        authority=AUTHORITY,
    )
    link = CredentialEntry(
        credential=f"link-{number}",
        account=f"reviewer{number}",
        sort=CredentialSort.OIDC,
        state=CredentialState.SET,
        reason="the person signed in there",
        authority=AUTHORITY,
        issuer=issuer,
        subject=f"subject-{number}",
    )
    bodies: list[msgspec.Struct] = [agreed, keys, link]
    if number % 2:
        bodies.append(msgspec.structs.replace(link, state=CredentialState.RETIRED, reason="left"))
    for body in bodies:
        ledger.store.append_one(SYSTEM_LOG, draft(body))
