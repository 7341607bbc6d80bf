"""What causing an entry takes, by its kind: the scope, and for ingest the source, that its authority has to hold."""

import msgspec

from ledger.agents.kinds import AgentEntry
from ledger.core.anchors import TrustAnchorEntry
from ledger.core.assessment import Assessment
from ledger.core.binding import BindingEvent, KeyBindingEntry
from ledger.core.change import ChangeEntry, ChangeEvent
from ledger.core.disposition import Deferral, Deviation, Disposition
from ledger.core.key_events import KeyEvent, KeyEventSort
from ledger.core.paper import PaperEntry
from ledger.core.review import ContributingList, Review, ReviewPlan, RuleMiss
from ledger.core.review_answer import ReviewAnswer
from ledger.core.rule_run import RuleRun
from ledger.core.ruling import RuleChallenge, RuleStated, Suppression
from ledger.core.signature import SignatureEntry
from ledger.core.timestamp_entries import TimestampAuthorityEntry
from ledger.core.workflow import DecisionEntry, DecisionEvent, RequestEntry, RouteEntry
from ledger.findings.incident_kinds import Epoch, IncidentCase
from ledger.integrity.entering import AT_THE_DOOR, at_the_door
from ledger.integrity.incidents.deciding import scope_of
from ledger.integrity.kinds import Verification
from ledger.integrity.separation import ABOUT_PEOPLE, about_people
from ledger.people.access import Scope
from ledger.people.changeable import scope_of as scope_of_change
from ledger.people.definition_kinds import RoleDefinition
from ledger.people.kinds import (
    AccountEntry,
    GrantEntry,
)
from ledger.people.oidc_kinds import IdentityProviderEntry, KeySetEntry
from ledger.people.person_kinds import (
    CredentialEntry,
    CredentialSort,
    ProfileEntry,
    QualificationEntry,
    QualificationSort,
)
from ledger.people.roles import SIGNING
from ledger.people.terminal_kinds import TerminalEntry
from ledger.privacy.erasure_kinds import ErasureEntry, ErasureEvent
from ledger.privacy.look_up_kinds import LookUpEntry
from ledger.retention.copy_kinds import CopyEntry
from ledger.retention.disposal_kinds import DisposalEntry
from ledger.retention.hold_kinds import HoldEntry, HoldEntry1
from ledger.retention.kinds import FactEntry, RuleEntry
from ledger.signing.kinds import SigningListEntry
from ledger.sources.challenge_kinds import Challenge, ChallengeResult, ChallengeRun
from ledger.sources.complete_kinds import CoverageStatement
from ledger.sources.hand_kinds import ByHand, Exclusion
from ledger.sources.import_kinds import SourceImport, TrueCopy
from ledger.sources.kinds import CollectionRun
from ledger.sources.life_kinds import BY_RUN, SourceLife, SystemListed
from ledger.sources.map_kinds import AssetMapped, CalendarSet, IdentityMapped
from ledger.sources.parameter_kinds import Parameter
from ledger.sources.query_kinds import SavedQueryEntry
from ledger.sources.reconcile_kinds import Reconciliation
from ledger.trust.move_kinds import ServerMove
from ledger.trust.watch_kinds import WatchedLog

_FIRST = (KeyEventSort.CREATED, KeyEventSort.REPUDIATED)
"""What happens to keys with nobody's leave: the first use makes one; its owner does not stand by it."""


def by_signing(body: msgspec.Struct) -> bool:
    """Whether it may be caused by what a signer shows outside of a session: a signature, and what goes with it."""
    if isinstance(body, QualificationEntry):
        return body.sort is QualificationSort.ACCOUNTABILITY
    if isinstance(body, DecisionEntry):
        return body.signature is not None or body.event is DecisionEvent.REFUSED
    resealed = isinstance(body, KeyBindingEntry) and body.event is BindingEvent.RESEALED
    return isinstance(body, SignatureEntry) or resealed


