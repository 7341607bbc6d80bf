"""Whether a certificate was revoked is told by what came with the signature, offline: good, revoked, or not known."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyasn1.codec.der import decoder, encoder
from pyasn1.type import univ
from pyasn1_modules import rfc6960

from ledger.core.errors import SchemaViolation, SignatureInvalid
from ledger.core.external import (
    MAX_REVOCATIONS,
    Certified,
    brought,
    loaded,
    revocation_of,
    verify_external,
    with_anchor,
)
from ledger.core.passkey import unb64url
from ledger.core.revocation import Revocation, Told
from tests.support.outside import DAY, NOW, Holder, Outside, encryption_only, us
from tests.support.revocations import (
    HOUR,
    answered,
    certificate,
    crl,
    in_field,
    responder,
    response,
    with_attribute,
    within,
)

DATA = b"trailseal/statement/v1\n{}"
Way = Callable[[Outside, Holder, datetime.datetime | None], tuple[bytes, tuple[bytes, ...]]]


@pytest.fixture(scope="module")
def anna(trust: Outside) -> Holder:
    return trust.person("Anna Approver", "PNODE-1")


@pytest.fixture(scope="module")
def cms(anna: Holder) -> bytes:
    return anna.sign(DATA)


def judged(trust: Outside, cms: bytes, *beside: bytes) -> Certified:
    anchors = [one.public_bytes(Encoding.DER) for one in loaded(trust.root)]
    return verify_external(brought(cms, b"", beside), DATA, anchors, [us(NOW)], (us(NOW), us(NOW + HOUR)))


def signers(trust: Outside, cms: bytes, *beside: bytes) -> Told:
    """What is known of the signer's certificate."""
    return judged(trust, cms, *beside).revocation[0]


def given(trust: Outside, anna: Holder, cms: bytes, since: datetime.datetime | None) -> dict[str, tuple[bytes, ...]]:
    """One word of the authority's, in each way in which it can come: the CMS, and what is beside it."""
    listed = crl(trust, {} if since is None else {anna.pem: since})
    answered = response(trust, anna.pem, since)
    delegated = response(trust, anna.pem, since, by=responder(trust))
    pem = x509.load_der_x509_crl(listed).public_bytes(Encoding.PEM)
    return {
        "list beside": (cms, listed),
        "list beside in PEM": (cms, pem),
        "response beside": (cms, answered),
        "response of a responder": (cms, delegated),
        "list within": (within(cms, lists=(listed,)),),
        "response within": (within(cms, responses=(answered,)),),
        "responder's within": (within(cms, responses=(delegated,)),),
        "list in the CMS's field": (in_field(cms, lists=(listed,)),),
        "response in the CMS's field": (in_field(cms, responses=(answered,)),),
    }


def test_it_is_good_by_whatever_its_authority_said_and_however_that_came(
    trust: Outside, anna: Holder, cms: bytes
) -> None:
    for way, (signed, *beside) in given(trust, anna, cms, None).items():
        found = signers(trust, signed, *beside)
        assert (found.state, found.by) == (Revocation.GOOD, "crl" if "list" in way else "ocsp"), way
        assert found.made_us == us(NOW - HOUR), way


def test_one_that_was_revoked_before_is_refused_however_that_is_told(trust: Outside, anna: Holder, cms: bytes) -> None:
    for way, (signed, *beside) in given(trust, anna, cms, NOW - DAY).items():
        with pytest.raises(SignatureInvalid, match="PNODE-1,CN=Anna Approver,C=DE was revoked on"):
            signers(trust, signed, *beside)
        # A word that it is good, from before or after, takes nothing back.
        with pytest.raises(SignatureInvalid, match="was revoked on"):
            signers(trust, signed, *beside, response(trust, anna.pem, made=NOW), crl(trust, made=NOW))
        assert way


def test_the_moment_of_a_revocation_counts(trust: Outside, anna: Holder, cms: bytes) -> None:
    for since in (NOW - HOUR, NOW + HOUR):
        with pytest.raises(SignatureInvalid, match="was revoked on"):
            signers(trust, cms, crl(trust, {anna.pem: since}))
    later = signers(trust, cms, crl(trust, {anna.pem: NOW + 2 * HOUR}))
    assert (later.state, later.revoked_us) == (Revocation.REVOKED, us(NOW + 2 * HOUR))
    known = x509.InvalidityDate((NOW - DAY).replace(tzinfo=None))
    with pytest.raises(SignatureInvalid, match="was revoked on"):
        signers(trust, cms, crl(trust, {anna.pem: NOW + 2 * HOUR}, of_entry=(known,)))
    held = x509.CRLReason(x509.ReasonFlags.certificate_hold)
    with pytest.raises(SignatureInvalid, match="was revoked on"):
        signers(
            trust, cms, crl(trust, {anna.pem: NOW - DAY}, made=NOW - 3 * DAY, until=NOW - 2 * DAY, of_entry=(held,))
        )


