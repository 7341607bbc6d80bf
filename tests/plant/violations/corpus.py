"""The month of violations: a plant's ordinary month without faults, and the scenes of every rule in between."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import cycle, islice
from pkgutil import iter_modules
from typing import Final, NamedTuple, Protocol, cast

from ledger.core.run import RunBatch
from tests.plant.feed import mixed, schedule
from tests.plant.model import DAY, END, MINUTE, START, Count, Fact, Maps, Parameter, Thing
from tests.plant.rules import maps, parameters
from tests.plant.systems.base import System
from tests.plant.telling import TAIL, Draft, Lane, finish, told
from tests.plant.violations.stage import AWAY, Finds, Shows, Stage
from tests.plant.violations.systems import ALL, FURTHER, classes
from tests.plant.world import Site

ORDINARY: Final = 1_500
"""Records of a small ordinary month."""


class Planting(Protocol):
    """A module that plants for a rule; what its members are is told by the package. It may have `PENDING` and
    `OTHERWISE` too.
    """

    PARAMETERS: Sequence[Parameter]
    SEVERITY: str
    FINDS: Sequence[Finds]
    EXPLAINED: Sequence[Shows]
    CLEAR: Sequence[Shows]
    UNORDERED: Sequence[Shows]
    UNKNOWN: Mapping[str, Shows]


class Case(NamedTuple):
    """A scene and what the rule has to say of the record `rests[0]`; a finding rests on all of them, and matters so
    much (`severity`).

    `lacking`: how the name of the input begins that is lacking, where something is.
    """

    rule: str
    scene: str
    said: str
    rests: tuple[Fact, ...]
    lacking: str = ""
    severity: str = ""


class Finding(NamedTuple):
    """What a rule has to find: the source's ids of the records that it rests on, and how much it matters."""

    rule: str
    ids: frozenset[str]
    severity: str


def plantings() -> dict[str, Planting]:
    """What plants, by the id of its rule."""
    package = __name__.rpartition(".")[0]
    folder = import_module(package).__path__
    names = sorted(one.name for one in iter_modules(folder) if one.name[0] == "d" and one.name[1:].isdigit())
    return {name.upper(): cast(Planting, import_module(f"{package}.{name}")) for name in names}


