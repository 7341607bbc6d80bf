"""Time-stamps of real authorities, of `openssl ts`, and such as are wrong in one respect each."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from ledger.core import timestamps
from ledger.core.errors import SchemaViolation, TimestampInvalid
from ledger.core.revocation import Revocation
from ledger.core.timestamps import Pins, certificates_in, moment_of, new_request, pins_of, verify_time_stamp
from tests.shared import format_examples, shared_path
from tests.support.tsa import DAY, NOW, Stamper

TEXT = b"plant.example/ledger/records\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
LEAP = b"hello"
SIGSTORE = "1.3.6.1.4.1.57264.2"


def _vector(name: str) -> bytes:
    return shared_path(f"vectors/rfc3161/{name}").read_bytes()


def _pins(of: str, policy: str | None = None) -> Pins:
    return pins_of(_chain(of), policy)


def _chain(of: str) -> tuple[bytes, ...]:
    data = _vector(f"{of}/ts_chain.pem")
    # One of the files tells in words, before each certificate, what it is.
    return certificates_in(data[data.index(b"-----BEGIN") :])


@pytest.mark.parametrize(
    "name",
    [
        "sigstage/response-sha256.tsr",
        "sigstage/response-sha384.tsr",
        "sigstage/response-sha512.tsr",
        "sigstage/response-no-embedded-cert.tsr",
        "test_tsa/response.tsr",
        "test_tsa/response-injected-certs.tsr",
    ],
)
def test_time_stamps_of_real_authorities_hold(name: str) -> None:
    found = verify_time_stamp(_vector(name), LEAP, _pins(name.partition("/")[0], SIGSTORE))
    assert found.policy == SIGSTORE
    assert found.by_us == found.gen_us + 1_000_000
    with pytest.raises(TimestampInvalid, match="over other bytes"):
        verify_time_stamp(_vector(name), LEAP + b"!", _pins(name.partition("/")[0]))


def test_one_whose_authority_is_out_of_date_by_now_holds_as_of_its_moment() -> None:
    pins = _pins("sigstore.mock")
    found = verify_time_stamp(_vector("sigstore.mock/response-expired.tsr"), _vector("sigstore.mock/payload"), pins)
    assert found.good_until_us < found.gen_us + 366 * 86_400_000_000
    assert datetime.datetime.fromtimestamp(found.gen_us / 1e6, datetime.UTC).year == 2023


def test_one_with_a_wrong_signature_or_of_another_authority_fails() -> None:
    with pytest.raises(TimestampInvalid, match="signature does not hold"):
        verify_time_stamp(_vector("sigstage/response-invalid-signature.tsr"), LEAP, _pins("sigstage"))
    with pytest.raises(TimestampInvalid, match="not the pinned"):
        verify_time_stamp(_vector("test_tsa/other_response.tsr"), LEAP, _pins("test_tsa"))
    roots = Pins(roots=_pins("test_tsa").roots, between=_pins("test_tsa").between)
    with pytest.raises(TimestampInvalid, match="does not chain"):
        verify_time_stamp(_vector("test_tsa/other_response.tsr"), LEAP, roots)
    with pytest.raises(TimestampInvalid, match=r"not the pinned|does not chain"):
        verify_time_stamp(_vector("sigstage/response-sha256.tsr"), LEAP, _pins("test_tsa"))


def test_the_worked_example_of_a_request_is_what_is_asked_but_for_the_nonce() -> None:
    example = bytes.fromhex(format_examples()["tsq"].replace("\n", ""))
    made = new_request(TEXT).data
    assert example[3:24] == made[3:24], "version, digest"
    assert (len(example), made[1] > example[1], made.endswith(b"\x01\x01\xff")) == (59, True, True)


def test_one_of_openssl_holds_with_its_nonce_and_to_the_microsecond(stamper: Stamper) -> None:
    asked = new_request(TEXT)
    response = stamper.reply(asked.data)
    found = verify_time_stamp(response, TEXT, pins_of([stamper.root]), asked.nonce)
    assert (found.gen_us, found.accuracy_us) == moment_of(response)
    assert abs(found.gen_us / 1e6 - datetime.datetime.now(datetime.UTC).timestamp()) < 60
    assert found.gen_us % 1_000_000, "the fraction of a second counts"
    assert found.algorithms == ("ec-secp256r1", "sha256")
    assert [one.state for one in found.revocation] == [Revocation.UNKNOWN]
    assert pins_of([stamper.root, stamper.own]).own == (stamper.own,)
    assert verify_time_stamp(response, TEXT, pins_of([stamper.root, stamper.own])) == found
    with pytest.raises(TimestampInvalid, match="nonce"):
        verify_time_stamp(response, TEXT, pins_of([stamper.root]), asked.nonce + 1)
    with pytest.raises(TimestampInvalid, match="policy"):
        verify_time_stamp(response, TEXT, pins_of([stamper.root], SIGSTORE))
    long = new_request(TEXT, timestamps.SHA512)
    assert "sha512" in verify_time_stamp(stamper.reply(long.data), TEXT, pins_of([stamper.root])).algorithms


def test_another_stamper_of_the_same_root_is_not_the_pinned_one(stamper: Stamper, tmp_path: Path) -> None:
    other = Stamper(tmp_path / "other", stamper.authority)
    response = other.at(NOW, TEXT)
    verify_time_stamp(response, TEXT, pins_of([stamper.root]))
    with pytest.raises(TimestampInvalid, match="not the pinned one"):
        verify_time_stamp(response, TEXT, pins_of([stamper.root, stamper.own]))


@pytest.mark.parametrize(
    "issued",
    [
        {"uses": ()},
        {"critical": False},
        {"uses": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)},
        {"uses": (ExtendedKeyUsageOID.CODE_SIGNING,)},
    ],
    ids=["none", "not critical", "not alone", "another"],
)
def test_a_certificate_that_is_not_for_time_stamping_alone_stamps_nothing(
    tmp_path: Path, issued: dict[str, Any]
) -> None:
    wrong = Stamper(tmp_path / "wrong", **issued)
    with pytest.raises(TimestampInvalid, match="time-stamping alone"):
        verify_time_stamp(wrong.at(NOW, TEXT), TEXT, pins_of([wrong.root]))


def test_a_token_that_does_not_name_its_signer_in_what_is_signed_fails(stamper: Stamper) -> None:
    verify_time_stamp(stamper.at(NOW, TEXT), TEXT, pins_of([stamper.root]))
    with pytest.raises(TimestampInvalid, match="ESSCertID"):
        verify_time_stamp(stamper.at(NOW, TEXT, cades=False), TEXT, pins_of([stamper.root]))


def test_the_chain_is_judged_as_of_the_moment_that_is_named(tmp_path: Path) -> None:
    ended = Stamper(tmp_path / "ended", since=NOW - 400 * DAY, until=NOW - 30 * DAY)
    verify_time_stamp(ended.at(NOW - 31 * DAY, TEXT), TEXT, pins_of([ended.root]))
    for moment in (NOW - 29 * DAY, NOW - 401 * DAY):
        with pytest.raises(TimestampInvalid, match="was not valid at"):
            verify_time_stamp(ended.at(moment, TEXT), TEXT, pins_of([ended.root]))


@pytest.mark.parametrize(
    ("since", "reason", "wrong"),
    [
        (-1, x509.ReasonFlags.superseded, "before this time-stamp"),
        (1, x509.ReasonFlags.superseded, ""),
        (1, x509.ReasonFlags.cessation_of_operation, ""),
        (1, x509.ReasonFlags.key_compromise, "count no more"),
        (1, None, "count no more"),
    ],
)
def test_a_revoked_authority_dates_nothing_after_and_before_only_what_its_reason_lets_it(
    stamper: Stamper, since: int, reason: x509.ReasonFlags | None, wrong: str
) -> None:
    response = stamper.at(NOW, TEXT)
    beside = [stamper.crl(since=NOW + since * DAY, reason=reason)]
    if wrong:
        with pytest.raises(TimestampInvalid, match=wrong):
            verify_time_stamp(response, TEXT, pins_of([stamper.root]), revocation=beside)
    else:
        found = verify_time_stamp(response, TEXT, pins_of([stamper.root]), revocation=beside)
        assert found.revocation[0].state is Revocation.REVOKED


def test_what_is_no_response_is_refused_and_never_more_than_that(stamper: Stamper) -> None:
    pins, whole = pins_of([stamper.root]), stamper.at(NOW, TEXT)
    for data in (b"", b"junk", whole[:-1], whole + b"\0", b"\x30\x05\x30\x03\x02\x01\x02", bytes(70_000)):
        with pytest.raises(TimestampInvalid):
            verify_time_stamp(data, TEXT, pins)
    for place in range(0, len(whole), 7):
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        try:
            found = verify_time_stamp(changed, TEXT, pins)
        except TimestampInvalid:
            continue
        assert found.gen_us == moment_of(whole)[0], "what still holds says the same"


def test_what_is_pinned_has_a_root_and_a_policy_that_is_one(stamper: Stamper) -> None:
    with pytest.raises(SchemaViolation, match="no root"):
        pins_of([stamper.own])
    with pytest.raises(SchemaViolation, match="no policy"):
        pins_of([stamper.root], "policy")
    with pytest.raises(SchemaViolation, match="no certificate"):
        certificates_in(b"junk")
