"""The levels of verification: what each proves, what it does not, and which are built."""

import msgspec


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One level. `built`: what of it this version runs (empty: nothing); `open`: what of it is still to come."""

    number: int
    name: str
    proves: str
    does_not_prove: str
    built: str
    open: str = ""


LEVELS = (
    Level(
        number=1,
        name="entries and tree",
        proves="Every stored body is the one that its entry committed to; the entries form one unbroken chain; their "
        "tree has the root of every checkpoint and of the head.",
        does_not_prove="That the records were true at their source, or that the whole log was not replaced together "
        "with its key: levels 3 and 5.",
        built="all",
    ),
    Level(
        number=2,
        name="projections and vault",
        proves="Every body is canonical JSON of its schema; every table that answers a question equals a replay of the "
        "log, search columns and full text included; originals, sealed values and secrets are those that entries "
        "commit to; whoever caused an entry had the right to, as the system log has it, and signed or vouched from "
        "where the rules then let them, by no passkey whose test was overdue; the numbers of assessments are those of "
        "their cells, and the cells of blocks, drawn anew each time, are what the records come to.",
        does_not_prove="That an entry that was appended should have been appended.",
        built="all",
    ),
    Level(
        number=3,
        name="checkpoints and keys",
        proves="Every stored checkpoint was signed by the keys that were the log's at its size and is consistent with "
        "the log as it is today; each key that took over had been promised by its digest before, and both keys signed "
        "for that; what the logs say of each other still holds; every cosignature that entries bear is by a witness "
        "that was asked for, over the checkpoint that stands there, and met or missed the policy as they say; every "
        "time-stamp holds as of the moment that it names, by an authority that two let in, over the checkpoint that "
        "stands there.",
        does_not_prove="Anything against who holds database and key, as far as no witness of theirs has cosigned, and "
        "no authority of time has dated it.",
        built="all",
    ),
    Level(
        number=4,
        name="electronic signatures",
        proves="Each electronic signature covers exactly the content that it names, which stands unchanged; it is by a "
        "key that chains to the first start and counted then; it was made once, at its time, in a role that was held. "
        "Each step of a signing request was signed in order, by who might sign it.",
        does_not_prove="Who sat at the keyboard.",
        built="all",
    ),
    Level(
        number=5,
        name="rollback",
        proves="The log is not older than what its signer signed, than what is kept outside the database, and than "
        "what a quorum of its witnesses, asked now, has seen.",
        does_not_prove="Anything about entries that no witness has seen yet.",
        built="all",
    ),
)

BUILT = tuple(level.number for level in LEVELS if level.built)
