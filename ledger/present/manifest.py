"""How a signature is shown, on page, terminal and paper alike (21 CFR 11.50; draft Annex 11 §13.4, §13.6).

Printed name, user name, role, meaning, date, time and zone; the reason, by which mode it was made and what that is; and
a short fingerprint that ties ink on a printout to the electronic signature.
"""

from hashlib import sha256

import msgspec

from ledger.core.binding import short_fingerprint
from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import SignatureInvalid
from ledger.core.external import claims_qualified, revocation_of, signer_certificate
from ledger.core.revocation import Revocation
from ledger.core.signature import ExternalProof, Mode, SignatureEntry, Statement, TargetSort, statement_bytes
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.times import moment, site_zone

_LONG = 2000


class Manifestation(msgspec.Struct, frozen=True, kw_only=True):
    """A signature as it is shown. `at` is site time with its zone, `utc` the same instant; all texts are inert."""

    name: str
    account: str
    role: str
    meaning: str
    language: str
    reason: str
    at: str
    zone: str
    utc: str
    mode: str
    class_text: str
    target: str
    entries: int
    fingerprint: str
    for_other: str | None = None

    @property
    def sentence(self) -> str:
        """The whole of it as a person would say it."""
        who = message("signature.who", name=self.name, account=self.account, role=self.role)
        if self.for_other is not None:
            who = message("signature.for", who=who, other=self.for_other)
        return message(
            "signature.said",
            who=who,
            target=self.target,
            meaning=self.meaning,
            at=self.at,
            zone=self.zone,
            utc=self.utc,
        )


def manifestation(entry: SignatureEntry) -> Manifestation:
    """A signature as it is shown, from its own statement alone."""
    said = entry.statement
    at = moment(parse_utc(said.signed_at), site_zone(said.zone))
    reason = said.reason.text if said.reason.added is None else f"{said.reason.text}: {said.reason.added}"
    return Manifestation(
        name=_inert(said.signer.name),
        account=_inert(said.signer.account),
        role=_inert(said.signer.role),
        meaning=_inert(said.meaning.text),
        language=_inert(said.meaning.language),
        reason=_inert(reason),
        at=at.local,
        zone=_inert(said.zone) if at.zone == said.zone else f"{_inert(said.zone)} ({at.zone})",
        utc=at.utc,
        mode=message(f"signing.mode.{said.mode.value}"),
        class_text=" ".join((_inert(said.class_text), *_certificate(entry))),
        target=target_text(said),
        entries=said.target.count,
        fingerprint=fingerprint(said),
        for_other=None if said.on_behalf_of is None else _inert(said.on_behalf_of),
    )


def target_text(said: Statement) -> str:
    """What is signed, in words."""
    key = "signature.target.document" if said.target.sort is TargetSort.DOCUMENT else "signature.target"
    return message(key, id=_inert(said.target.id), version=_inert(said.target.version), count=said.target.count)


def fingerprint(said: Statement) -> str:
    """128 bits of the statement's digest, in groups of four."""
    return short_fingerprint(sha256(statement_bytes(said)).digest())


def _certificate(entry: SignatureEntry) -> list[str]:
    """Of a signature made elsewhere: whose certificate made it, what that claims of itself, whether it was revoked."""
    if not isinstance(entry.proof, ExternalProof):
        return []
    try:
        found = signer_certificate(entry.proof)
        subject, issuer = found.subject.rfc4514_string(), found.issuer.rfc4514_string()
        qualified = claims_qualified(found)
    except (SignatureInvalid, ValueError):
        return []
    said = [message("signature.certificate", subject=_inert(subject), issuer=_inert(issuer))]
    if qualified:
        said.append(message("signature.qualified"))
    return [*said, *_revocation(entry.statement, entry.proof)]


def _revocation(said: Statement, proof: ExternalProof) -> list[str]:
    """What is known of whether certificates were revoked: the signer's, and then those of the authorities above it."""
    known = revocation_of(proof, parse_utc(said.signed_at))
    words = []
    for place, one in enumerate(known):
        by = "" if not one.by else message(f"signature.revocation.{one.by}", at=utc_text(one.made_us or 0))
        since = "" if one.revoked_us is None else utc_text(one.revoked_us)
        words.append(
            message(f"signature.revocation.{one.state.value}", subject=_inert(one.subject), by=by, since=since)
        )
        if place == 0 and one.state is Revocation.UNKNOWN:
            break
    return words


def withstands(mode: Mode) -> str:
    """What a mode withstands, and what it does not, plainly."""
    return message(f"signing.withstands.{mode.value}")


def _inert(text: str) -> str:
    return one_line(text, _LONG)
