"""Entries about persons: what they authenticate with, what qualifies them, the site's profile, access reviews.

All in the system log. Secrets stand beside them in the vault, never in them.
"""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, OriginalRef, Text
from ledger.core.times import SafeInt
from ledger.people.kinds import AccountId
from ledger.people.roles import Role
from ledger.people.secrets import Destroyed, SecretRef


class CredentialSort(StrEnum):
    """What a person signs in with. A signing key is none of these: it has a `key-binding`."""

    ENROLMENT = "enrolment"
    """A one-time code by which the person sets their own components; blocks everything else until it is used."""
    PASSWORD = "password"  # noqa: S105 - a sort, not a secret
    TOTP = "totp"
    PASSKEY = "passkey"
    OIDC = "oidc"
    """The subject of the site's identity provider that the account belongs to."""


class CredentialState(StrEnum):
    """A credential is set once and retired once."""

    SET = "set"
    RETIRED = "retired"


class PasskeyFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a passkey: identifier and COSE key (base64url), and what the authenticator said of itself."""

    identifier: Name
    public_key: Text
    aaguid: Name
    backup_eligible: bool
    backed_up: bool
    transports: tuple[Name, ...] = ()
    attestation: Text | None = None


class CodeWay(StrEnum):
    """How a one-time code reached its person: never by both."""

    SHOWN = "shown"
    """To whoever issued it, who hands it over."""
    MAILED = "mailed"
    """To the person's address, and to nobody else."""


class CredentialEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="credential/1"
):
    """From here on the person can sign in with this, or no longer can.

    `title` tells devices apart. `expires_at` (`utc_text`): a one-time code's end; `went`: how it went. `passkey` and
    `issuer` with `subject` are of the sorts that they are named after. `confirms`: the address of the entry in which
    another administrator said the same before.
    """

    credential: Name
    account: AccountId
    sort: CredentialSort
    state: CredentialState
    reason: Text
    authority: Authority
    title: Name | None = None
    expires_at: str | None = None
    went: CodeWay | None = None
    passkey: PasskeyFacts | None = None
    issuer: Name | None = None
    subject: Name | None = None
    confirms: Name | None = None
    secrets: tuple[SecretRef, ...] = ()
    destroys: tuple[Destroyed, ...] = ()


class SignInEvent(StrEnum):
    """What happened at the door, for one account."""

    FAILED = "failed"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    ALERTED = "alerted"


class Purpose(StrEnum):
    """What a component was shown for."""

    SIGN_IN = "sign-in"
    SIGNING = "signing"


class SignInEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="sign-in/1"):
    """A component of an account was refused, or the account was locked or unlocked for that.

    `count`: failures in a row. Refusals of names that are no account are counted in `security-event`, never here.
    """

    account: AccountId
    event: SignInEvent
    purpose: Purpose
    count: SafeInt
    reason: Text
    authority: Authority
    method: Name | None = None
    network: Name | None = None


class QualificationSort(StrEnum):
    """What somebody established about a person."""

    IDENTITY = "identity"
    """How the identity was verified (21 CFR 11.100(b))."""
    ACCOUNTABILITY = "accountability"
    """The person signed the accountability statement (11.10(j)); `signature` is its address."""
    TRAINING = "training"
    """Dated training for a role (11.10(i))."""
    DEVICE = "device"
    """A device that bears or makes identification was tested (11.300(e))."""


class QualificationEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="qualification/1"
):
    """Somebody established this about a person; `holds` false takes an earlier one back.

    `how`: by which means, as in "passport, number seen". `on` and `until`: the days (2026-11-25) it counts from and to.
    """

    qualification: Name
    account: AccountId
    sort: QualificationSort
    holds: bool
    how: Text
    on: Name
    reason: Text
    authority: Authority
    until: Name | None = None
    role: Role | None = None
    credential: Name | None = None
    text: Name | None = None
    """Version of the statement's text."""
    signature: Name | None = None


class ProfileEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="configuration/1"
):
    """From here on the site's profile says so: an item of `people.profile.Profile`, its value as JSON, the old one."""

    item: Name
    value: Text
    old: Text
    reason: Text
    authority: Authority


class DocumentEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="document/1"
):
    """A document of the site that the ledger keeps a copy of: the non-repudiation letter (21 CFR 11.100(c)), say."""

    document: Name
    title: Name
    dated: Name
    original: OriginalRef
    reason: Text
    authority: Authority


class ReviewedAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an access review: an account with its roles, when it was last used, and what is to be done."""

    account: AccountId
    roles: tuple[Role, ...]
    keep: bool
    last_used: str | None = None
    remark: Text | None = None


class AccessReviewEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="access-review/1"
):
    """Somebody looked at every account and its rights as of a size of the system log; `signature` signs it."""

    review: Name
    system_size: SafeInt
    lines: tuple[ReviewedAccount, ...]
    due_at: str
    reason: Text
    authority: Authority


class Viewing(StrEnum):
    """What a view came to."""

    SEEN = "seen"
    EXPORTED = "exported"


class ViewedEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="viewed/1"):
    """A watched caller (an inspector) saw or took out this: the address of the page or route, without its answer."""

    account: AccountId
    address: Text
    how: Viewing
    authority: Authority


KINDS = (
    Kind("credential", [CredentialEntry]),
    Kind("sign-in", [SignInEntry]),
    Kind("qualification", [QualificationEntry]),
    Kind("configuration", [ProfileEntry]),
    Kind("document", [DocumentEntry]),
    Kind("access-review", [AccessReviewEntry]),
    Kind("viewed", [ViewedEntry]),
)