def test_what_its_own_authority_did_not_say_of_it_for_then_leaves_it_unknown(
    trust: Outside, anna: Holder, cms: bytes, tmp_path: Path
) -> None:
    forger, other = Outside(tmp_path, "Trust Service"), trust.person("Otto Other", "PNODE-2")
    stranger = responder(forger)
    own = (anna.pem, load_pem_private_key(anna.key_file.read_bytes(), None))
    answered = response(trust, anna.pem)
    place = [x509.UniformResourceIdentifier("http://crl.example/2")]
    taken_back = (x509.CRLReason(x509.ReasonFlags.remove_from_crl),)
    changes = (x509.DeltaCRLIndicator(1), True)
    for what, (signed, *beside) in {
        "nothing": (cms,),
        "another authority's list of the same name": (cms, crl(forger)),
        "a list by another key": (cms, crl(trust, key=ec.generate_private_key(ec.SECP256R1()))),
        "the root's list": (cms, crl(trust, root=True)),
        "a list that was over": (cms, crl(trust, made=NOW - 3 * DAY, until=NOW - DAY)),
        "a list from after the certificate's end": (cms, crl(trust, made=NOW + 40 * DAY, until=NOW + 41 * DAY)),
        "a list of authorities": (cms, _part(trust, only_contains_ca_certs=True)),
        "a list of others": (cms, _part(trust, full_name=place)),
        "a list of some reasons": (
            cms, _part(trust, only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})),
        ),
        "a list of what changed": (cms, crl(trust, None, changes)),
        "one that takes a hold back": (cms, crl(trust, {anna.pem: NOW - DAY}, changes, of_entry=taken_back)),
        "another authority's part of a list": (
            cms, crl(trust, {anna.pem: NOW - DAY}, of_entry=(x509.CertificateIssuer([x509.DirectoryName(
                certificate(trust.root).subject)]),)),
        ),
        "a list with others' certificates": (cms, _part(trust, indirect_crl=True)),
        "a list by a weak digest": (cms, crl(trust, digest=hashes.SHA224())),
        "a response by a weak digest": (cms, response(trust, anna.pem, digest=hashes.SHA224())),
        "a response by one whose time was over": (
            cms, response(trust, anna.pem, by=responder(trust, until=NOW - HOUR)),
        ),
        "a response by a key that is not meant to sign": (
            cms, response(trust, anna.pem, by=responder(trust, usage=encryption_only())),
        ),
        "a response of another": (cms, response(trust, other.pem)),
        "a response by a stranger": (cms, response(trust, anna.pem, by=stranger)),
        "a response by one who may not": (
            cms, response(trust, anna.pem, by=responder(trust, uses=ExtendedKeyUsageOID.CLIENT_AUTH)),
        ),
        "a response by the signer": (cms, response(trust, anna.pem, by=own)),
        "an altered response": (cms, answered.replace(b"\x80\x00", b"\x82\x00", 1)),
        "a response that is altered in its signature": (cms, answered[:-1] + bytes([answered[-1] ^ 1])),
        "an old response without an end": (cms, response(trust, anna.pem, made=NOW - DAY, until=None)),
        "a list with a time that is none": (_without_zone(within(cms, lists=(crl(trust),))),),
        "one in the CMS's field": (_without_zone(in_field(cms, lists=(crl(trust),))),),
        "a response with a time that is none": (_without_zone(within(cms, responses=(answered,))),),
        "what cannot be read": (with_attribute(cms, b"\x30\x03\x02\x01\x05"),),
    }.items():  # fmt: skip
        assert signers(trust, signed, *beside).state is Revocation.UNKNOWN, what
    # What is no word of the authority's does not make it revoked either.
    for lie in (
        crl(forger, {anna.pem: NOW - DAY}), response(trust, anna.pem, NOW - DAY, by=stranger),
        response(trust, other.pem, NOW - DAY), crl(trust, {other.pem: NOW - DAY}),
    ):  # fmt: skip
        assert signers(trust, cms, lie).state is not Revocation.REVOKED


PSS = ("-rsigopt", "rsa_padding_mode:pss")