class Corpus:
    """A month with `each` violations and `each` near misses of every rule, at least one of each scene, and `ordinary`
    records besides; the same of these give the same one.
    """

    def __init__(self, seed: int, each: int, ordinary: int = ORDINARY) -> None:
        self._seed = seed
        self._site = Site(seed, ordinary)
        # What stands in a field at first is known, so that no first change lacks its old value.
        for asset in self._site.assets:
            self._site.values[Thing("equipment-state", asset.id)] = "state-6"
        draft = told(self._site, seed, ordinary)
        for system in FURTHER:
            draft.lanes[system.source] = Lane(system, [], [])
        self.cases: list[Case] = []
        self._stages: list[Stage] = []
        for rule, planting in plantings().items():
            self._play(rule, planting, each)
        self._lay(draft)
        self.facts = finish(draft)
        self._runs = schedule(draft, seed)

    def sources(self) -> tuple[System, ...]:
        return tuple(ALL.values())

    def parameters(self) -> list[Parameter]:
        """Those of the ordinary month, of which classes systems are, and what each rule goes by."""
        own = (one for planting in plantings().values() for one in planting.PARAMETERS)
        return [*parameters(), *classes(), *self._adjustable(own)]

    def maps(self) -> Maps:
        """Those of the ordinary month as corrected, and of the scenes."""
        usual = maps(self._site, self._seed).corrected()
        accounts = [row for stage in self._stages for row in stage.accounts.values()]
        places = [row for stage in self._stages for row in stage.places.values()]
        return Maps([*usual.accounts, *accounts], [*usual.places, *places])

    def runs(self, order_seed: int) -> Iterator[RunBatch]:
        """All runs, the sources mixed in an order of that seed."""
        return mixed(self._runs, ALL, order_seed)

    def counts(self, *, later: bool) -> list[Count]:
        """What sources count once all has come, or a day after that."""
        chosen = [one for stage in self._stages for one in stage.counts if one.later is later]
        return [Count(one.source, one.low, one.high, self._told(one.source, one.low, one.high) + one.more)
                for one in chosen]  # fmt: skip

    def findings(self) -> set[Finding]:
        """All that has to stand in the end."""
        usual = {rule: planting.SEVERITY for rule, planting in plantings().items()}
        also = (
            Case(rule, "", "finding", rests, severity=usual[rule])
            for stage in self._stages
            for rule, rests in stage.also
        )
        return {finding_of(case) for case in (*self.cases, *also) if case.said == "finding"}

    def _play(self, rule: str, planting: Planting, each: int) -> None:
        near = [
            *(("explained", scene) for scene in planting.EXPLAINED),
            *(("clear", scene) for scene in planting.CLEAR),
            *(("unordered", scene) for scene in planting.UNORDERED),
            *(("pending", scene) for scene in getattr(planting, "PENDING", ())),
        ]
        finds, shows = max(each, len(planting.FINDS)), max(each, len(near))
        stage = Stage(rule.lower(), self._seed, finds + shows + len(planting.UNKNOWN))
        self._stages.append(stage)
        for number, find in enumerate(islice(cycle(planting.FINDS), finds)):
            before, rests = len(stage.facts), find(stage)
            _late(stage, before, rests[0], number // len(planting.FINDS))
            self.cases.append(Case(rule, find.__name__, "finding", rests, severity=_severity(planting, find)))
        for number, (said, show) in enumerate(islice(cycle(near), shows)):
            before, examined = len(stage.facts), show(stage)
            _late(stage, before, examined, number // len(near))
            self.cases.append(Case(rule, show.__name__, said, (examined,)))
        for lacking, show in planting.UNKNOWN.items():
            self.cases.append(Case(rule, show.__name__, "lacking", (show(stage),), lacking))

    def _told(self, source: str, low: int, high: int) -> int:
        """How many records of a time a source tells."""
        instants = (fact.instant for fact in self.facts if fact.source == source)
        return sum(one is not None and low <= one < high for one in instants)

    def _lay(self, draft: Draft) -> None:
        """Puts what scenes tell between the rest, in the order in which it was written down."""
        for place, lane in enumerate(draft.lanes.values()):
            source = lane.system.source
            lane.facts += [fact for stage in self._stages for fact in stage.facts if fact.source == source]
            lane.facts.sort(key=_written)
            lane.ends = list(range(START + DAY + place * MINUTE, END + TAIL, 2 * DAY))
            lane.outages = [AWAY]
            lane.gaps = [gap for stage in self._stages for gap in stage.gaps.get(source, ())]

    def _adjustable(self, own: Iterator[Parameter]) -> Iterator[Parameter]:
        """Operators may set what the ordinary month's set points are by themselves."""
        for one in own:
            if one.name == "d02":
                usual = [
                    {"object_id": f"{tag}.SP", "attribute": "Value", "low": "0", "high": "100"}
                    for asset in self._site.assets
                    for tag in asset.tags
                ]
                one = one._replace(value={**one.value, "adjustable": [*one.value["adjustable"], *usual]})
            yield one


def finding_of(case: Case) -> Finding:
    """What a rule has to find in a scene."""
    return Finding(case.rule, frozenset(str(fact.number) for fact in case.rests), case.severity)


def _severity(planting: Planting, find: Finds) -> str:
    otherwise: Mapping[str, Sequence[Finds]] = getattr(planting, "OTHERWISE", {})
    return next((severity for severity, scenes in otherwise.items() if find in scenes), planting.SEVERITY)


def _late(stage: Stage, before: int, examined: Fact, play: int) -> None:
    """Lets one of the records of a scene come late: in the first play the last one that is not examined, in the next
    the one before it and so on, in the one after these none.
    """
    told = stage.facts[before:]
    choice = [*reversed([fact for fact in told if fact is not examined] or told), None]
    late = choice[play % len(choice)]
    if late is not None:
        stage.delay(late)


def _written(fact: Fact) -> int:
    late = 0 if fact.recorded is None or fact.claimed is None else fact.recorded - fact.claimed
    return fact.at + late
