"""Which of the identity provider's key sets, and which links of accounts, stood when: from entries alone, in order.

A signature by a token names a key set and a link; both have to be the ones that stood at the state of the system log
that the signature relied on. So whoever decides it is fed with the entries of both, and with what ended them.
"""

from typing import Final

import msgspec

from ledger.core import canonical
from ledger.core.errors import NotCanonical, SignatureInvalid
from ledger.core.oidc_link import Evidence, KeySetBody, LinkBody, address_index, verify_with_entries
from ledger.core.oidc_proof import Claims
from ledger.core.signature import ProviderProof, SignatureEntry

Sort = type[KeySetBody] | type[LinkBody]
_WORDS: Final[dict[Sort, str]] = {KeySetBody: "key set of a provider", LinkBody: "link of an account"}


class _Entered(msgspec.Struct, frozen=True, kw_only=True):
    body: bytes
    read: KeySetBody | LinkBody
    logged_us: int


class ProviderHistory:
    """Key sets and links of a system log, fed with their entries in order; what was not fed stood at no time."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._entries: dict[int, _Entered] = {}
        self._last: dict[tuple[Sort, str], list[int]] = {}

    def enter(self, index: int, body: bytes, sort: Sort, logged_us: int) -> None:
        """Takes the next entry, by the exact bytes of its body; raises SignatureInvalid for one of another sort."""
        try:
            read = msgspec.convert(canonical.require_canonical(body), sort)
        except (msgspec.ValidationError, NotCanonical) as error:
            raise SignatureInvalid(f"is no {_WORDS[sort]}: {error}") from None
        name = read.provider if isinstance(read, KeySetBody) else read.credential
        self._entries[index] = _Entered(body=body, read=read, logged_us=logged_us)
        self._last.setdefault((sort, name), []).append(index)

    def verify(self, entry: SignatureEntry, index: int, entered_us: int) -> Claims:
        """What the token says, if signature entry `index` is its signer's over this very statement.

        Raises SignatureInvalid. What is signed, and when, is for others to compare.
        """
        said, proof, size = entry.statement, entry.proof, entry.authority.system_size
        if not isinstance(proof, ProviderProof):
            raise SignatureInvalid("the proof is of another sort than a provider's token")
        if said.origin != self._origin:
            raise SignatureInvalid(f"the statement is of log {said.origin}, not of {self._origin}")
        if entry.authority.actor != said.signer.account:
            raise SignatureInvalid(f"it was entered by {entry.authority.actor!r}, not by {said.signer.account!r}")
        if size is None or size > index:
            raise SignatureInvalid("it does not say on which state of the system log it relied")
        keys_index = address_index(proof.keys, self._origin)
        link_index = address_index(said.binding or "", self._origin)
        keys = self._standing(KeySetBody, keys_index, size, "the provider's keys")
        link = self._standing(LinkBody, link_index, size, "the signer's link")
        confirmed = None
        if isinstance(link.read, LinkBody) and link.read.confirms is not None:
            first = self._entries.get(address_index(link.read.confirms, self._origin))
            confirmed = first.body if first is not None and first.logged_us <= link.logged_us else None
        evidence = Evidence(
            keys=keys.body,
            keys_us=keys.logged_us,
            link=link.body,
            link_us=link.logged_us,
            signature_us=entered_us,
            confirmed=confirmed,
        )
        return verify_with_entries(said, proof, evidence)

    def _standing(self, sort: Sort, index: int, size: int, what: str) -> _Entered:
        """The entry at an index, if it stood at that size: nothing of the same name came between."""
        found = self._entries.get(index)
        if found is None or not isinstance(found.read, sort):
            raise SignatureInvalid(f"entry {index}, where {what} should be, is not there")
        name = found.read.provider if isinstance(found.read, KeySetBody) else found.read.credential
        if max((one for one in self._last[sort, name] if one < size), default=-1) != index:
            raise SignatureInvalid(f"{what} that it names were not in force when it was made")
        return found
