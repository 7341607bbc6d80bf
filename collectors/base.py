"""The contract of a collector: what every source type implements, and what it may rely on.

A collector reads one source and yields `RunBatch`es, each complete in itself: where it started (`cursor_from`), where
it ended (`cursor_to`), what became records, what could not, the source's clock. Whoever runs it (`collectors.runner`)
hands each batch to a sink before asking for the next, so a cursor never runs ahead of what is durable: a crash at any
point makes the collector start again from the last batch that the ledger holds.

What a collector promises (checked for every registered one by `tests/conformance`):

- the same thing in the source gets the same `source_record_id` and the same content, however often it is read;
- each record is re-derivable: `derive(original)` gives it again, from the original's bytes and the configuration alone;
- what the source says of itself (`tells`) comes once a look, and is the same as long as the source is the same;
- a type that `recounts` gives, read anew from its beginning, the same ids again, but for what its source lost;
- a snapshot of None in a batch means *unchanged*: the one that the run before left stays;
- input that it cannot read becomes `Rejected`, with its bytes; it is never dropped and never ends the run;
- a source that can't be reached raises RetriableSource, one that needs a person FatalSource.

To add a source type: one file under `it/`, `ot/` or `infra/`, one line in `collectors/registry.py`, one file in
`tests/conformance/targets`. A type that gives items of many products (rows, messages, documents) derives from
`collectors.mapping.collector.MappedCollector`, and what an item means is said in a mapping file.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, Protocol, TypeVar

import msgspec

from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource
from ledger.core.record import Original, Record
from ledger.core.run import RunBatch, RunReceipt, SourceState
from ledger.core.source import SourceConfig
from ledger.core.times import Clock

T = TypeVar("T")

MAX_SUBMISSIONS = 1_000
"""A batch holds at most this many records and rejected inputs together."""
FAR_US = 60_000_000
"""A source's clock that is further off, in microseconds, is something to correct."""
MAX_SNAPSHOT = 16 * 1024 * 1024
"""A snapshot holds at most this many bytes."""


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a source type, as `trailseal source add` and the pages describe it."""

    name: str
    meaning: str
    default: str | None = None
    required: bool = False


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """One secret that a source type needs; the configuration names only where it is found."""

    name: str
    meaning: str
    required: bool = True


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried at a source: whether it held, in plain words, and what to do where it did not."""

    name: str
    ok: bool
    says: str
    advice: str = ""


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `check` found; `clock` is the source's, where it answered."""

    checks: tuple[Check, ...]
    clock: Clock | None = None

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def readable(self) -> bool:
        """Whether the source can be read; what its clock says, or does not say, is no reason against that."""
        return all(check.ok for check in self.checks if check.name != "clock")


