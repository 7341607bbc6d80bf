"""The quality system in which deviations are raised, as the settings name it."""

import msgspec

from ledger.core.errors import ConfigError, SchemaViolation
from ledger.people.webhook import check_webhook


class QualitySystem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Redmine, in which deviations are raised: its address, the project (identifier) and tracker (id) of deviations.

    `source`: under which id its records are collected, by which they are followed. `key_file` holds the API key of an
    account that may add issues; a relative path is one in the ledger's folder.
    """

    url: str
    project: str
    source: str
    key_file: str
    tracker: int | None = None

    def __post_init__(self) -> None:
        try:
            check_webhook(self.url)
        except SchemaViolation as error:
            raise ConfigError(f"deviations.url: {self.url!r} is no address of a server", advice=error.advice) from None
