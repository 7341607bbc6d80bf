"""Git repositories of recipes or PLC programs: every commit, annotated tag and moved ref, from a copy of the source.

- Each commit that the watched refs reach is a record once, after its parents; the identity is its object id. Times,
  names and addresses are what its author's own git was told: nothing proves them but a signature, whose status git
  says (`signature.says`), by GPG keys or SSH allowed signers that the options name.
- A commit's files are those that it changed against its first parent; the textual difference is bounded.
- Each ref that came, moved or went between two looks is a record with the interval; who moved it git does not say.
  Where commits are no longer reached (a forced push, a branch deleted), the run has a gap too: what else stood there
  meanwhile was never seen. The copy keeps the dropped commits that were seen.
- The snapshot holds the refs as they were last told, and the last commits told while a look is not told whole.
- Git has no clock to ask: a commit's time is its author's machine's. Of itself a repository tells the kind of its
  object ids, and, on this machine, whether a push may rewrite its history; the version of a server's git is not told.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from collectors.base import Check, CheckReport, Option, Secret, Stop, judge_clock
from collectors.batch import BatchBuilder
from collectors.facts import AUDIT_TRAIL, SCHEMA
from collectors.it.git_look import GitLook
from collectors.it.git_original import MEDIA_TYPE, git_item
from collectors.it.git_program import Git, Place, checked_url
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Original
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig


class GitRepository(MappedCollector):
    """See the module."""

    type = "git"
    title = "Git repository (commits, tags, signatures)"
    recounts = True
    format = "1"
    tells: tuple[str, ...] = (SCHEMA,)
    options = (
        Option(name="url", meaning="the repository: an absolute path, file:///… or https://…", required=True),
        Option(name="cache", meaning="a folder of the collector's own, in which it keeps a copy", required=True),
        Option(
            name="refs",
            meaning="refs that are watched, comma-separated, with one * each",
            default="refs/heads/*, refs/tags/*",
        ),
        Option(name="user", meaning="the account, for https"),
        Option(name="ca_file", meaning="PEM file of the CA that signed the server's certificate"),
        Option(name="allowed_signers", meaning="file of SSH keys whose signatures count (ssh-keygen, ALLOWED SIGNERS)"),
        Option(name="gnupg_home", meaning="GnuPG folder with the keys whose signatures count"),
        Option(
            name="max_diff", meaning="bytes of a commit's textual difference that are kept; 0: none", default="65536"
        ),
        Option(name="max_files", meaning="changed files of a commit that are named", default="1000"),
        Option(name="seconds", meaning="at most so long may one answer take", default="300"),
    )
    secrets = (Secret(name="password", meaning="password or token of the account, for https", required=False),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        refs = read_list(self.option("refs"))
        for ref in refs:
            if not ref.startswith("refs/") or ref.count("*") > 1 or any(mark in ref for mark in ": ?[^~\\"):
                raise ConfigError(
                    f"option 'refs': {ref!r} is no name of refs", advice="Write refs/heads/main or refs/tags/*."
                )
        if not Path(self.option("cache")).is_absolute():
            raise ConfigError("option 'cache' is no absolute path", advice="Write the whole path of the folder.")
        self._git = Git(
            Place(
                url=checked_url(self.option("url")),
                cache=Path(self.option("cache")),
                refs=refs,
                user=self.option("user"),
                password=self.secret("password"),
                ca_file=self.option("ca_file"),
                allowed_signers=self.option("allowed_signers"),
                gnupg_home=self.option("gnupg_home"),
                seconds=self.number("seconds", 1, 86_400),
            )
        )
        if self._git.place.local is not None:
            self.tells = (SCHEMA, AUDIT_TRAIL)
        self._max_diff = int(self.number("max_diff", 0, 200_000))
        self._max_files = int(self.number("max_files", 1, 5_000))

    def item(self, original: Original) -> Item:
        return git_item(original.data)

    def check(self) -> CheckReport:
        place = self._git.place
        try:
            version, refs = self._git.version(), self._git.remote_refs()
        except (RetriableSource, FatalSource) as error:
            return CheckReport(checks=(Check(name="reach", ok=False, says=error.message, advice=error.advice),))
        checks = [
            Check(
                name="reach",
                ok=bool(refs),
                says=f"{place.url} has {len(refs)} of the refs {', '.join(place.refs)}; read by {version}",
                advice="" if refs else "Check the option refs: none of its names is there.",
            ),
            self._check_signers(),
        ]
        if place.local is not None:
            checks.append(self._check_rewriting())
        return CheckReport(checks=(*checks, judge_clock(None)))

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        self._git.fetch()
        look = GitLook(self._git, state, self.clock, self._builder, self._wrap, (self._max_diff, self._max_files))
        yield from look.batches(stop)

    def _builder(self) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, None)

    def _wrap(self, data: bytes) -> Original:
        return self.original(data, MEDIA_TYPE)

    def _check_signers(self) -> Check:
        place = self._git.place
        given = [name for name in (place.allowed_signers, place.gnupg_home) if name]
        missing = [name for name in given if not Path(name).exists()]
        if missing:
            advice = "Correct the options allowed_signers and gnupg_home; signatures cannot be checked until then."
            return Check(name="signers", ok=False, says=f"{missing[0]} is not there", advice=advice)
        if given:
            return Check(name="signers", ok=True, says=f"signatures are checked against {' and '.join(given)}")
        says = "no signers are named: a signature can be found good, but nobody's (options allowed_signers, gnupg_home)"
        return Check(name="signers", ok=True, says=says)

    def _check_rewriting(self) -> Check:
        """Whether a repository on this machine takes forced pushes: git's own equal of an audit-trail setting."""
        refused = self._git.setting("receive.denyNonFastForwards").lower() in {"true", "yes", "on", "1"}
        says = "pushes that rewrite its history are refused" if refused else "its history can be rewritten by a push"
        advice = "Set receive.denyNonFastForwards (and receive.denyDeletes) there; until then each rewriting is a gap."
        return Check(name="rewriting", ok=refused, says=says, advice="" if refused else advice)
