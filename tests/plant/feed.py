"""The month as collectors bring it: runs of each source in their order, the sources mixed by a seed."""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from ledger.core.record import (
    Actor,
    Change,
    Interval,
    Link,
    LinkBasis,
    Original,
    Record,
    Submission,
    Target,
)
from ledger.core.run import RunBatch
from ledger.core.times import Basis, Clock, Precision, SourceTime
from tests.plant import model
from tests.plant.model import SECOND, Fact, Run
from tests.plant.systems.base import System
from tests.plant.telling import Draft, Lane
from tests.plant.texts import utc, writer

LARGEST = 1_000
"""Records of a run."""
PARSER, VERSION, MEDIA_TYPE = "plant", "1", "application/json"


def schedule(draft: Draft, seed: int) -> list[Run]:
    """All runs, each source's together; gives every fact what its run knows: when received, and the clock."""
    return [run for lane in draft.lanes.values() for run in _runs(lane, random.Random(f"{seed}:{lane.system.source}"))]


def _runs(lane: Lane, rng: random.Random) -> Iterator[Run]:
    system = lane.system
    ends = [end for end in lane.ends if not any(low <= end < high for low, high in lane.outages)]
    brought: list[list[Fact]] = [[] for _ in ends]
    for fact in lane.facts:
        brought[bisect_left(ends, fact.at + fact.delay)].append(fact)
    before = model.START
    for end, facts in zip(ends, brought, strict=True):
        parts = [facts[at : at + LARGEST] for at in range(0, len(facts), LARGEST)] or [[]]
        for place, part in enumerate(parts):
            ended = end + place * SECOND
            run = Run(
                system.source, before if system.streams else ended - SECOND // 2, ended, part, _measured(lane, end, rng)
            )
            if place == 0:
                run.unreachable = [outage for outage in lane.outages if before < outage[1] <= end]
                run.gaps = [gap for gap in lane.gaps if utc(before) < gap.between.before <= utc(end)]
            for row, fact in enumerate(part):
                fact.clock = run.clock
                fact.received = ended - 100_000 + row * 10
                if system.streams:
                    fact.received = max(run.began, min(fact.received, fact.at + fact.delay + 20_000))
            yield run
            before = ended


def _measured(lane: Lane, at: int, rng: random.Random) -> Clock | None:
    if lane.system.clock is None:
        return None
    offset, uncertainty = lane.system.clock
    error = round(rng.uniform(-0.9, 0.9) * uncertainty)
    return Clock(
        offset_us=offset + lane.shift(at) + error, uncertainty_us=uncertainty, measured_at=utc(at), method="plant"
    )


def mixed(runs: Iterable[Run], systems: Mapping[str, System], seed: int) -> Iterator[RunBatch]:
    """All runs as batches: those of a source in their order, the sources mixed by the seed."""
    rng = random.Random(f"{seed}:order")
    queues: dict[str, list[Run]] = {}
    for run in runs:
        queues.setdefault(run.source, []).append(run)
    order = [source for source, queue in queues.items() for _ in queue]
    rng.shuffle(order)
    tellers = {source: _teller(systems[source]) for source in queues}
    at = dict.fromkeys(queues, 0)
    for source in order:
        place = at[source]
        at[source] += 1
        yield _batch(queues[source][place], place, tellers[source])


def _batch(run: Run, place: int, tell: Callable[[Fact], Submission]) -> RunBatch:
    return RunBatch(
        source=run.source,
        started_at=utc(run.began),
        ended_at=utc(run.ended),
        cursor_from=str(place) if place else None,
        cursor_to=str(place + 1),
        submissions=tuple(map(tell, run.facts)),
        clock=run.clock,
        unreachable=tuple(Interval(after=utc(low), before=utc(high)) for low, high in run.unreachable),
        gaps=tuple(run.gaps),
    )


def _teller(system: System) -> Callable[[Fact], Submission]:
    """What makes the submission of a fact of that system."""
    write, encode = writer(system.precision, system.style), msgspec.json.Encoder().encode
    targets: dict[model.Thing, Target] = {}
    links: dict[tuple[model.Link, ...], tuple[Link, ...]] = {}

    def tell(fact: Fact) -> Submission:
        target = targets.get(fact.thing)
        if target is None:
            target = targets[fact.thing] = Target(type=fact.thing.type, id=fact.thing.id)
        named = links.get(fact.links)
        if named is None:
            named = links[fact.links] = tuple(Link(kind=kind, id=id_, basis=LinkBasis.READ) for kind, id_ in fact.links)
        inferred = None
        if fact.look is not None:
            inferred = Interval(after=utc(fact.look[0]), before=utc(fact.look[1]))
            occurred = SourceTime(
                text=f"{inferred.after}/{inferred.before}", precision=Precision.MICROSECOND, basis=Basis.NONE
            )
        else:
            assert fact.claimed is not None
            occurred = write(fact.claimed)
            if fact.unread and occurred.instant_us is not None:
                occurred = SourceTime(text=f"?{occurred.text}", precision=Precision.SECOND, basis=Basis.NONE)
        record = Record(
            source=fact.source,
            source_record_id=str(fact.number),
            action=fact.action,
            occurred_at=occurred,
            actor=Actor(
                account=fact.account,
                kind=fact.kind,
                workstation=fact.workstation,
                channel=fact.channel,
                on_behalf_of=fact.on_behalf_of,
            ),
            object=target,
            outcome=fact.outcome,
            source_recorded_at=None if fact.recorded is None else write(fact.recorded),
            source_sequence=None if fact.sequence is None else f"{fact.series}{fact.sequence}",
            changes=tuple(
                [
                    Change(attribute=one[0], old=one[1], new=one[2], unit=one[3], gap=one[4], inferred=inferred)
                    for one in fact.changes
                ]
            ),
            reason=fact.reason,
            links=named,
        )
        return Submission(
            record=record, received_at=utc(fact.received), clock=fact.clock, original=_original(fact, record, encode)
        )

    return tell


def _original(fact: Fact, record: Record, encode: Callable[[object], bytes]) -> Original | None:
    if fact.original is None:
        return None
    parser = "retired" if fact.original == "foreign" else PARSER
    if fact.original == "other":
        record = msgspec.structs.replace(record, object=Target(type=record.object.type, id=f"{record.object.id}~"))
    return Original(data=encode(record), media_type=MEDIA_TYPE, parser=parser, parser_version=VERSION)


def derive(original: Original) -> Record | None:
    """The record that an original tells, by the plant's parser; None: it is of another."""
    if (original.parser, original.parser_version) != (PARSER, VERSION):
        return None
    return msgspec.json.decode(original.data, type=Record)