def needed(body: msgspec.Struct) -> tuple[Scope | None, str | None]:
    """The scope, and for ingest the source, that causing such an entry takes; no scope: any grant in force."""
    if isinstance(body, CollectionRun) or (isinstance(body, SourceLife) and body.event in BY_RUN):
        return Scope.INGEST, body.source
    if isinstance(body, Challenge | ChallengeRun | ChallengeResult):
        return Scope.CONFIGURE, None
    if isinstance(body, RuleStated | RuleChallenge | Suppression):
        return Scope.CONFIGURE, None
    if isinstance(body, SourceImport | TrueCopy | CoverageStatement | Reconciliation):
        return Scope.CONFIGURE, None
    if isinstance(body, SourceLife | SystemListed | IdentityMapped | AssetMapped | CalendarSet | Parameter):
        return Scope.CONFIGURE, None
    if isinstance(body, ChangeEntry):
        # The right by which a change takes effect is the second person's signature; whoever tries may be refused.
        decided = body.event in (ChangeEvent.PROPOSED, ChangeEvent.WITHDRAWN)
        return scope_of_change(body.kinds) if decided else None, None
    if isinstance(body, ByHand):
        return Scope.ENTER, None
    if isinstance(body, Exclusion | Disposition | Deferral | Deviation | Review | RuleMiss):
        return Scope.REVIEW, None
    if isinstance(body, AccountEntry | GrantEntry | AgentEntry | ProfileEntry | RoleDefinition):
        return Scope.ADMIN, None
    if isinstance(body, SigningListEntry | TerminalEntry | TrustAnchorEntry | TimestampAuthorityEntry):
        return Scope.ADMIN, None
    if isinstance(body, WatchedLog | ServerMove):
        return Scope.ADMIN, None
    if isinstance(body, KeyEvent) and (body.event not in _FIRST or body.replaces is not None):
        return Scope.ADMIN, None
    if isinstance(body, KeyBindingEntry) and body.authority.actor != body.account and body.attestation is None:
        return Scope.ADMIN, None
    if isinstance(body, RouteEntry | ContributingList | ReviewPlan):
        return Scope.APPROVE, None
    if isinstance(body, RequestEntry | PaperEntry):
        return Scope.READ, None
    if isinstance(body, DecisionEntry):
        return _decided(body), None
    if isinstance(body, IdentityProviderEntry | KeySetEntry):
        return Scope.ADMIN, None
    if isinstance(body, CredentialEntry) and body.sort is CredentialSort.OIDC and body.authority.actor != body.account:
        return Scope.ADMIN, None
    if isinstance(body, AT_THE_DOOR):
        return at_the_door(body), None
    if isinstance(body, LookUpEntry | SavedQueryEntry | ReviewAnswer):
        return Scope.READ, None
    if isinstance(body, ErasureEntry):
        asked = body.event in (ErasureEvent.REQUESTED, ErasureEvent.REFUSED)
        return Scope.ADMIN if asked else Scope.APPROVE, None
    if isinstance(body, HoldEntry | HoldEntry1 | RuleEntry | FactEntry | CopyEntry | DisposalEntry):
        return Scope.APPROVE, None
    if isinstance(body, IncidentCase):
        return scope_of(body), None
    if isinstance(body, Epoch):
        return Scope.APPROVE, None
    if isinstance(body, Verification | Assessment | RuleRun):
        return Scope.VERIFY, None
    if isinstance(body, ABOUT_PEOPLE):
        return about_people(body), None
    return None, None


def _decided(body: DecisionEntry) -> Scope | None:
    """Who signs or declines a step has its role, and who opens what is to be signed sees it."""
    if body.signature is not None:
        return next((scope for role, scope in SIGNING.items() if role.value == body.role), Scope.APPROVE)
    return Scope.READ if body.event is DecisionEvent.OPENED else None
