"""Every domain's kinds and projectors, put together: a new domain is a line of `_DOMAINS`."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from ledger.agents import kinds as agents_kinds
from ledger.agents import projector as agents_projector
from ledger.changes import kinds as changes_kinds
from ledger.changes import projector as changes_projector
from ledger.core.assessment import ASSESSMENT
from ledger.core.authority import Authority
from ledger.core.disposition import DEFERRAL, DEVIATION, DISPOSITION
from ledger.core.kinds import RECORD, Kind, KindRegistry
from ledger.core.projector import Projector
from ledger.core.review import KINDS as REVIEW_KINDS
from ledger.core.review_answer import REVIEW_ANSWER
from ledger.core.rule_run import RULE_RUN
from ledger.core.ruling import RULE_CHALLENGE, RULE_STATED, SUPPRESSION
from ledger.core.time_epoch import TIME_EPOCH
from ledger.findings import impact_findings, incident_kinds, incident_projector
from ledger.findings import kinds as findings_kinds
from ledger.findings import projector as findings_projector
from ledger.findings.impact import Impact
from ledger.integrity import kinds as integrity_kinds
from ledger.integrity import projector as integrity_projector
from ledger.people import (
    definition_kinds,
    definition_projector,
    notice_kinds,
    notice_projector,
    oidc_kinds,
    oidc_projector,
    person_kinds,
    person_projector,
    reset_kinds,
    reset_projector,
    terminal_kinds,
    terminal_projector,
)
from ledger.people import impact as people_impact
from ledger.people import kinds as people_kinds
from ledger.people import projector as people_projector
from ledger.privacy import erasure_kinds, look_up_kinds
from ledger.privacy import projector as privacy_projector
from ledger.retention import copy_kinds, disposal_kinds, hold_kinds
from ledger.retention import kinds as retention_kinds
from ledger.retention import projector as retention_projector
from ledger.review.alcoa import projector as alcoa_projector
from ledger.review.exceptions import projector as exceptions_projector
from ledger.review.life import projector as life_of_rules_projector
from ledger.review.reviews import impact as reviews_impact
from ledger.review.reviews import projector as reviews_projector
from ledger.signing import (
    external_kinds,
    external_projector,
    paper_kinds,
    paper_projector,
    route_kinds,
    route_projector,
)
from ledger.signing import impact as signing_impact
from ledger.signing import kinds as signing_kinds
from ledger.signing import projector as signing_projector
from ledger.sources import (
    challenge_kinds,
    challenge_projector,
    complete_kinds,
    complete_projector,
    hand_kinds,
    hand_projector,
    import_kinds,
    import_projector,
    life_kinds,
    life_projector,
    map_kinds,
    map_projector,
    parameter_kinds,
    parameter_projector,
    query_kinds,
    query_projector,
    reconcile_kinds,
)
from ledger.sources import impact as sources_impact
from ledger.sources import kinds as sources_kinds
from ledger.sources import projector as sources_projector
from ledger.store.logs import CLOCK_STEP, LOG_CREATED, LogProjector
from ledger.store.records import RecordProjector
from ledger.trace import impact as trace_impact
from ledger.trace import kinds as trace_kinds
from ledger.trace import projector as trace_projector
from ledger.trust import kinds as trust_kinds
from ledger.trust import (
    move_kinds,
    timestamp_kinds,
    timestamp_projector,
    watch_kinds,
    watch_projector,
    witness_kinds,
    witness_projector,
)
from ledger.trust import projector as trust_projector


class _Domain(NamedTuple):
    kinds: tuple[Kind, ...]
    projectors: Callable[[str], tuple[Projector, ...]]
    impact: Impact | None = None
    """Tells which of the domain's artefacts rest on affected entries; of a domain in several parts one does."""


class ServiceStart(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="service-start/1"):
    """The service started: its version, and the SHA-256 (hex) of the settings file it started with."""

    product: str
    settings_sha256: str
    authority: Authority


