"""Tables about the site's identity provider."""

from sqlalchemy import BigInteger, Column, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, validities

identity_provider = validities(
    "identity_provider",
    Column("issuer", Text, nullable=False),
    Column("state", Text, nullable=False),
)

key_set = validities("key_set", Column("issuer", Text, nullable=False), Column("kids", Text, nullable=False))
"""The keys of each provider; `kids` is the canonical JSON array of their names."""

provider_subject = validities(
    "provider_subject",
    Column("account", Text, nullable=False),
    Column("credential", Text, nullable=False),
)
"""Which account a subject of a provider belongs to; the key is the canonical JSON array of issuer and subject."""

provider_attempt = declare(
    "provider_attempt",
    TableClass.OPERATIONAL,
    Column("state", Text, primary_key=True),
    Column("about", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    delete=True,
    why="it only lets an answer of the provider be used once, by the browser that holds the secret which the row is a "
    "digest of: without the row nobody gets in, and a forged one opens nothing without a token of the provider",
)
"""Sign-ins and signings that were begun at the provider, and not ended; `state` is the digest of the request's state,
`about` what it was begun for."""
