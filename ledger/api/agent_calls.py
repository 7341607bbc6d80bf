"""What edge agents call, whatever carries the call: batches taken, where they stand, new certificates.

Who calls is decided before: over HTTP by the certificate of the connection, over a broker by the question's signature.
A batch is decided by its own signature in both.
"""

from typing import Final

from ledger.agents.deliveries import NotBound, NumberReused
from ledger.api.agents import agent_ca
from ledger.core.batch import SignedBatch, SignedReceipt, key_id
from ledger.core.enrolment import Certificate, Standing
from ledger.core.errors import AccessDenied, Conflict, NotFound
from ledger.core.hashing import unb64
from ledger.core.run import SourceState
from ledger.people.kinds import SecuritySort
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.store import checkpoints
from ledger.trust.key_history import announcements, read_log_keys, receipt_announcements

NEVER: Final = "No agent was ever invited here: `trailseal agent invite`."


def take(service: Service, target: RecordLog, agent: str, batch: SignedBatch) -> SignedReceipt:
    """Takes a batch that came at the address of `agent`, durable once this returns; refusals are counted.

    Raises as `Deliveries.take`, and AccessDenied for a batch of another agent.
    """
    security, head = service.people.security, batch.header
    known = f"agent:{head.agent}"
    try:
        if head.agent != agent:
            raise AccessDenied(
                f"the batch is of agent {head.agent!r}, the address of {agent!r}",
                advice="Send each batch to the address of its own agent.",
            )
        if not service.keys.has_receipt_key(target.log.name):
            raise AccessDenied(f"agent {agent!r} is not in use", advice=NEVER)
        return target.take(batch)
    except NotBound:
        security.note(SecuritySort.WRONG_SOURCE, known, head.source)
        raise
    except NumberReused:
        security.note(SecuritySort.REPLAYED, known, head.source)
        raise
    except Conflict:
        security.note(SecuritySort.OUT_OF_ORDER, known, head.source)
        raise
    except AccessDenied:
        security.note(SecuritySort.AGENT_REFUSED)
        raise


def standing(service: Service, target: RecordLog, agent: str) -> Standing:
    """Where an agent's epoch stands, what it may deliver, and the log's latest checkpoint."""
    last = target.deliveries.last(agent)
    with service.store.reading() as connection:
        found = service.agents.standing(connection, agent)
        try:
            checkpoint = checkpoints.latest(connection, target.log.number).note.decode()
        except NotFound:
            checkpoint = None
        kinds, number = service.store.kinds, target.log.number
        rotations = announcements(connection, kinds, read_log_keys(connection, kinds, number), number)
        receipt_keys = receipt_announcements(connection, kinds, target.log)
    if found is None:
        raise AccessDenied(f"agent {agent!r} is not in use")
    now, _ = found
    return Standing(
        agent=agent,
        key=key_id(unb64(now.public_key or "", 32)),
        epoch=now.epoch,
        number=last.number,
        digest=last.digest,
        sources=now.sources,
        checkpoint=checkpoint,
        rotations=rotations,
        receipt_keys=receipt_keys,
    )


def renew(service: Service, agent: str, request: str) -> Certificate:
    """A new certificate for an agent in use; raises SchemaViolation for a request that is none."""
    with service.store.reading() as connection:
        found = service.agents.standing(connection, agent)
    if found is None:
        raise AccessDenied(f"agent {agent!r} is not in use")
    key = key_id(unb64(found[0].public_key or "", 32))
    return Certificate(certificate=agent_ca(service).client(agent, key, request))


def source(service: Service, target: RecordLog, agent: str, source_id: str) -> SourceState:
    """Where one of an agent's sources stands; raises AccessDenied for one that is not its own, and counts that."""
    with service.store.reading() as connection:
        found = service.agents.standing(connection, agent)
    if found is None or source_id not in found[0].sources:
        service.people.security.note(SecuritySort.WRONG_SOURCE, f"agent:{agent}", source_id)
        raise AccessDenied(f"agent {agent!r} is not bound to source {source_id!r}")
    return target.ingest.state(source_id)
