"""A signature made elsewhere: taken only as one person's over exactly these bytes, by a chain to an anchor."""

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.core.admission import AdmissionEvent
from ledger.core.anchors import Anchors, TrustAnchorEntry, anchor_id
from ledger.core.authority import Authority
from ledger.core.errors import IntegrityError, SchemaViolation, SignatureInvalid
from ledger.core.external import Certified, brought, claims_qualified, loaded, verify_external
from ledger.core.passkey import b64url
from ledger.core.signature import ExternalProof
from tests.support.outside import DAY, NOW, Holder, Outside, encryption_only, us
from tests.support.sampled import one_in

DATA = b"trailseal/statement/v1\n{}"
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(scope="module")
def anna(trust: Outside) -> Holder:
    return trust.person("Anna Approver", "PNODE-1", qualified=True)


def judged(
    trust: Outside, cms: bytes, data: bytes = DATA, at: datetime.datetime = NOW, certificates: bytes = b""
) -> Certified:
    proof = brought(cms, certificates)
    anchors = [one.public_bytes(Encoding.DER) for one in loaded(trust.root)]
    return verify_external(proof, data, anchors, [us(at)], (us(at), us(at + HOUR)))


@pytest.mark.parametrize("uses_rsa", [False, True])
@pytest.mark.requirement("R54")
def test_a_cades_signature_over_these_bytes_by_a_certificate_that_chains_is_taken(
    trust: Outside, uses_rsa: bool
) -> None:
    holder = trust.person("Rita Reviewer", "PNODE-2", uses_rsa=uses_rsa)
    found = judged(trust, holder.sign(DATA))
    assert found.subject == "2.5.4.5=PNODE-2,CN=Rita Reviewer,C=DE"
    assert found.issuer == "CN=Trust Service Issuing"
    assert not found.qualified
    assert found.signing_us is not None


@pytest.mark.parametrize("options", [("-keyid",), ("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:-1")])
def test_other_ways_to_say_the_signer_and_to_sign_are_taken(trust: Outside, options: tuple[str, ...]) -> None:
    holder = trust.person("Rita Reviewer", "PNODE-3", uses_rsa=True)
    assert "Rita" in judged(trust, holder.sign(DATA, *options)).subject


def test_a_signature_that_says_another_digest_than_its_attributes_is_refused(trust: Outside) -> None:
    padded = trust.person("Rita Reviewer", "PNODE-4", uses_rsa=True).sign(DATA, "-keyopt", "rsa_padding_mode:pss")
    sha256 = b"\xa0\x0f\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
    assert padded.count(sha256) == 1
    with pytest.raises(SignatureInvalid, match="another digest than its attributes"):
        judged(trust, padded.replace(sha256, sha256[:-1] + b"\x03"))


def test_certificates_may_come_beside_the_signature(trust: Outside, anna: Holder) -> None:
    cms = anna.sign(DATA, certificates=False)
    with pytest.raises(SchemaViolation, match="neither in the signature nor beside it"):
        judged(trust, cms)
    assert judged(trust, cms, certificates=anna.pem + anna.chain).subject.startswith("2.5.4.5=PNODE-1")


def test_a_claim_to_be_qualified_is_read_off_the_certificate_alone(trust: Outside, anna: Holder) -> None:
    assert judged(trust, anna.sign(DATA)).qualified
    assert not claims_qualified(loaded(trust.person("Nobody", "PNODE-9").pem)[0])


@pytest.mark.requirement("R18")
def test_a_signature_over_other_bytes_is_refused(trust: Outside, anna: Holder) -> None:
    with pytest.raises(SignatureInvalid, match="over other bytes"):
        judged(trust, anna.sign(DATA), DATA + b" ")


def test_a_signature_without_signed_attributes_is_refused(trust: Outside, anna: Holder) -> None:
    with pytest.raises(SignatureInvalid, match="no signed attributes"):
        judged(trust, anna.sign(DATA, "-noattr", cades=False))


def test_a_signature_that_does_not_bind_its_certificate_is_refused(trust: Outside, anna: Holder) -> None:
    with pytest.raises(SignatureInvalid, match="no CAdES-BES"):
        judged(trust, anna.sign(DATA, cades=False))


def test_a_second_signer_is_refused(trust: Outside, anna: Holder) -> None:
    other = trust.person("Otto Other", "PNODE-4")
    with pytest.raises(SchemaViolation, match="2 signers"):
        judged(trust, other.add(anna.sign(DATA), DATA))


def test_a_signature_with_the_content_inside_is_refused(trust: Outside, anna: Holder) -> None:
    with pytest.raises(SchemaViolation, match="not detached"):
        judged(trust, anna.sign(DATA, "-nodetach"))


def test_a_weak_digest_is_refused(trust: Outside, anna: Holder) -> None:
    with pytest.raises(SignatureInvalid, match="SHA-256"):
        judged(trust, anna.sign(DATA, "-md", "sha1"))


@pytest.mark.parametrize(
    ("since", "until"), [(NOW - 3 * DAY, NOW - DAY), (NOW + DAY, NOW + 3 * DAY)], ids=["expired", "not-yet"]
)
def test_a_certificate_out_of_date_at_signing_is_refused(
    trust: Outside, since: datetime.datetime, until: datetime.datetime
) -> None:
    holder = trust.person("Anna Approver", "PNODE-1", since=since, until=until)
    with pytest.raises(SignatureInvalid, match="not valid at"):
        judged(trust, holder.sign(DATA))


