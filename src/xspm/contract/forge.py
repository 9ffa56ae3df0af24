"""What a forge recorded of a merged change: GitHub's own answers, read strictly.

A record is four or five answers of GitHub's REST API put together: the pull request, its reviews, its commits, the
commit it was merged as, and the pushes to its branch. Field names: https://docs.github.com/rest/pulls/pulls,
/rest/pulls/reviews, /rest/commits/commits, /rest/repos/repos#list-repository-activities. From them follow the people
who made the change and those who approved exactly what was merged. Where a part is missing nothing is supposed:
`Pull.doubts` says what could not be known, and a pull request with doubts is no review.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.contract.terms import read_time
from xspm.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_RECORD: Final = 64 << 20
_REVISION: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NOREPLY: Final = re.compile(r"(?:\d+\+)?([^@+]+)@users\.noreply\.github\.com", re.IGNORECASE)
_CO_AUTHOR: Final = re.compile(r"^[ \t]*co-authored-by:[^<\n]*<([^>\n]*)>", re.IGNORECASE | re.MULTILINE)
_FORGE_ITSELF: Final = "web-flow"
"""The account by which GitHub makes merge commits."""
_UNSENT: Final = "PENDING"
"""A review that nobody submitted yet, which has no time."""
_FORGE_EMAIL: Final = "noreply@github.com"


class _User(msgspec.Struct, frozen=True):
    login: str
    type: str = "User"


class _Head(msgspec.Struct, frozen=True):
    sha: str


class _Pull(msgspec.Struct, frozen=True):
    number: int
    html_url: str
    user: _User | None
    head: _Head
    merged: bool
    merged_at: str | None
    merge_commit_sha: str | None
    commits: int


class _Review(msgspec.Struct, frozen=True):
    user: _User | None
    state: str
    commit_id: str | None = None
    submitted_at: str = ""


class _Person(msgspec.Struct, frozen=True):
    email: str = ""


class _Verification(msgspec.Struct, frozen=True):
    verified: bool = False


class _GitCommit(msgspec.Struct, frozen=True):
    message: str
    author: _Person | None = None
    committer: _Person | None = None
    verification: _Verification = _Verification()


class _Commit(msgspec.Struct, frozen=True):
    sha: str
    commit: _GitCommit
    # GitHub answers an empty object for an author whom it cannot tell.
    author: dict[str, Any] | None = None
    committer: dict[str, Any] | None = None
    parents: tuple[_Head, ...] = ()


class _Activity(msgspec.Struct, frozen=True):
    after: str
    activity_type: str
    actor: _User | None = None


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pull: _Pull
    reviews: tuple[_Review, ...]
    commits: tuple[_Commit, ...]
    merge_commit: _Commit
    activity: tuple[_Activity, ...] = ()


class Given(msgspec.Struct, frozen=True):
    """An approval of exactly what was merged."""

    login: str
    at: str


class Pull(msgspec.Struct, frozen=True):
    """A pull request that was merged."""

    where: str
    before: str
    """The revision that it was merged onto."""
    after: str
    """The revision that it was merged as."""
    merged_at: str
    author: str
    """Login of who opened it."""
    makers: tuple[str, ...]
    """Logins of everybody who opened, wrote, committed or pushed any of it, lower case."""
    strangers: tuple[str, ...]
    """E-mail addresses of authors whose login the forge does not know."""
    approvals: tuple[Given, ...]
    refused: tuple[str, ...]
    """Reviews that do not count, with the reason."""
    doubts: tuple[str, ...]
    """What could not be known of it."""


def read_pulls(data: bytes, file: str) -> tuple[Pull, ...]:
    """Read recorded answers: one record, or a list of them.

    Raises:
        ContractError: it is not what GitHub answers.
    """
    try:
        records = msgspec.json.decode(data, type=tuple[_Record, ...] | _Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(
            f"not a record of GitHub's answers: {error}",
            file=file,
            hint="an object with pull, reviews, commits, merge_commit and activity",
        ) from error
    return tuple(_pull(one, file) for one in (records if isinstance(records, tuple) else (records,)))


def _pull(record: _Record, file: str) -> Pull:
    pull, merge = record.pull, record.merge_commit
    if not pull.merged or pull.merged_at is None or pull.merge_commit_sha is None:
        raise ContractError(f"{pull.html_url} was not merged", file=file)
    for revision in (pull.head.sha, merge.sha, *(one.sha for one in merge.parents)):
        if not _REVISION.fullmatch(revision):
            raise ContractError(f"{revision[:80]!r} is no revision", file=file)
    for time in (pull.merged_at, *(one.submitted_at for one in record.reviews if one.state != _UNSENT)):
        # In this one form texts compare as times do.
        read_time(time, file)
    logins, strangers = _makers(record)
    approvals, refused = _reviews(record.reviews, pull.head.sha, pull.merged_at)
    return Pull(
        where=pull.html_url,
        before=merge.parents[0].sha if merge.parents else "",
        after=merge.sha,
        merged_at=pull.merged_at,
        author=pull.user.login if pull.user else "",
        makers=tuple(sorted(logins)),
        strangers=tuple(sorted(strangers)),
        approvals=approvals,
        refused=refused,
        doubts=tuple(_doubts(record)),
    )


def _doubts(record: _Record) -> Iterator[str]:
    pull, merge = record.pull, record.merge_commit
    if merge.sha != pull.merge_commit_sha:
        yield f"the commit {merge.sha[:12]} is not the one it was merged as"
    if not record.commits or record.commits[-1].sha != pull.head.sha or len(record.commits) != pull.commits:
        yield f"{len(record.commits)} of its {pull.commits} commits are recorded, up to another one than its head"
    if pull.user is None:
        yield "who opened it is not known"
    if len(merge.parents) == 2 and merge.parents[1].sha != pull.head.sha:
        yield f"{merge.parents[1].sha[:12]} was merged, and not its head"
    if len(merge.parents) not in {1, 2}:
        yield f"its merge has {len(merge.parents)} parents"
    if _login(merge.committer) != _FORGE_ITSELF or not merge.commit.verification.verified:
        # Whoever merges by hand can put anything into the merge.
        yield "the forge itself did not make and sign its merge commit"
    if not any(one.after == pull.head.sha and one.actor for one in record.activity):
        yield "who pushed its head is not recorded"


def _login(user: dict[str, Any] | None) -> str:
    login = (user or {}).get("login")
    return login if isinstance(login, str) else ""


def _makers(record: _Record) -> tuple[set[str], set[str]]:
    """Everybody who had a hand in it: logins in lower case, and addresses that have none."""
    logins = {record.pull.user.login} if record.pull.user else set()
    strangers: set[str] = set()
    pushed = {one.sha for one in record.commits}
    logins |= {one.actor.login for one in record.activity if one.actor and one.after in pushed}
    for one in record.commits:
        for user, person in ((one.author, one.commit.author), (one.committer, one.commit.committer)):
            if _login(user):
                logins.add(_login(user))
            else:
                strangers.add(person.email if person else "")
        strangers |= set(_CO_AUTHOR.findall(one.commit.message))
    # A squash merge names the co-authors of what it squashed.
    strangers |= set(_CO_AUTHOR.findall(record.merge_commit.commit.message))
    for address in list(strangers):
        found = _NOREPLY.fullmatch(address.strip())
        if found or address.strip().casefold() == _FORGE_EMAIL:
            strangers.discard(address)
            logins |= {found.group(1)} if found else set()
    return {login.casefold() for login in logins} - {_FORGE_ITSELF}, {one.strip().casefold() for one in strangers}


def _reviews(reviews: Sequence[_Review], head: str, merged_at: str) -> tuple[tuple[Given, ...], tuple[str, ...]]:
    """The approvals that stood when it was merged, of exactly what was merged."""
    last: dict[str, _Review] = {}
    refused: list[str] = []
    for review in sorted(reviews, key=lambda one: one.submitted_at):
        if review.state in {"COMMENTED", _UNSENT}:
            continue
        if review.user is None:
            refused.append("a review by an account that is gone")
        elif review.submitted_at > merged_at:
            refused.append(f"{review.user.login} reviewed only after the merge")
        else:
            last[review.user.login.casefold()] = review
    given: list[Given] = []
    for review in last.values():
        assert review.user is not None  # noqa: S101 - as above
        login = review.user.login
        if review.user.type != "User" or login.endswith("[bot]"):
            refused.append(f"{login} is a bot")
        elif review.state != "APPROVED":
            refused.append(f"the last word of {login} is {review.state}")
        elif review.commit_id != head:
            approved = review.commit_id[:12] if review.commit_id else "a commit that is gone"
            refused.append(f"{login} approved {approved}, not {head[:12]}")
        else:
            given.append(Given(login, review.submitted_at))
    return tuple(given), tuple(refused)
