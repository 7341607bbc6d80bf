"""`agent.toml`: where the ledger is, what the agent reads, and how much it may keep. Written by a person on site."""

import tomllib
from pathlib import Path
from typing import Annotated, Final

import msgspec

from collectors.agent.place import Limits
from collectors.mapping.templates import mapping_text
from ledger.core.errors import ConfigError
from ledger.core.letter import PREFIX, TopicPrefix
from ledger.core.record import Name
from ledger.core.source import SourceConfig

FILE_NAME: Final = "agent.toml"
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class AgentSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source that the agent reads: as it is registered at the ledger, with the places of its secrets here.

    `mapping` is a template's name or a TOML file; `every_s` the time between two looks at a source that does not send.
    """

    id: Name
    type: Name
    title: Name | None = None
    options: dict[str, str] = {}
    secrets: dict[str, str] = {}
    zone: str | None = None
    mapping: str | None = None
    every_s: Seconds = 60.0

    def config(self, folder: Path) -> SourceConfig:
        """What its collector is given; a mapping's file is looked for in the agent's folder."""
        mapping = self.mapping
        if mapping is not None and (folder / mapping).is_file():
            mapping = str(folder / mapping)
        return SourceConfig(
            id=self.id,
            type=self.type,
            title=self.title or self.id,
            options=self.options,
            secrets=self.secrets,
            zone=self.zone,
            mapping=None if mapping is None else mapping_text(mapping),
        )


class OneWay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How files are written where nothing comes back: each so many times, and how long they can be sent again.

    `keep_days` and `keep_mib` bound both the folder and what the spool holds of what was sent.
    """

    copies: Annotated[int, msgspec.Meta(ge=1, le=9)] = 2
    heartbeat_s: Seconds = 60.0
    keep_days: Annotated[float, msgspec.Meta(gt=0, le=3660)] = 30.0
    keep_mib: Annotated[int, msgspec.Meta(ge=1)] = 512


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the broker is known where `server` is one: `ca` is the file of its authority (empty: the system's), in the
    agent's folder; `prefix` the beginning of its topics, as at the ledger; `answer_s` how long an answer may take.
    """

    ca: str = ""
    prefix: TopicPrefix = PREFIX
    answer_s: Seconds = 30.0


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `server`: https:// or mqtts://; `heartbeat_s`: how often the agent looks where the ledger stands
    when there is nothing to send; `longest_wait_s`: the longest pause between two attempts at a ledger or source that
    does not answer.
    """

    server: str
    heartbeat_s: Seconds = 30.0
    longest_wait_s: Seconds = 60.0
    limits: Limits = Limits()
    broker: Broker = Broker()
    one_way: OneWay = OneWay()
    source: tuple[AgentSource, ...] = ()


_BROKER: Final = (
    "[broker]",
    "# The certificate of the broker's authority, a file in this folder; empty: those that this system trusts.",
    'ca = ""',
    "# The beginning of the topics, as under [agents.broker] at the ledger.",
    f'prefix = "{PREFIX}"',
    "",
)


def load(folder: Path) -> AgentConfig:
    """Reads the file; raises ConfigError, naming the place, for one that is missing or wrong."""
    path = folder / FILE_NAME
    try:
        config = msgspec.convert(tomllib.loads(path.read_text()), AgentConfig)
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there", advice="`trailseal agent enrol` writes one to begin with.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}", advice="Correct the file: nothing was started.") from None
    names = [source.id for source in config.source]
    if len(set(names)) != len(names):
        raise ConfigError(f"{path}: a source stands there twice", advice="Give each source one [[source]].")
    return config


def first_text(server: str, sources: tuple[str, ...]) -> str:
    """The file as enrolment writes it: to be completed by a person."""
    lines = [
        "# What this agent reads, and where it hands it over.",
        f"server = {msgspec.json.encode(server).decode()}",
        "heartbeat_s = 30",
        "",
        "[limits]",
        "spool_mib = 1024",
        "free_mib = 256",
        "",
        *(_BROKER if server.startswith("mqtts:") else ()),
        "# One [[source]] for each source that this agent may deliver: id, type, options, secrets, mapping,",
        "# as it is registered there. `trailseal source types` tells the types and their options.",
        *(f'# [[source]]\n# id = {msgspec.json.encode(one).decode()}\n# type = "…"' for one in sources),
    ]
    return "\n".join(lines) + "\n"