class Stop(Protocol):
    """Tells a collector when to end. `threading.Event` is one."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool:
        """Sleeps at most `timeout` seconds; true as soon as the end has come."""
        ...


class Sink(Protocol):
    """Where runs go: the ledger in this process, or one behind its API."""

    def state(self, source_id: str) -> SourceState:
        """Where the source stands; raises NotFound for an unknown source."""
        ...

    def submit(self, batch: RunBatch) -> RunReceipt:
        """Returns once the batch is durable, all of it.

        Raises Conflict when `cursor_from` is not where the source stands, RetriableSource when the ledger can't be
        reached (the same batch may then be submitted again), AccessDenied, and InvalidEntry for a batch that no ledger
        would take.
        """
        ...


class Collector(ABC):
    """One source type. An instance reads one source, from one thread at a time, and keeps nothing between runs."""

    type: ClassVar[str]
    title: ClassVar[str]
    parser: str
    parser_version: str
    options: ClassVar[tuple[Option, ...]] = ()
    secrets: ClassVar[tuple[Secret, ...]] = ()
    streaming: ClassVar[bool] = False
    """True: `collect` listens until told to stop. False: it takes what is there and returns."""
    recounts: ClassVar[bool] = False
    """True: read anew from its beginning it gives all that it ever gave and still has (`collectors.recount`)."""
    mapped: ClassVar[bool] = False
    """True: records are made by a mapping, which the configuration then holds (`collectors.mapping`)."""
    lacks: tuple[str, ...] = ()
    """What such a source cannot tell, in plain words ("old values"): shown before it is registered."""
    tells: tuple[str, ...] = ()
    """What it says of itself at every run, where it can be read: some of the names of `SourceFacts`."""

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        """Raises ConfigError for an unknown, missing or unreadable option or secret; reaches for nothing yet."""
        self.config = config
        self.clock = clock
        self._secrets = dict(secrets)
        self._check_names(config.options, {option.name for option in self.options}, "option")
        self._check_names(self._secrets, {secret.name for secret in self.secrets}, "secret")
        if config.mapping is not None and not self.mapped:
            raise ConfigError(
                f"source {config.id!r} has a mapping, and type {self.type!r} makes its records itself",
                advice="Leave the mapping out.",
            )
        for option in self.options:
            if option.required and not self.option(option.name):
                raise ConfigError(
                    f"source {config.id!r} lacks the option {option.name!r}: {option.meaning}",
                    advice=f"Set it with `trailseal source add --option {option.name}=…`.",
                )
        for secret in self.secrets:
            if secret.required and not self._secrets.get(secret.name):
                raise ConfigError(
                    f"source {config.id!r} lacks the secret {secret.name!r}: {secret.meaning}",
                    advice=f"Set it with `trailseal source add --secret {secret.name}=file:PATH` (or env:NAME).",
                )

    @abstractmethod
    def check(self) -> CheckReport:
        """Tries the source: reachability, rights, clock. Never raises for what the source does; it says so instead."""

    @abstractmethod
    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        """Yields what is new since `state`, in order, at least one batch; ends early once `stop` is set.

        Raises RetriableSource and FatalSource. What was read before either is raised has been yielded.
        """

    @abstractmethod
    def derive(self, original: Original) -> Record:
        """The record that an original holds; a pure function of it and the configuration.

        Raises SkippableRecord for an original that cannot be read.
        """

    def option(self, name: str) -> str:
        """An option's value, or its default, or an empty text."""
        spec = next(option for option in self.options if option.name == name)
        return self.config.options.get(name) or spec.default or ""

    def number(self, name: str, low: float, high: float) -> float:
        """An option's value as a number; raises ConfigError outside `low` to `high`."""
        text = self.option(name)
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ConfigError(
                f"source {self.config.id!r}: option {name!r} is {text!r}", advice=f"Use {low:g} to {high:g}."
            )
        return number

    def secret(self, name: str) -> str:
        return self._secrets.get(name, "")

    def _check_names(self, given: Mapping[str, str], known: set[str], what: str) -> None:
        if unknown := sorted(set(given) - known):
            raise ConfigError(
                f"source {self.config.id!r}: {what} {unknown[0]!r} is not one of type {self.type!r}",
                advice=f"Known are: {', '.join(sorted(known)) or 'none'}.",
            )


def judge_clock(clock: Clock | None) -> Check:
    """Whether a source's clock is near enough that its times can be put in order with others."""
    if clock is None:
        return Check(
            name="clock",
            ok=False,
            says="the source does not say what time it has",
            advice="Make sure by other means that its clock is right; its times can't be compared with others.",
        )
    says = f"the source's clock is {clock.offset_us / 1e6:+.3f} s from ours, ± {clock.uncertainty_us / 1e6:.3f} s"
    if abs(clock.offset_us) > FAR_US + clock.uncertainty_us:
        return Check(name="clock", ok=False, says=says, advice="Correct the clock (NTP) of source or collector.")
    return Check(name="clock", ok=True, says=says)


def read_cursor(text: str | None, kind: type[T], source_id: str) -> T | None:
    """A cursor of JSON text as the struct `kind`; raises FatalSource when it is not one, rather than start anew."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise FatalSource(
            f"the cursor of source {source_id!r} cannot be read: {error}",
            advice="It was written by another collector type or version; register the source anew under another id.",
        ) from None
