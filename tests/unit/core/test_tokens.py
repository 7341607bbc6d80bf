import pytest

from ledger.core.tokens import KEY_MARK, KEY_TOKEN, MAX_TOKEN, MAX_TOKENS, key_token, query_tokens, tokens


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("TIC101.SP", {"tic101.sp", "tic101", "sp"}),
        ("lot L-2026-001,", {"lot", "l-2026-001", "l", "2026", "001"}),
        (
            "stock.move/L-2026-001",
            {"stock.move/l-2026-001", "stock.move", "l-2026-001", "stock", "move", "l", "2026", "001"},
        ),
        ("ns=2;s=Area.TIC101", {"ns", "2", "s", "area.tic101", "area", "tic101"}),
        ("operator1@site.example", {"operator1@site.example", "operator1", "site.example", "site", "example"}),
        ("changed 37.5 to 40\u00b0C.", {"changed", "37.5", "37", "5", "to", "40", "c"}),
        ("2026-11-25T07:10", {"2026-11-25t07:10", "2026-11-25t07", "10", "2026", "11", "25t07"}),
        ("-a- ..b.. /c/ --- _", {"a", "b", "c"}),
        ("\"quoted\" 'x' (y) [z] a\tb\nc\x00d", {"quoted", "x", "y", "z", "a", "b", "c", "d"}),
        ("", set()),
        (" \n.-/ ", set()),
    ],
)
def test_ids_are_found_whole_and_in_parts(text: str, found: set[str]) -> None:
    assert tokens(text) == tuple(sorted(found))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("STRASSE stra\u00dfe", ("strasse",)),
        ("\ufb01ne \u2460 \uff34\uff29\uff23", ("1", "fine", "tic")),
        ("e\u0301t\u00e9", ("\u00e9t\u00e9",)),
        ("\u0928\u092e\u0938\u094d\u0924\u0947", ("\u0928\u092e\u0938\u094d\u0924\u0947",)),
        ("\u6279\u53f7\uff1aA1", ("a1", "\u6279\u53f7", "\u6279\u53f7:a1")),
        ("a\u2028b\u00a0c\u0085d\ud800e", ("a", "b", "c", "d", "e")),
    ],
)
def test_one_spelling_stands_for_all_that_look_or_mean_the_same(text: str, found: tuple[str, ...]) -> None:
    assert tokens(text) == found


def test_letters_and_digits_are_not_split() -> None:
    assert tokens("TIC101") == ("tic101",)


def test_a_search_for_an_id_wants_it_whole() -> None:
    assert query_tokens("Lot TIC101.SP, TIC101.SP") == ("lot", "tic101.sp")


def test_a_part_of_a_path_is_found_by_its_whole_id() -> None:
    found = tokens("stock.move/L-2026-001")
    for query in ("L-2026-001", "stock.move", "stock.move/l-2026-001", "2026"):
        assert set(query_tokens(query)) <= set(found)


def test_a_long_token_is_cut_and_its_parts_are_kept() -> None:
    long = "x" * 63 + "/" + "y" * 70 + "/report.pdf"
    found = tokens(long)
    assert "x" * 63 in found
    assert "y" * 64 in found
    assert {"report.pdf", "report", "pdf"} <= set(found)
    assert max(map(len, found)) == MAX_TOKEN
    assert set(query_tokens(long)) <= set(found)


def test_a_text_of_many_words_gives_its_first_512() -> None:
    text = " ".join(f"w{number:05d}" for number in range(5000, 0, -1))
    found = tokens(text)
    assert len(found) == MAX_TOKENS
    assert found == tuple(f"w{number:05d}" for number in range(5000 - MAX_TOKENS + 1, 5001))
    assert tokens(text) == found


def test_the_token_of_a_record_s_key_is_none_of_any_text_and_tells_sources_apart() -> None:
    found = key_token("erp", "2026/00042")
    assert (len(found), found[0]) == (KEY_TOKEN, KEY_MARK)
    assert found not in tokens(f"{found} erp 2026/00042")
    assert len({found, key_token("er", "p2026/00042"), key_token("dcs", "2026/00042"), key_token("erp", "2026")}) == 4
    assert key_token("erp", "\ud800")  # whatever a source calls an id
