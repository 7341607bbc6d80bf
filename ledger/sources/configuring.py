"""Reads how a source is to be configured from what a person gives, at the terminal or over the API."""

from collections.abc import Mapping

import msgspec

from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.sealing import check_members
from ledger.core.source import SourceConfig
from ledger.present.times import site_zone


def read_config(**members: object) -> SourceConfig:
    """A configuration of these members; raises ConfigError, naming what it cannot be."""
    try:
        config = msgspec.convert(members, SourceConfig)
        check_members(config.seal)
        if config.zone is not None:
            site_zone(config.zone)
    except (msgspec.ValidationError, InvalidEntry) as error:
        advice = error.advice if isinstance(error, InvalidEntry) else "Correct the option; nothing was registered."
        raise ConfigError(f"source {members['id']!r}: {error}", advice=advice) from None
    return config


def configured_otherwise(config: SourceConfig, members: Mapping[str, object]) -> SourceConfig:
    """A configuration with these members otherwise; raises as `read_config`."""
    return read_config(**{**msgspec.structs.asdict(config), **members})
