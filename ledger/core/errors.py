"""Every error that the ledger raises on purpose comes from this one tree.

    LedgerError                          code, message, advice
    ├─ InvalidEntry                      the input cannot become, or is not, a valid entry
    │  ├─ NotCanonical                   bytes or value outside strict RFC 8785 JSON
    │  ├─ SchemaViolation                well-formed, but not of the schema it names
    │  │  ├─ RowsRefused                 a list of which some rows are wrong; nothing of it was stored
    │  │  └─ ChangeRequestRequired       configuration that names no change request
    │  ├─ ClockOutOfBounds               our clock is too far behind the log's head
    │  └─ MalformedNote                  note, checkpoint, key, proof or tile that does not parse
    ├─ IntegrityError                    something stored or received is not what it should be
    │  ├─ ChainBroken                    prev, index or leaf hash does not continue the chain
    │  ├─ ProofInvalid                   an inclusion or consistency proof does not hold
    │  ├─ CheckpointForked               two checkpoints that no proof can join
    │  ├─ SignatureInvalid               a signature of a known key does not verify, or none is there
    │  ├─ TimestampInvalid               a time-stamp token does not hold
    │  └─ RolledBack                     the log is older than what has been seen of it
    ├─ CollectorError
    │  ├─ FatalSource                    the source needs a person; trying again does not help
    │  ├─ RetriableSource                the source may answer later
    │  └─ SkippableRecord                one record cannot be read; it is quarantined, never dropped
    ├─ SigningError
    │  ├─ ReauthenticationRequired
    │  ├─ NotSignatory
    │  ├─ RecordChangedSinceReview
    │  └─ SelfApproval
    ├─ AccessDenied
    │  ├─ NotAuthenticated               nobody known is calling
    │  └─ PurposeRequired                it searches for a person, and does not say what for
    ├─ RateLimited                       too many calls of this sort from there
    ├─ Overloaded                        more at once than this service takes on
    ├─ SignInUnreachable                 the site's identity provider does not answer as it should
    ├─ Unreachable                       another service does not answer; nothing is said of what it holds
    ├─ NotFound
    ├─ Conflict
    ├─ NotLeader
    ├─ StorageTrouble                    a disk does not take what is to be kept; what was acknowledged is kept
    │  ├─ StorageFull
    │  ├─ StorageReadOnly
    │  └─ StorageDamaged                 the database itself says that its files are damaged
    └─ ConfigError

`code` is stable: programs may compare it, and the API publishes it. `message` says what is wrong and names
the thing. `advice` tells a person what to do next.
"""

from typing import ClassVar, NamedTuple


class RowFault(NamedTuple):
    """What is wrong in one place of a list: its line (the first is 1) and column; no column where it is the row."""

    line: int
    column: str | None
    what: str


class LedgerError(Exception):
    """The root: carries a stable `code`, a `message` naming the thing, and `advice` a person can act on."""

    code: ClassVar[str] = "ledger_error"
    default_advice: ClassVar[str] = "Report this together with the message and the time it appeared."

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = self.default_advice if advice is None else advice

    def __str__(self) -> str:
        return self.message


class InvalidEntry(LedgerError):
    """The input is not a valid entry; nothing of it was stored."""

    code = "invalid_entry"
    default_advice = "Correct the input and send it again; nothing of it was stored."


class NotCanonical(InvalidEntry):
    """The bytes or value are outside strict canonical JSON (RFC 8785)."""

    code = "not_canonical"
    default_advice = "Send strict UTF-8 JSON; write decimals, ids and integers of 2^53 or more as strings."


class SchemaViolation(InvalidEntry):
    """The input is well-formed but does not follow the schema that it names."""

    code = "schema_violation"
    default_advice = "Compare the named member with the published schema, correct it and send it again."


