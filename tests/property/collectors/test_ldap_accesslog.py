"""Nothing that a directory holds breaks the reading of its log, and no secret comes through."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.ldap_accesslog_entry import WITHHELD, entry_item, read_entry, write_entry
from ledger.core.errors import SkippableRecord

names = st.sampled_from(
    ["reqMod", "reqOld", "reqType", "reqStart", "reqDN", "reqResult", "reqNewRDN", "reqData", "other"]
)
lines = st.tuples(
    st.sampled_from([b"title", b"cn;lang-de", b"userPassword", b""]),
    st.sampled_from([b":+ ", b":- ", b":=", b":# ", b": ", b""]),
    st.binary(max_size=6),
).map(b"".join)
values = st.lists(
    lines | st.binary(max_size=8) | st.sampled_from([b"modify", b"add", b"modrdn", b"20261125064708.000002Z"]),
    min_size=1,
    max_size=4,
)


@given(st.dictionaries(names, values, max_size=8))
def test_any_entry_is_read_or_refused(attributes: dict[str, list[bytes]]) -> None:
    data = write_entry("dn", attributes, frozenset({"userpassword"}))
    with contextlib.suppress(SkippableRecord):
        item = entry_item(read_entry(data), frozenset({"cn"}))
        assert isinstance(item["changes"], list)


@given(
    st.sampled_from(["reqMod", "reqOld"]),
    st.sampled_from([b"userPassword", b"USERPASSWORD", b"userPassword;x"]),
    st.binary(min_size=4),
)
def test_no_secret_comes_through(name: str, attribute: bytes, secret: bytes) -> None:
    value = attribute + (b":= " if name == "reqMod" else b": ") + secret
    data = write_entry("dn", {name: [value]}, frozenset({"userpassword"}))
    (kept,) = read_entry(data).attributes[name]
    assert kept == (attribute + (b":= " if name == "reqMod" else b": ") + WITHHELD).decode()


@given(st.binary(max_size=60))
def test_any_original_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(SkippableRecord):
        read_entry(data)
