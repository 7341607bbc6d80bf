"""What a source's own audit trail lacks: as its mapping says, or else as its type does."""

from collectors.mapping.model import read_mapping
from collectors.registry import collector_type
from ledger.core.source import BY_HAND, PUSH, SourceConfig


def lacks_of(config: SourceConfig) -> tuple[str, ...]:
    """What the source's own trail lacks; nothing is known of one that is brought without a mapping, or by people."""
    if config.mapping is not None:
        return read_mapping(config.mapping).lacks
    return () if config.type in (PUSH, BY_HAND) else collector_type(config.type).lacks