class RowsRefused(SchemaViolation):
    """Rows of a list are wrong: `faults` names them, with line and column; nothing of the list was stored."""

    code = "rows_refused"
    default_advice = "Correct the rows that are named and send the whole list again; nothing of it was stored."

    def __init__(self, message: str, faults: tuple[RowFault, ...] = (), *, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.faults = faults


class ChangeRequestRequired(SchemaViolation):
    """Once two persons hold roles, configuration is proposed under a change request, and signed by a second one."""

    code = "change_request_required"
    default_advice = "Name the change request; it takes effect once a second person has signed the proposal."


class ClockOutOfBounds(InvalidEntry):
    """The clock of this machine is too far behind the head of the log to append."""

    code = "clock_out_of_bounds"
    default_advice = (
        "Correct this machine's clock (check NTP), then try again. Where it is right, and the log ran ahead of it: "
        "`trailseal log time-epoch`."
    )


class MalformedNote(InvalidEntry):
    """A note, checkpoint, key, proof or tile does not follow its wire format."""

    code = "malformed_note"
    default_advice = "Fetch it again from its source, byte for byte; mail programs and editors often change it."


class IntegrityError(LedgerError):
    """Something stored or received is not what the log says it should be."""

    code = "integrity_error"
    default_advice = "Keep the data as it is, run `trailseal verify --full` and open an incident."


class ChainBroken(IntegrityError):
    """An entry does not continue the chain: index, previous hash or leaf hash differs."""

    code = "chain_broken"


class ProofInvalid(IntegrityError):
    """An inclusion or consistency proof does not hold."""

    code = "proof_invalid"
    default_advice = "Treat the data as unproven: fetch proof and checkpoint again, then ask the log's owner."


class CheckpointForked(IntegrityError):
    """The log has shown two checkpoints that no consistency proof can join."""

    code = "checkpoint_forked"
    default_advice = "Keep both checkpoints, they are the evidence; stop publishing and open an incident."


class SignatureInvalid(IntegrityError):
    """A signature of a known key does not verify, or no signature of a known key is there."""

    code = "signature_invalid"
    default_advice = "Check that the key given is the right one; if it is, treat the signed data as altered."


class TimestampInvalid(IntegrityError):
    """A time-stamp token does not prove what it should."""

    code = "timestamp_invalid"
    default_advice = "Keep the token, check the time-stamp authority's certificates and policy, stamp again."


class RolledBack(IntegrityError):
    """The log is older than what was seen of it before."""

    code = "rolled_back"
    default_advice = "Do not write or sign; restore a newer backup and verify it before the service starts."


class CollectorError(LedgerError):
    """Collecting from a source failed; the cursor did not move."""

    code = "collector_error"
    default_advice = "Run `trailseal source test` for this source; nothing is lost, the cursor did not move."


class FatalSource(CollectorError):
    """The source needs a person: credentials, address or configuration are wrong."""

    code = "source_fatal"
    default_advice = "Correct the source's settings or its account, then run `trailseal source test`."


class RetriableSource(CollectorError):
    """The source may answer later; the same run is tried again from the same cursor."""

    code = "source_retriable"
    default_advice = "Wait for the next try; if it stays so, check network and source."


class SkippableRecord(CollectorError):
    """One record cannot be read; its bytes are quarantined, never dropped."""

    code = "record_skippable"
    default_advice = "Look at the quarantined record; correct the mapping or parser and read it again."


class SigningError(LedgerError):
    """An electronic signature was not made."""

    code = "signing_error"
    default_advice = "Nothing was signed; correct what the message names and sign again."


class ReauthenticationRequired(SigningError):
    """The signer has to prove who they are again for this signature."""

    code = "reauthentication_required"
    default_advice = "Enter the signing secret, or use the signing passkey, again."


class NotSignatory(SigningError):
    """The person may not give this signature."""

    code = "not_signatory"
    default_advice = "Ask a person whom the route names, or have the route or the grant changed first."


class RecordChangedSinceReview(SigningError):
    """What would be signed is not what was shown."""

    code = "record_changed_since_review"
    default_advice = "Open the record again, review what changed, then sign."


class SelfApproval(SigningError):
    """The person would approve their own work."""

    code = "self_approval"
    default_advice = "Ask a second person who took no part in it."


class AccessDenied(LedgerError):
    """The caller has no grant for this action."""

    code = "access_denied"
    default_advice = "Sign in with an account that holds the needed grant, or ask an administrator for it."


class PurposeRequired(AccessDenied):
    """Searching for a person takes a purpose; nothing was searched."""

    code = "purpose_required"
    default_advice = "Say what for; the search is entered, with its purpose."


class NotAuthenticated(AccessDenied):
    """The caller showed no valid credential."""

    code = "not_authenticated"
    default_advice = "Send a valid token as `Authorization: Bearer …`, or sign in; ask an administrator for a new one."


class RateLimited(LedgerError):
    """Too many calls of this sort came from there; they are counted, not answered."""

    code = "rate_limited"
    default_advice = "Wait a minute, then try again with a valid credential."


class SignInUnreachable(LedgerError):
    """The site's identity provider cannot be asked; nothing is said of what the person showed it."""

    code = "sign_in_unreachable"
    default_advice = (
        "Sign in or sign with local components where you have them, or try again in a minute; nothing was counted "
        "against you."
    )

    def __init__(self, what: str, *, advice: str | None = None) -> None:
        super().__init__(f"sign-in service unreachable: {what}", advice=advice)


class Unreachable(LedgerError):
    """Another service does not answer; nothing is said of what it holds."""

    code = "unreachable"
    default_advice = "Check address, network and service, then try again; nothing was judged."


class Overloaded(LedgerError):
    """More work of this sort waits already than this service takes on; nothing of it was begun."""

    code = "overloaded"
    default_advice = "Try again in a minute."


class NotFound(LedgerError):
    """The thing asked for is not there."""

    code = "not_found"
    default_advice = "Check the address or id; what was disposed or erased is named as such instead."


class Conflict(LedgerError):
    """The request contradicts what is already there."""

    code = "conflict"
    default_advice = "Read the present state, decide again, and send a new request."


class NotLeader(LedgerError):
    """The process does not hold the leader lock."""

    code = "not_leader"
    default_advice = "Nothing to do when another process leads; otherwise see `trailseal doctor`."


class StorageTrouble(LedgerError):
    """A disk does not take, or does not give back, what is kept on it; what was acknowledged before stands."""

    code = "storage_trouble"
    default_advice = "What was acknowledged is kept. Check the disk, then send again what had no answer."


class StorageFull(StorageTrouble):
    """No room: nothing of what was to be stored or signed was, and nothing that was acknowledged is lost."""

    code = "storage_full"
    default_advice = "Make room on that disk, then send it again: the service goes on by itself."


class StorageReadOnly(StorageTrouble):
    """A place that must be written to can only be read."""

    code = "storage_read_only"
    default_advice = (
        "Find out why it became read-only (a failing disk does that), make it writable, then start again. "
        "To read the ledger meanwhile, copy its folder to another disk."
    )


class StorageDamaged(StorageTrouble):
    """The database finds its own files damaged."""

    code = "storage_damaged"
    default_advice = (
        "Stop the service, keep the files as they are, run `trailseal verify --full` on a copy, open an incident, and "
        "restore the newest backup."
    )


class ConfigError(LedgerError):
    """A setting, file or option is missing or wrong."""

    code = "config_error"
    default_advice = "Correct the named setting and start again; `trailseal doctor` checks them all."
