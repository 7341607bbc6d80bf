import datetime
import gzip
import ssl
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from collectors.it.http import (
    Http,
    Limits,
    Pause,
    checked_address,
    clock_by_date,
    query_text,
    retry_after,
    trust,
    with_query,
)
from collectors.it.http_auth import Auth, Credentials, Login
from collectors.it.http_words import excerpt
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from tests.support.http_peer import Asked, HttpPeer, Reply, as_json

SECRET = "hunter2-Hunter2"


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    with HttpPeer(lambda _: as_json({"ok": True})) as made:
        yield made


def session(peer: HttpPeer, **settings: object) -> Http:
    return Http(peer.url, SystemClock(), **settings)  # type: ignore[arg-type]


def credentials(auth: Auth, **members: str) -> Credentials:
    login = Login(path="login", form=True, user_field="username", password_field="password", token="token")
    given = {"user": "reader", "secret": SECRET, "header": "Authorization", **members}
    return Credentials(auth=auth, login=login, **given)


@pytest.mark.parametrize(
    "url",
    [
        "http://qms.example.org/",
        "ftp://127.0.0.1/",
        "https://user:pass@qms.example.org/",
        "https://qms.example.org/?x=1",
        "https://qms.example.org/#x",
        "https://qms.example.org:99999/",
        "https://[qms/",
        "qms.example.org",
        "",
    ],
)
def test_an_address_over_which_a_secret_could_leak_or_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        checked_address(url)


@pytest.mark.parametrize(
    "url", ["https://qms.example.org/redmine", "http://127.0.0.1:1/", "http://localhost/x", "http://[::1]/"]
)
def test_https_anywhere_and_http_to_this_machine_are_fine(url: str) -> None:
    assert checked_address(url).endswith("/")


def test_a_query_is_added_to_what_an_address_has_and_odata_stays_readable() -> None:
    assert with_query("https://a/b?c=1", [("$filter", "x ge 1")]) == "https://a/b?c=1&$filter=x%20ge%201"
    assert query_text([("updated_on", ">=2026-01-01T00:00:00Z"), ("q", "a&b=c+d#é")]) == (
        "updated_on=%3E%3D2026-01-01T00:00:00Z&q=a%26b%3Dc%2Bd%23%C3%A9"
    )


def test_a_clock_is_measured_by_the_date_header_with_its_uncertainty() -> None:
    clock = clock_by_date({"date": "Wed, 25 Nov 2026 12:00:10 GMT"}, 1_795_608_009_000_000, 1_795_608_009_400_000)
    assert clock is not None
    assert (clock.offset_us, clock.uncertainty_us) == (1_300_000, 700_000)
    assert clock_by_date({}, 0, 0) is None
    assert clock_by_date({"date": "yesterday"}, 0, 0) is None


def test_retry_after_is_read_as_seconds_and_as_a_date_by_the_source_s_own_clock() -> None:
    date = "Wed, 25 Nov 2026 12:00:10 GMT"
    assert retry_after({"retry-after": "7"}, 0) == 7.0
    assert retry_after({"retry-after": date, "date": "Wed, 25 Nov 2026 12:00:00 GMT"}, 0) == 10.0
    assert retry_after({"retry-after": date}, 1_795_608_000_000_000) == 10.0
    assert retry_after({"retry-after": date, "date": "Wed, 25 Nov 2026 13:00:00 GMT"}, 0) == 0.0
    for nonsense in ("", "soon", "-1", "1e9", "²"):
        assert retry_after({"retry-after": nonsense}, 0) is None


@pytest.mark.parametrize("status", [429, 503])
def test_a_source_that_asks_for_patience_is_waited_for_and_then_read(peer: HttpPeer, status: int) -> None:
    replies = [Reply(status=status, headers={"Retry-After": "0"}), Reply(status=status, headers={"Retry-After": "1"})]
    peer.handler = lambda _: replies.pop(0) if replies else as_json([1])
    waited: list[float | None] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return False

    with session(peer, stop=Stop()) as http:
        assert http.get(peer.url).body == b"[1]"
    assert waited == [0.0, 1.0]


def test_one_that_asks_for_long_patience_is_not_asked_again_before(peer: HttpPeer) -> None:
    peer.handler = lambda _: Reply(status=429, headers={"Retry-After": "4000"})
    pause = Pause()
    with session(peer, pause=pause, stop=threading.Event()) as http, pytest.raises(RetriableSource, match="4000 s"):
        http.get(peer.url)
    with pytest.raises(RetriableSource, match="left alone"):
        pause.check(peer.url)
    assert len(peer.asked) == 1


