"""What a witness states of itself, so that a log's owner can say who stands behind a quorum."""

import msgspec


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who operates and who administers the witness, where it runs, and by whose identity provider people sign in.

    Nothing proves it: it is compared with the log's own, so that a witness in the same hands is not counted as another.
    """

    operator: str
    """The body that answers for it: a department, a customer, a company."""
    administrator: str
    """Who holds the right to change host, files and key."""
    host: str
    """The machine or site where it runs."""
    identity_provider: str = ""
    """What its administrators sign in by; empty where they have local accounts."""


class About(Statement, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What `GET /about` answers: the statement, with the witness's name and verifier keys."""

    name: str
    vkeys: tuple[str, ...]
