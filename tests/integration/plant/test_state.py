"""A plant's month in a ledger, its runs in no order of time: what stood in its fields is what the model knows."""

from random import Random

import pytest
from sqlalchemy import select

from ledger.core.record import Action
from ledger.store import schema
from ledger.store.changes import Thing
from ledger.store.position import index_of
from ledger.trace.bodies import bodies
from ledger.trace.state import state_at
from tests.integration.plant.entering import enter
from tests.plant import Plant
from tests.plant.model import END, START
from tests.plant.truth.state import EXISTS
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger
from tests.support.seeds import SEED

COUNT = 4_500
LOOKS = 400
"""Objects that are looked at, each at an instant drawn and at that of one of its records."""


@pytest.mark.requirement("C10")
def test_the_state_at_any_instant_is_that_of_the_model(sqlite_ledger: Ledger) -> None:
    plant = Plant(SEED, COUNT)
    enter(sqlite_ledger.service, plant, SEED, AUTHORITY)
    states(sqlite_ledger, plant, SEED)


def states(ledger: Ledger, plant: Plant, seed: int) -> None:
    """Holds the state of objects against the model: those told of most, and others that the seed draws."""
    chance, truth = Random(seed), plant.truth
    things = sorted(truth.known.of_thing)
    often = sorted(things, key=lambda one: len(truth.known.of_thing[one]))[-20:]
    parameters = ledger.service.record_log().parameters
    with ledger.store.reader(RECORDS) as reader:
        connection, size = reader.connection, reader.head().size
        places = map(index_of, connection.scalars(select(schema.record.c.pos)))
        number = {index: int(body.record.source_record_id) for index, body in bodies(connection, RECORDS, places)}
        uncertain = 0
        for source, thing in (*often, *chance.sample(things, min(LOOKS, len(things)))):
            moment = chance.choice(truth.known.of_thing[source, thing]).moment
            for at in (chance.randrange(START, END), moment):
                found = state_at(connection, parameters, RECORDS, size, Thing(source, thing.type, thing.id), at)
                told = {
                    one.attribute: {(stood.value, None if stood.since is None else number[stood.since])
                                    for stood in one.alternatives}
                    for one in found.fields
                }  # fmt: skip
                if found.existence:
                    told[EXISTS] = {
                        (stood.value, None if stood.since is None else number[stood.since]) for stood in found.existence
                    }
                wanted = {name: set(values) for name, values in truth.state(source, thing, at).items()}
                if not found.existence and not wanted.get(EXISTS, True):
                    del wanted[EXISTS]
                assert told == wanted, (seed, source, thing, at)
                assert found.undated == truth.undated(source, thing), (seed, source, thing)
                uncertain += not all(one.certain for one in found.fields)
        assert uncertain, "the month has no instant that clocks leave open"
    assert Action.CREATE in {fact.action for fact in plant.month.facts}
