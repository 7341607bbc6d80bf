import random
import re
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ledger.core.tokens import MAX_TOKEN, MAX_TOKENS, query_tokens, tokens, tokens_of
from tests.support.sampled import WHOLE
from tests.support.seeds import SEED

ids = st.text(alphabet="aB1.-_/:@ \u00e9\u0301\u00df\ufb01\u212a\u0345", max_size=80)
texts = st.text(max_size=200) | ids
PLAIN = re.compile(r"[a-z0-9._\-/:@]")
CONNECTORS = set("._-/:@")


def _is_letter(character: str) -> bool:
    if character.isascii():
        return character.isdecimal() or (character.isalpha() and character.islower())
    return unicodedata.category(character)[0] in "LNM"


@given(texts)
def test_tokens_are_few_short_unique_sorted_and_of_the_alphabet(text: str) -> None:
    found = tokens(text)
    assert list(found) == sorted(set(found))
    assert len(found) <= MAX_TOKENS
    for token in found:
        assert 1 <= len(token) <= MAX_TOKEN
        assert _is_letter(token[0])
        assert _is_letter(token[-1])
        assert all(_is_letter(character) or character in CONNECTORS for character in token)
        assert all(PLAIN.fullmatch(character) for character in token if character.isascii())


@given(texts)
def test_each_token_is_its_own_search_term(text: str) -> None:
    for token in tokens(text):
        assert query_tokens(token) == (token,)
        assert token in tokens(token)


@given(texts.filter(lambda text: len(text) <= MAX_TOKEN))
def test_tokenising_the_tokens_finds_nothing_else(text: str) -> None:
    found = tokens(text)
    if max(map(len, found), default=0) < MAX_TOKEN:
        assert tokens(" ".join(found)) == found


@given(texts)
def test_whatever_is_searched_as_it_was_written_is_found(text: str) -> None:
    assert set(query_tokens(text)) <= set(tokens(text))


@given(ids, ids)
def test_a_word_is_found_wherever_it_stands(before: str, word: str) -> None:
    assert set(tokens(word)) <= set(tokens(f"{before} {word}"))


def test_every_character_is_a_letter_or_separates() -> None:
    every = range(0x3000, 0x32400)
    rare = every if WHOLE else random.Random(SEED).sample(every, 40_000)
    for code in [*range(0x3000), *rare, *range(0xE0000, 0xE0200), sys.maxunicode]:  # beyond: none is assigned
        for token in query_tokens(f"a{chr(code)}b"):
            assert query_tokens(token) == (token,), f"U+{code:04X}"
            assert not re.search(r"[\s\"'\x00-\x1f\x7f-\x9f\ud800-\udfff]", token), f"U+{code:04X}"


@given(st.lists(texts, max_size=12), texts)
def test_tokens_of_several_texts_are_those_of_the_texts_together(recurring: list[str], text: str) -> None:
    together = tokens_of(recurring, text)
    assert len(together) == len(set(together))
    joined = tokens(" ".join((text, *recurring)))
    assert set(together) == set(joined) or (len(together) == MAX_TOKENS and together == list(joined))
