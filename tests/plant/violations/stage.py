"""Where the scenes of one rule are played: each at a time, with people, equipment and things of its own."""

from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple

from ledger.core.record import Action, ActorKind, Interval
from ledger.core.run import Gap
from tests.plant.model import (
    DAY,
    END,
    HOUR,
    MINUTE,
    START,
    AccountRow,
    Change,
    Fact,
    Link,
    PlaceRow,
    Thing,
)
from tests.plant.systems.base import links
from tests.plant.telling import TAIL, stamp
from tests.plant.texts import utc
from tests.plant.violations.systems import ALL

AWAY: Final = (START + 27 * DAY, START + 27 * DAY + 12 * HOUR)
"""While no system could be reached: what needs another one's word of that time cannot be assessed."""
_FIRST, _LAST = START + 3 * DAY, START + 23 * DAY
"""When scenes begin: what lies a day before is known of every system by then, and before a text without an offset names
no instant, around the end of summer time.
"""


class Counting(NamedTuple):
    """A source counts what it told of a time, and so many more; once all has come, or (`later`) a day after that."""

    source: str
    low: int
    high: int
    more: int
    later: bool


class Someone:
    """A person of one scene, with an account at every system that is asked for one."""

    def __init__(self, stage: "Stage", name: str) -> None:
        self._stage = stage
        self.name = name

    def at(self, source: str) -> str:
        """The person's account there, known to the identity map."""
        account = f"{self.name.lower()}.{source}"
        self._stage.map_account(source, account, self.name)
        return account


class Stage:
    """Gathers what the scenes of a rule tell, and what the maps say of those who are in them."""

    def __init__(self, rule: str, seed: int, scenes: int) -> None:
        self.rng = Random(f"{seed}:violations:{rule}")
        self.facts: list[Fact] = []
        self.places: dict[tuple[str, str], PlaceRow] = {}
        self.accounts: dict[tuple[str, str], AccountRow] = {}
        self.gaps: dict[str, list[Gap]] = {}
        self.counts: list[Counting] = []
        self.also: list[tuple[str, tuple[Fact, ...]]] = []
        """What other rules have to find in these scenes: the rule, and what it rests on."""
        self._rule = rule
        self._numbers = iter(range(1, 1_000_000))
        apart = (_LAST - _FIRST) // (scenes + 1)
        slots = [_FIRST + place * apart + self.rng.randrange(apart // 8) for place in range(scenes + 1)]
        self.rng.shuffle(slots)
        self._slots = iter(slots)

    def instant(self) -> int:
        """When a scene begins: hours away from every other one of the rule; a whole minute."""
        at = next(self._slots)
        return at - at % MINUTE

    def away(self) -> int:
        """An instant at which no system could be reached."""
        at = self.rng.randrange(AWAY[0] + 2 * HOUR, AWAY[1] - 4 * HOUR)
        return at - at % MINUTE

    def name(self, kind: str) -> str:
        """One that nothing else has."""
        return f"{kind}-{self._rule}-{next(self._numbers):03}".upper()

    def thing(self, type_: str) -> Thing:
        """A thing that no other scene knows."""
        return Thing(type_, self.name(type_[:3]))

    def someone(self) -> Someone:
        return Someone(self, self.name("P"))

    def map_account(self, source: str, account: str, person: str | None, kind: ActorKind = ActorKind.PERSON,
                    *, shared: bool = False, until: int | None = None) -> None:  # fmt: skip
        """What the identity map says of an account."""
        self.accounts[source, account] = AccountRow(source, account, person, kind, shared=shared, until=until)

    def place(self, source: str, tag: str, equipment: str | None = None, *, critical: bool = True) -> str:
        """Puts a tag of a source on the asset map, of new equipment unless some is named; gives the equipment."""
        of = equipment or self.name("V")
        self.places[source, tag] = PlaceRow(source, tag, of, "NORTH", critical=critical)
        return of

    def say(
        self,
        source: str,
        at: int,
        action: Action,
        thing: Thing,
        who: Someone | str | None = None,
        changes: tuple[Change, ...] = (),
        named: tuple[Link, ...] = (),
        **told: object,
    ) -> Fact:
        """Something happens, and its system tells it as it does all else; `told`: what it tells otherwise."""
        account = who.at(source) if isinstance(who, Someone) else who
        fact = Fact(source, at, action, thing, account, links(*named), changes, reason="as the procedure asks")
        stamp(ALL[source], [fact], self.rng)
        for name, value in told.items():
            setattr(fact, name, value)
        self.facts.append(fact)
        return fact

    def gap(self, source: str, subject: str, low: int, high: int) -> None:
        """Notes that the source shows to have something of a thing in between that it does not give."""
        between = Interval(after=utc(low), before=utc(high))
        self.gaps.setdefault(source, []).append(Gap(subject=subject, reason="its memory was full", between=between))

    def count(self, source: str, low: int, high: int, more: int, *, later: bool = False) -> None:
        """Lets a source count what it told from an instant to before another."""
        self.counts.append(Counting(source, low, high, more, later))

    def delay(self, fact: Fact) -> None:
        """Lets a fact reach its collector only after the month, when all the rest has been looked at."""
        fact.delay = END + self.rng.randrange(TAIL - DAY) - fact.at


Finds = Callable[[Stage], tuple[Fact, ...]]
"""A scene of a violation: gives what the finding rests on, that which is examined first."""
Shows = Callable[[Stage], Fact]
"""A scene of anything else: gives what is examined."""
