"""What a request says of the archive that a file is imported into, and of the old system's figures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec

from ledger.core.errors import CollectorError, ConfigError, SchemaViolation
from ledger.core.record import Name
from ledger.core.source import MappingText
from ledger.importing import Given
from ledger.sources.import_kinds import MAX_TOTALS, Expected, Total


class Configured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What configures the archive, as it is registered where nothing is given; and what the old system counts.

    `mapping` is the name of a template, `mapping_text` a mapping itself, `options` are those of source type `archive`.
    """

    rows: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None
    totals: Annotated[tuple[Total, ...], msgspec.Meta(max_length=MAX_TOTALS)] = ()
    mapping: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]{0,99}$")] | None = None
    mapping_text: MappingText | None = None
    options: Annotated[dict[Name, str], msgspec.Meta(max_length=50)] = {}
    title: Name | None = None
    zone: Name | None = None
    owner: Name | None = None
    seal: Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)] | None = None

    @property
    def expected(self) -> Expected:
        """What the old system counts."""
        return Expected(rows=self.rows, totals=self.totals)

    def given(self, source: str) -> Given:
        """The same, its mapping read; raises SchemaViolation for one that is none."""
        # Imported here: the sources' own libraries take seconds to load; no start should wait for them.
        from collectors.mapping.model import read_mapping
        from collectors.mapping.templates import template

        if self.mapping is not None and self.mapping_text is not None:
            raise SchemaViolation("`mapping` names a template, `mapping_text` is a mapping: give one of them")
        text = self.mapping_text
        with self.refused():
            if self.mapping is not None:
                text = template(self.mapping).text
            elif text is not None:
                read_mapping(text)
        return Given(source, text, dict(self.options), self.title, self.zone, self.owner, self.seal)

    @staticmethod
    @contextmanager
    def refused() -> Iterator[None]:
        """What is wrong with a configuration, or a file, is the request's fault here, and none of the ledger's."""
        try:
            yield
        except (ConfigError, CollectorError) as error:
            raise SchemaViolation(error.message, advice=error.advice) from None
