"""The contract of a planter: it makes one small, declared change in a test object of a source, and nothing else.

A planter is no part of a collector, and never has its credentials: it signs in as an account of its own, which may
change the test object alone. There is none for controllers (`CONTROLLERS`), whose drivers only read, and none is to be
added: there a person plants.

To add one: a file beside the driver, one line in `PLANTERS`, and a test against the real server.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Final

import msgspec

from collectors.base import Option, Secret
from collectors.secrets import resolve
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError

PLANTERS: Mapping[str, str] = {
    "folder": "collectors.infra.folder_challenge:FolderPlanter",
    "mqtt": "collectors.ot.mqtt_challenge:MqttPlanter",
    "opcua": "collectors.ot.opcua_challenge:OpcUaPlanter",
    "rest": "collectors.it.rest_challenge:RestPlanter",
    "snapshot-files": "collectors.infra.snapshot_files_challenge:FilePlanter",
    "sparkplug": "collectors.ot.sparkplug_challenge:SparkplugPlanter",
    "tryton": "collectors.it.tryton_challenge:TrytonPlanter",
    "syslog": "collectors.infra.syslog_challenge:SyslogPlanter",
    "sql": "collectors.it.sql_challenge:SqlPlanter",
}
"""Planter → module and class."""
CONTROLLERS: Final = frozenset({"bacnet", "enip", "modbus", "s7"})
"""Source types whose devices are only ever read: nothing is planted in them by a program, whatever it speaks."""

_PLACES = re.compile(r"\{(old|new|now)\}")
_NUMBER = "{new:number}"


class Planter(ABC):
    """Plants by what is declared in its options. Making one reaches for nothing."""

    type: ClassVar[str]
    title: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    secrets: ClassVar[tuple[Secret, ...]] = ()

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        """Raises ConfigError for an unknown, missing or unreadable option or secret."""
        self.challenge = challenge
        self.clock = clock
        self._options = dict(options)
        self._secrets = dict(secrets)
        for what, given, known in (
            ("option", self._options, {one.name: one.required for one in self.options}),
            ("secret", self._secrets, {one.name: one.required for one in self.secrets}),
        ):
            if unknown := sorted({*given} - {*known}):
                raise ConfigError(
                    f"challenge {challenge!r}: {what} {unknown[0]!r} is not one of planter {self.type!r}",
                    advice=f"Known are: {', '.join(sorted(known)) or 'none'}.",
                )
            if missing := [name for name, required in known.items() if required and not given.get(name)]:
                raise ConfigError(
                    f"challenge {challenge!r} lacks the {what} {missing[0]!r} of planter {self.type!r}",
                    advice="See `trailseal challenge planters`.",
                )

    @abstractmethod
    def read(self) -> str | None:
        """What the test object holds now; None where that cannot be asked. Changes nothing.

        Raises RetriableSource and FatalSource; it is also how a challenge is tried when it is set.
        """

    @abstractmethod
    def plant(self, old: str | None, new: str) -> None:
        """Makes the change, once; returns when the source has taken it.

        Raises FatalSource where nothing was changed, RetriableSource where that is not known.
        """

    def option(self, name: str) -> str:
        """An option's value, or its default, or an empty text."""
        spec = next(option for option in self.options if option.name == name)
        return self._options.get(name) or spec.default or ""

    def secret(self, name: str) -> str:
        return self._secrets.get(name, "")

    def word(self, name: str, words: tuple[str, ...]) -> str:
        """An option that is one of some words; raises ConfigError."""
        value = self.option(name)
        if value not in words:
            raise ConfigError(
                f"challenge {self.challenge!r}: option {name!r} is {value!r}", advice=f"Use one of: {', '.join(words)}."
            )
        return value


def fill(text: str, old: str | None, new: str, now: str) -> str:
    """A text with `{old}`, `{new}` and `{now}` filled in; an old value that is not known is empty."""
    values = {"old": old or "", "new": new, "now": now}
    return _PLACES.sub(lambda found: values[found[1]], text)


def fill_json(text: str, old: str | None, new: str, now: str) -> bytes:
    """A JSON text with its texts filled in; a text that is `{new:number}` becomes a number. Call `check_json` first."""

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return msgspec.json.decode(new) if value == _NUMBER else fill(value, old, new, now)
        if isinstance(value, list):
            return [filled(one) for one in value]
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        return value

    return msgspec.json.encode(filled(msgspec.json.decode(text)))


def check_template(challenge: str, option: str, text: str, *, is_json: bool = False) -> None:
    """Raises ConfigError for a text that does not say where the new value goes, or is not the JSON it should be."""
    if "{new}" not in text and not (is_json and _NUMBER in text):
        raise ConfigError(
            f"challenge {challenge!r}: option {option!r} does not hold {{new}}", advice="Say where the value goes."
        )
    try:
        if is_json:
            msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"challenge {challenge!r}: option {option!r} is not JSON: {error}", advice="Write one JSON document."
        ) from None


def planter_type(name: str) -> type[Planter]:
    """The planter of that name; raises ConfigError for an unknown one."""
    try:
        module, _, kind = PLANTERS[name].partition(":")
    except KeyError:
        raise ConfigError(
            f"there is no planter {name!r}",
            advice=f"Use one of: {', '.join(sorted(PLANTERS))}; or plant it by hand.",
        ) from None
    found: type[Planter] = getattr(import_module(module), kind)
    return found


def open_planter(
    name: str, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
) -> Planter:
    """A planter, its secrets looked up; raises ConfigError, and reaches for nothing yet."""
    return planter_type(name)(challenge, options, resolve(secrets), clock)
