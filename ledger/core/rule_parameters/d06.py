"""The parameter of rule D06. All pure."""

from typing import Annotated

import msgspec

from ledger.core.bounds import ParameterValue, Seconds
from ledger.core.record import Name
from ledger.core.rule_parameters.patterns import Back, Names, PatternList, Patterns, Scope


class Required(ParameterValue, frozen=True, kw_only=True):
    """For which acts one has to be trained in what: a document, as training names it."""

    acts: PatternList
    document: Name


class D06(ParameterValue, frozen=True, kw_only=True):
    """What says that somebody is not there, or may not do something (any more).

    `left` and `entered`: passages at doors out of the site and into it, which count for `passage_s`. `absent` and
    `present`: records of a person by which they are absent, as long as `absence` says (`valid_from`, `valid_to`,
    `zone`), and there again; they count for `back_s`. `trained` and `withdrawn`: records of a person and a document by
    which they are trained, as long as `qualification` says, and no longer. `remote`: the channels by which people work
    from afar; with `permits` (and `permits_ended`) only who is permitted to by one. `grace_s`: how long the other
    systems have to tell.
    """

    left: Patterns = ()
    entered: Patterns = ()
    passage_s: Back = 57_600
    absent: Patterns = ()
    present: Patterns = ()
    absence: Scope = Scope()
    back_s: Back = 2_678_400
    required: Annotated[tuple[Required, ...], msgspec.Meta(max_length=1000)] = ()
    trained: Patterns = ()
    withdrawn: Patterns = ()
    qualification: Scope = Scope()
    remote: Names = ()
    permits: Patterns = ()
    permits_ended: Patterns = ()
    grace_s: Seconds = 3_600

    def __post_init__(self) -> None:
        if bool(self.left) != bool(self.entered):
            raise ValueError("left and entered: give both, or neither")
        if bool(self.required) != bool(self.trained):
            raise ValueError("required and trained: give both, or neither")
