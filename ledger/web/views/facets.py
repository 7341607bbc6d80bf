"""Counts beside a search's answer: each value leads to what has it, and once more back."""

import re

import msgspec

from ledger.present.inert import one_line
from ledger.store.counting import FACETS, Counts, Linked
from ledger.web.views.search_form import FIRST, Form, field_word


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a facet: its words, how many records have it, and where choosing or dropping it leads."""

    label: str
    count: int
    url: str
    chosen: bool


class FacetGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A facet: its words' key, and its most frequent values."""

    key: str
    choices: tuple[Choice, ...]


class LinkedGroups(msgspec.Struct, frozen=True, kw_only=True):
    """What the newest `of` of the records found belong to, by kind."""

    of: int
    groups: tuple[FacetGroup, ...]


def facets_of(form: Form, found: Counts) -> tuple[FacetGroup, ...]:
    """By source, action, outcome and type of object."""
    groups = []
    for name in FACETS:
        choices = tuple(
            Choice(
                label=one_line(field_word(name, facet.value), 40),
                count=facet.count,
                url=form.url(**{name: None if form.fields.get(name) == facet.value else facet.value, **FIRST}),
                chosen=form.fields.get(name) == facet.value,
            )
            for facet in found.facets[name]
        )
        if choices:
            groups.append(FacetGroup(key=f"search.{name}", choices=choices))
    return tuple(groups)


def linked_of(form: Form, found: Linked) -> LinkedGroups:
    """By what records belong to. Choosing one adds it to the links that are asked for; choosing it again drops it."""
    asked = [one for one in re.split(r"\s*;\s*", form.fields.get("links", "")) if one]
    groups = []
    for kind, facets in found.facets.items():
        choices = []
        for facet in facets:
            link = f"{kind}:{facet.value}"
            if ";" in link:
                continue  # the field parts links by it
            others = [one for one in asked if one != link]
            chosen = len(others) < len(asked)
            links = "; ".join(others if chosen else [*asked, link]) or None
            label = one_line(facet.value, 40)
            choices.append(Choice(label=label, count=facet.count, url=form.url(links=links, **FIRST), chosen=chosen))
        if choices:
            groups.append(FacetGroup(key=f"link.{kind}", choices=tuple(choices)))
    return LinkedGroups(of=found.of, groups=tuple(groups))