def test_an_authority_that_nobody_trusts_is_refused(tmp_path: Path, trust: Outside) -> None:
    forger = Outside(tmp_path, "Trust Service")
    with pytest.raises(SignatureInvalid, match="does not chain to a trust anchor"):
        judged(trust, forger.person("Anna Approver", "PNODE-1").sign(DATA))


def test_a_certificate_that_another_person_s_signs_is_no_authority(
    tmp_path: Path, trust: Outside, anna: Holder
) -> None:
    """Who holds a person's certificate cannot issue one of their own making."""
    forged = Outside(tmp_path / "forged").person("Anna Approver", "PNODE-1")
    with pytest.raises(SignatureInvalid, match="does not chain"):
        judged(trust, forged.sign(DATA, "-certfile", str(anna.file)))


def test_a_key_that_is_not_meant_to_sign_is_refused(trust: Outside) -> None:
    holder = trust.person("Anna Approver", "PNODE-5", usage=encryption_only())
    with pytest.raises(SignatureInvalid, match="not meant to sign"):
        judged(trust, holder.sign(DATA))


def test_a_signing_time_far_from_the_statement_s_is_refused(trust: Outside, anna: Holder) -> None:
    cms, signed = anna.sign(DATA), datetime.datetime.now(datetime.UTC)
    judged(trust, cms, at=signed - HOUR)
    for at in (signed + HOUR, signed - 2 * HOUR):
        with pytest.raises(SignatureInvalid, match="at another time than the statement"):
            judged(trust, cms, at=at)


def test_no_altered_byte_passes(trust: Outside, anna: Holder) -> None:
    """Wherever a byte of the signature is altered: it is refused, or still is that person's over these bytes."""
    cms = anna.sign(DATA, certificates=False)
    whole = judged(trust, cms, certificates=anna.pem + anna.chain)
    passed = 0
    for at in one_in(4, range(len(cms))):
        altered = cms[:at] + bytes([cms[at] ^ 1]) + cms[at + 1 :]
        try:
            found = judged(trust, altered, certificates=anna.pem + anna.chain)
        except (SignatureInvalid, SchemaViolation):
            continue
        passed += 1
        assert (found.names, found.signing_us) == (whole.names, whole.signing_us)
    assert passed <= 11, "nothing is read from two numbers of versions and the list of digests, and from nothing else"


def test_a_proof_names_the_signer_s_certificate_first(trust: Outside, anna: Holder) -> None:
    proof = brought(anna.sign(DATA))
    other = trust.person("Otto Other", "PNODE-6")
    moved = ExternalProof(
        form=proof.form,
        signature=proof.signature,
        certificates=(b64url(x509.load_pem_x509_certificate(other.pem).public_bytes(Encoding.DER)),),
    )
    anchors = [one.public_bytes(Encoding.DER) for one in loaded(trust.root)]
    with pytest.raises(SignatureInvalid, match="names another certificate"):
        verify_external(moved, DATA, anchors, [us(NOW)], (us(NOW), us(NOW + HOUR)))


@pytest.mark.parametrize("data", [b"", b"\x30\x80", b"\x30\x82\xff\xff", b"not a signature", b"\x30" * 5000])
def test_what_is_no_cms_is_told_to_be_none(data: bytes) -> None:
    with pytest.raises(SchemaViolation):
        brought(data)


def authority(actor: str, *, known: bool = True) -> Authority:
    return Authority(actor=actor, authenticated=known)


def event(sort: AdmissionEvent, by: Authority, certificate: bytes) -> TrustAnchorEntry:
    proposed = sort is AdmissionEvent.PROPOSED
    return TrustAnchorEntry(
        anchor=anchor_id(certificate),
        event=sort,
        subject="CN=Root",
        reason="agreed",
        authority=by,
        certificate=b64url(certificate) if proposed else None,
    )


def test_an_anchor_counts_from_a_second_person_s_word_until_it_is_withdrawn() -> None:
    anchors, certificate = Anchors(), b"der"
    anchors.enter(3, event(AdmissionEvent.PROPOSED, authority("olga"), certificate))
    for wrong in (authority("olga"), authority("quentin", known=False)):
        with pytest.raises(IntegrityError, match="second person"):
            anchors.enter(4, event(AdmissionEvent.CONFIRMED, wrong, certificate))
    anchors.enter(5, event(AdmissionEvent.CONFIRMED, authority("quentin"), certificate))
    assert [bool(anchors.in_force(index)) for index in (4, 5, 6)] == [False, False, True]
    anchors.enter(8, event(AdmissionEvent.WITHDRAWN, authority("olga"), certificate))
    assert [bool(anchors.in_force(index)) for index in (8, 9)] == [True, False]
    anchors.enter(9, event(AdmissionEvent.PROPOSED, authority("olga"), certificate))
    assert not anchors.in_force(10)


def test_no_altered_byte_of_a_certificate_is_more_than_refused(trust: Outside, anna: Holder) -> None:
    """Whatever a hostile certificate makes a parser do, the answer is that it is refused, in words."""
    cms, whole = anna.sign(DATA, certificates=False), loaded(anna.pem)[0].public_bytes(Encoding.DER)
    for at in one_in(12, range(len(whole))):
        altered = whole[:at] + bytes([whole[at] ^ 0x21]) + whole[at + 1 :]
        with pytest.raises((SignatureInvalid, SchemaViolation)):
            judged(trust, cms, certificates=altered)