def test_waiting_for_a_source_ends_when_the_collector_is_stopped(peer: HttpPeer) -> None:
    peer.handler = lambda _: Reply(status=429, headers={"Retry-After": "200"})
    stop = threading.Event()
    stop.set()
    with session(peer, stop=stop) as http, pytest.raises(RetriableSource):
        http.get(peer.url)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, FatalSource) for status in (400, 401, 403, 410, 422)),
        *((status, RetriableSource) for status in (408, 425, 429, 500, 504)),
    ],
)
def test_a_status_says_whether_a_person_is_needed_or_time(
    peer: HttpPeer, status: int, kind: type[FatalSource | RetriableSource]
) -> None:
    peer.handler = lambda _: as_json({"error": {"message": f"no {SECRET} today"}}, status)
    with session(peer) as http:
        credentials(Auth.BEARER).sign_in(http)
        with pytest.raises(kind) as caught:
            http.get(peer.url)
    assert peer.url in caught.value.message
    assert "no … today" in caught.value.message
    assert SECRET not in str((caught.value.message, caught.value.advice))


def test_an_answer_that_sends_on_elsewhere_is_not_followed_so_no_secret_goes_there(peer: HttpPeer) -> None:
    with HttpPeer(lambda _: as_json([])) as other:
        peer.handler = lambda _: Reply(status=302, headers={"Location": other.url})
        with session(peer) as http:
            credentials(Auth.HEADER, header="X-Key").sign_in(http)
            with pytest.raises(FatalSource, match="sends on to"):
                http.get(peer.url)
            with pytest.raises(FatalSource, match="another server"):
                http.address(f"{other.url}page/2")
            with pytest.raises(FatalSource, match="another server"):
                http.address("//evil.example.org/x")
            assert http.address("/page/2?x=1") == f"{peer.url}page/2?x=1"
        assert other.asked == []


def test_an_answer_larger_than_its_limit_is_given_up_however_small_it_is_compressed(peer: HttpPeer) -> None:
    limits = Limits(bytes=1_000_000)
    bomb = gzip.compress(b"a" * 20_000_000)
    assert len(bomb) < 100_000
    for reply in (Reply(body=b"a" * 1_000_001), Reply(body=bomb, headers={"Content-Encoding": "gzip"})):
        peer.handler = lambda _, reply=reply: reply  # type: ignore[misc]
        with session(peer, limits=limits) as http, pytest.raises(FatalSource, match="more than 1000000 bytes"):
            http.get(peer.url)


def test_a_compression_that_was_not_asked_for_is_refused(peer: HttpPeer) -> None:
    peer.handler = lambda _: Reply(body=b"abc", headers={"Content-Encoding": "br"})
    with session(peer) as http, pytest.raises(FatalSource, match="'br'"):
        http.get(peer.url)
    assert peer.asked[0].headers["accept-encoding"] == "gzip"


def test_a_compressed_answer_that_is_broken_is_one_to_ask_for_again(peer: HttpPeer) -> None:
    peer.handler = lambda _: Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"})
    with session(peer) as http, pytest.raises(RetriableSource):
        http.get(peer.url)


def test_an_answer_that_takes_too_long_in_all_is_given_up(peer: HttpPeer) -> None:
    peer.handler = lambda _: Reply(body=b"a" * 300_000)
    with session(peer, limits=Limits(whole=0.0)) as http, pytest.raises(RetriableSource, match="for one answer"):
        http.get(peer.url)


def test_nobody_there_is_a_source_that_may_answer_later() -> None:
    with HttpPeer(lambda _: as_json([])) as peer:
        pass
    with session(peer) as http, pytest.raises(RetriableSource) as caught:
        http.get(peer.url)
    assert peer.url in caught.value.message


def test_a_server_is_believed_only_with_a_certificate_of_a_known_authority(tmp_path: Path) -> None:
    ca_file, context = certificates(tmp_path)
    with HttpPeer(lambda _: as_json([1]), tls=context) as peer:
        with session(peer) as http, pytest.raises(RetriableSource) as caught:
            http.get(peer.url)
        assert "ca_file" in caught.value.advice
        assert peer.asked == []
        with session(peer, verify=trust(str(ca_file))) as http:
            assert http.get(peer.url).body == b"[1]"
        wrong_name = Http(peer.url.replace("127.0.0.1", "localhost"), SystemClock(), verify=trust(str(ca_file)))
        with wrong_name as http, pytest.raises(RetriableSource, match="CERTIFICATE_VERIFY_FAILED"):
            http.get(http.base)