def test_a_response_by_rsa_counts_however_it_is_padded(
    trust: Outside, anna: Holder, cms: bytes, tmp_path: Path
) -> None:
    """As `openssl ocsp` signs it: RSASSA-PSS, of which the parameters are read beside the signature."""
    by = responder(trust, key=rsa.generate_private_key(65537, 2048))
    by_curve = responder(trust)
    for options in ((), PSS, (*PSS, "-rsigopt", "rsa_pss_saltlen:32"), (*PSS, "-rmd", "sha384")):
        good = answered(tmp_path, trust, anna.pem, by, *options)
        for signed, *beside in ((cms, good), (within(cms, responses=(good,)),)):
            found = signers(trust, signed, *beside)
            assert (found.state, found.by) == (Revocation.GOOD, "ocsp"), options
        with pytest.raises(SignatureInvalid, match="was revoked on"):
            signers(trust, cms, answered(tmp_path, trust, anna.pem, by, *options, revoked=True))
    padded = answered(tmp_path, trust, anna.pem, by, *PSS, "-rsigopt", "rsa_pss_saltlen:32")
    salt, signature = b"\xa2\x03\x02\x01", ocsp.load_der_ocsp_response(padded).signature
    for what, response_ in {
        "altered in its signature": padded.replace(signature, signature[:-1] + bytes([signature[-1] ^ 1])),
        "that says another salt": padded.replace(salt + b"\x20", salt + b"\x21"),
        "that masks by a weak digest": answered(tmp_path, trust, anna.pem, by, *PSS, "-rsigopt", "rsa_mgf1_md:sha1"),
        "by a weak digest": answered(tmp_path, trust, anna.pem, by, *PSS, "-rmd", "sha1"),
        "by a curve that says so": _said_pss(answered(tmp_path, trust, anna.pem, by_curve), padded),
        "without parameters": _said_pss(padded, None),
    }.items():
        assert response_ != padded, what
        assert signers(trust, cms, response_).state is Revocation.UNKNOWN, what


def test_an_authority_that_was_revoked_above_the_signer_is_named(trust: Outside, cms: bytes) -> None:
    with pytest.raises(SignatureInvalid, match="Trust Service Issuing was revoked"):
        judged(trust, cms, crl(trust, {trust.issuing: NOW - DAY}, root=True))
    both = judged(trust, cms, crl(trust), crl(trust, root=True)).revocation
    assert [one.state for one in both] == [Revocation.GOOD, Revocation.GOOD]


def test_a_part_that_is_due_for_a_certificate_counts(trust: Outside, cms: bytes) -> None:
    of_users = (_part(trust, root=root, only_contains_user_certs=True) for root in (False, True))
    found = judged(trust, cms, *of_users).revocation
    assert [one.state for one in found] == [Revocation.GOOD, Revocation.UNKNOWN]


def test_an_authority_s_list_counts_only_where_its_key_is_meant_to_sign_lists(tmp_path: Path) -> None:
    trust = Outside(tmp_path, lists=False)
    holder = trust.person("Anna Approver", "PNODE-1")
    cms = holder.sign(DATA)
    assert signers(trust, cms, crl(trust)).state is Revocation.UNKNOWN
    assert signers(trust, cms, response(trust, holder.pem)).state is Revocation.GOOD


def test_what_is_kept_stands_by_itself_and_what_is_no_list_is_not_taken(
    trust: Outside, anna: Holder, cms: bytes
) -> None:
    proof = brought(cms, b"", (crl(trust), crl(trust, root=True)))
    assert [one.state for one in revocation_of(proof, us(NOW))] == [Revocation.GOOD, Revocation.UNKNOWN]
    whole = with_anchor(proof, judged(trust, cms))
    assert certificate(trust.root).public_bytes(Encoding.DER) in [unb64url(one) for one in whole.certificates]
    assert [one.state for one in revocation_of(whole, us(NOW))] == [Revocation.GOOD, Revocation.GOOD]
    for wrong in ((b"MZ",), (anna.pem,), (crl(trust),) * (MAX_REVOCATIONS + 1)):
        with pytest.raises(SchemaViolation):
            brought(cms, b"", wrong)


def _without_zone(cms: bytes) -> bytes:
    """With another letter for the Z of when its lists and responses were made."""
    stamp = f"{NOW - HOUR:%y%m%d%H%M%S}".encode()
    assert stamp + b"Z" in cms
    return cms.replace(stamp + b"Z", stamp + b"?")


def _part(trust: Outside, *, root: bool = False, **members: Any) -> bytes:
    """The part of a list that these say."""
    whole: dict[str, Any] = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False,
        "only_some_reasons": None, "indirect_crl": False, "only_contains_attribute_certs": False,
    }  # fmt: skip
    return crl(trust, None, (x509.IssuingDistributionPoint(**{**whole, **members}), True), root=root)


def _said_pss(response: bytes, padded: bytes | None) -> bytes:
    """The response with the algorithm of a padded one; without any, with its own and no parameters."""
    whole, basic = _opened(response)
    if padded is None:
        algorithm = rfc6960.BasicOCSPResponse()["signatureAlgorithm"]
        algorithm["algorithm"] = basic["signatureAlgorithm"]["algorithm"]
        basic["signatureAlgorithm"] = algorithm
    else:
        basic["signatureAlgorithm"] = _opened(padded)[1]["signatureAlgorithm"]
    whole["responseBytes"]["response"] = univ.OctetString(encoder.encode(basic))
    return bytes(encoder.encode(whole))


def _opened(response: bytes) -> tuple[Any, Any]:
    whole = decoder.decode(response, asn1Spec=rfc6960.OCSPResponse())[0]
    return whole, decoder.decode(bytes(whole["responseBytes"]["response"]), asn1Spec=rfc6960.BasicOCSPResponse())[0]