_DOMAINS = (
    _Domain(
        (RECORD, LOG_CREATED, CLOCK_STEP, TIME_EPOCH, Kind("service-start", [ServiceStart])),
        lambda dialect: (*(RecordProjector(dialect, version) for version in (1, 2, 3, 4, 5, 6)), LogProjector()),
    ),
    _Domain(trust_kinds.KINDS, trust_projector.projectors),
    _Domain(witness_kinds.KINDS, witness_projector.projectors),
    _Domain(timestamp_kinds.KINDS, timestamp_projector.projectors),
    _Domain(watch_kinds.KINDS, watch_projector.projectors),
    _Domain(move_kinds.KINDS, lambda _dialect: ()),
    _Domain(findings_kinds.KINDS, findings_projector.projectors, impact_findings.impact),
    _Domain(incident_kinds.KINDS, incident_projector.projectors),
    _Domain(sources_kinds.KINDS, sources_projector.projectors, sources_impact.impact),
    _Domain(map_kinds.KINDS, map_projector.projectors),
    _Domain(parameter_kinds.KINDS, parameter_projector.projectors),
    _Domain(query_kinds.KINDS, query_projector.projectors),
    _Domain((*complete_kinds.KINDS, *reconcile_kinds.KINDS), complete_projector.projectors),
    _Domain(hand_kinds.KINDS, hand_projector.projectors),
    _Domain(life_kinds.KINDS, life_projector.projectors),
    _Domain(import_kinds.KINDS, import_projector.projectors),
    _Domain(challenge_kinds.KINDS, challenge_projector.projectors),
    _Domain(people_kinds.KINDS, people_projector.projectors, people_impact.impact),
    _Domain(person_kinds.KINDS, person_projector.projectors),
    _Domain(definition_kinds.KINDS, definition_projector.projectors),
    _Domain(oidc_kinds.KINDS, oidc_projector.projectors),
    _Domain(reset_kinds.KINDS, reset_projector.projectors),
    _Domain(terminal_kinds.KINDS, terminal_projector.projectors),
    _Domain(signing_kinds.KINDS, signing_projector.projectors, signing_impact.impact),
    _Domain(external_kinds.KINDS, external_projector.projectors),
    _Domain(paper_kinds.KINDS, paper_projector.projectors),
    _Domain(route_kinds.KINDS, route_projector.projectors),
    _Domain(notice_kinds.KINDS, notice_projector.projectors),
    _Domain((*look_up_kinds.KINDS, *erasure_kinds.KINDS), privacy_projector.projectors),
    _Domain(
        (*retention_kinds.KINDS, *hold_kinds.KINDS, *copy_kinds.KINDS, *disposal_kinds.KINDS),
        retention_projector.projectors,
    ),
    _Domain(agents_kinds.KINDS, agents_projector.projectors),
    _Domain(trace_kinds.KINDS, trace_projector.projectors, trace_impact.impact),
    _Domain(changes_kinds.KINDS, changes_projector.projectors),
    _Domain(integrity_kinds.KINDS, integrity_projector.projectors),
    _Domain((ASSESSMENT,), alcoa_projector.projectors),
    _Domain((RULE_RUN,), exceptions_projector.projectors),
    _Domain((RULE_STATED, RULE_CHALLENGE, SUPPRESSION), life_of_rules_projector.projectors),
    _Domain(
        (*REVIEW_KINDS, DISPOSITION, DEFERRAL, DEVIATION, REVIEW_ANSWER),
        reviews_projector.projectors,
        reviews_impact.impact,
    ),
)


def assembly(dialect: str) -> tuple[KindRegistry, list[Projector]]:
    """All kinds and projectors of this installation, for a database dialect."""
    kinds = KindRegistry(kind for domain in _DOMAINS for kind in domain.kinds)
    return kinds, [projector for domain in _DOMAINS for projector in domain.projectors(dialect)]


def impacts() -> tuple[Impact, ...]:
    """What tells the artefacts that rest on affected entries, of all domains, in their order."""
    return tuple(domain.impact for domain in _DOMAINS if domain.impact is not None)