def test_a_ca_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for place in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match="CA file"):
            trust(str(place))
    assert trust().verify_mode is ssl.CERT_REQUIRED
    assert trust().check_hostname


def test_each_way_to_sign_in_sends_what_it_should(peer: HttpPeer) -> None:
    sent: dict[Auth, Asked] = {}
    for auth, header in ((Auth.NONE, "X"), (Auth.HEADER, "X-Key"), (Auth.BEARER, "X"), (Auth.BASIC, "X")):
        with session(peer) as http:
            credentials(auth, header=header).sign_in(http)
            http.get(peer.url)
        sent[auth] = peer.asked[-1]
    assert sent[Auth.HEADER].headers["x-key"] == SECRET
    assert "authorization" not in sent[Auth.HEADER].headers
    assert sent[Auth.BEARER].headers["authorization"] == f"Bearer {SECRET}"
    assert sent[Auth.BASIC].headers["authorization"] == "Basic cmVhZGVyOmh1bnRlcjItSHVudGVyMg=="
    assert "authorization" not in sent[Auth.NONE].headers


def test_a_session_signs_in_once_and_carries_its_token(peer: HttpPeer) -> None:
    peer.handler = lambda asked: as_json({"token": "T-1"} if asked.path == "/login" else [])
    with session(peer) as http:
        credentials(Auth.SESSION).sign_in(http)
        http.get(peer.url)
        http.get(peer.url)
    assert [asked.method for asked in peer.asked] == ["POST", "GET", "GET"]
    assert peer.asked[0].form == {"username": "reader", "password": SECRET}
    assert peer.asked[2].headers["authorization"] == "T-1"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (as_json({"responseStatus": "FAILURE", "errors": [{"message": f"bad {SECRET}"}]}), FatalSource),
        (as_json({"token": 7}), FatalSource),
        (as_json({"token": "two\nlines"}), FatalSource),
        (as_json({"message": "wrong"}, 401), FatalSource),
        (Reply(body=b"<html>maintenance</html>"), RetriableSource),
        (Reply(body=b"[" * 100_000), RetriableSource),
    ],
)
def test_a_sign_in_that_fails_names_the_account_and_never_the_secret(
    peer: HttpPeer, reply: Reply, kind: type[FatalSource | RetriableSource]
) -> None:
    peer.handler = lambda _: reply
    with session(peer) as http, pytest.raises(kind) as caught:
        credentials(Auth.SESSION).sign_in(http)
    assert kind is RetriableSource or "reader" in caught.value.message
    assert SECRET not in str((caught.value.message, caught.value.advice))


@pytest.mark.parametrize(
    "members",
    [
        {"auth": Auth.BASIC, "secret": ""},
        {"auth": Auth.BASIC, "user": ""},
        {"auth": Auth.BASIC, "user": "a:b"},
        {"auth": Auth.HEADER, "secret": "two\r\nlines"},
        {"auth": Auth.BEARER, "secret": "é"},
        {"auth": Auth.HEADER, "header": "X Key"},
    ],
)
def test_credentials_that_do_not_go_together_are_refused_without_showing_them(members: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        credentials(**members)  # type: ignore[arg-type]
    assert not members.get("secret") or members["secret"] not in caught.value.message


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b'{"error": {"code": "400", "message": "Property unknown"}}', "Property unknown"),
        (b'{"error": {"message": {"value": "V2"}}}', "V2"),
        (b'{"errorMessages": ["No JQL"], "errors": {}}', "No JQL"),
        (b'{"Errors": ["No stream"]}', "No stream"),
        (b"plain\x00 text\r\n\xff", "plain� text �"),
        (b"{" * 100_000, "{" * 300 + "…"),
        (b"", ""),
    ],
)
def test_what_a_source_says_of_an_error_is_found_and_kept_short_and_printable(said: bytes, words: str) -> None:
    assert excerpt(said) == words


def certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A CA's file, and what a server at 127.0.0.1 needs that it vouches for."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])

    def builder(name: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        return made.not_valid_after(now + datetime.timedelta(days=1))

    ca = builder("Test CA", ca_key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    leaf = builder("peer", key.public_key()).add_extension(names, False).sign(ca_key, hashes.SHA256())
    (folder / "ca.pem").write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "peer.pem").write_bytes(pem + leaf.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "peer.pem")
    return folder / "ca.pem", context


def test_the_date_header_of_the_peer_is_near_our_clock(peer: HttpPeer) -> None:
    with session(peer) as http:
        http.get(peer.url)
        assert http.source_clock is not None
        assert abs(http.source_clock.offset_us) <= http.source_clock.uncertainty_us + 100_000
