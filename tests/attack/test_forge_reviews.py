"""A pull request is made to look reviewed: what GitHub recorded is read so that none of it works."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agreement import LATER, Agreement, member, people
from commandline import Outcome, assert_refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Agreement]

BASE, HEAD, MERGE, OTHER = ("b" * 40, "c" * 40, "d" * 40, "e" * 40)
SEEN = "2026-06-02T12:00:00Z"
MERGED = "2026-06-02T10:00:00Z"


def user(login: str, kind: str = "User") -> dict[str, Any]:
    return {"login": login, "type": kind, "id": 1, "site_admin": False}


def review(login: str, state: str = "APPROVED", commit: str | None = HEAD, at: str = "2026-06-02T09:00:00Z") -> Any:
    return {"id": 7, "user": user(login), "state": state, "commit_id": commit, "submitted_at": at, "body": ""}


def commit(sha: str, login: str | None, message: str = "change", **more: Any) -> dict[str, Any]:
    person = {"name": "x", "email": f"{login}@example.com", "date": MERGED}
    return {
        "sha": sha,
        "commit": {"message": message, "author": person, "committer": person, "verification": {"verified": False}},
        "author": user(login) if login else None,
        "committer": user(login) if login else None,
        "parents": [],
        **more,
    }


def merged(*parents: str, by: str = "web-flow", verified: bool = True, message: str = "Merge") -> dict[str, Any]:
    made = commit(MERGE, by, message)
    made["commit"]["verification"]["verified"] = verified
    return made | {"parents": [{"sha": one} for one in parents]}


def record(**more: Any) -> dict[str, Any]:
    return {
        "pull": {
            "number": 7,
            "html_url": "https://github.com/acme/infra/pull/7",
            "user": user("dave-gh"),
            "head": {"sha": HEAD, "ref": "x"},
            "merged": True,
            "merged_at": MERGED,
            "merge_commit_sha": MERGE,
            "commits": 1,
        },
        "reviews": [review("Erin-GH"), review("alice-gh")],
        "commits": [commit(HEAD, "dave-gh")],
        "merge_commit": merged(BASE, HEAD),
        "activity": [{"after": HEAD, "activity_type": "push", "actor": user("dave-gh")}],
        **more,
    }


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Agreement:
    named = {name: member(name, github=f"{name}-gh") for name in ("alice", "bob", "dave", "erin")}
    made = Agreement(tmp_path, monkeypatch, capsys, parties=people(**named))
    made.at(LATER)
    return made


def drift(world: Agreement, recorded: Any, tmp_path: Path, revisions: str | None = f"{BASE}..{MERGE}") -> Outcome:
    path = tmp_path / "record.json"
    path.write_text(recorded if isinstance(recorded, str) else json.dumps(recorded))
    more = ["--revisions", revisions] if revisions else []
    before, after = world.snapshot("old"), world.snapshot("new", SEEN)
    return world.run("drift", before, after, "--reviews", str(path), "--output", "json", *more)


def test_two_people_of_the_right_sides(world: Agreement, tmp_path: Path) -> None:
    """Nobody attacks: a pull request that both sides reviewed is a reviewed change."""
    done = drift(world, [record()], tmp_path)
    review_ = json.loads(done.out)["review"]
    assert (done.code, review_["reviewed"], review_["source"]) == (0, True, "forge")
    assert (review_["author"], review_["reviewers"]) == ("dave", ["alice", "erin"])


ERIN, ALICE = review("erin-gh"), review("alice-gh")
STRANGER = commit(HEAD, None)
TWO_PUSHES = [
    {"after": HEAD, "activity_type": "push", "actor": user("dave-gh")},
    {"after": HEAD, "activity_type": "force_push", "actor": user("alice-gh")},
]


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"reviews": []}, "1 more of security"),
        ({"reviews": [ERIN]}, "1 more of security"),
        ({"reviews": [ERIN, review("erin-gh")]}, "1 more of security"),
        ({"reviews": [ERIN, review("alice-gh", commit=OTHER)]}, "alice-gh approved eeeeeeeeeeee, not cccccccccccc"),
        ({"reviews": [ERIN, review("alice-gh", commit=None)]}, "alice-gh approved a commit that is gone, not"),
        ({"reviews": [ERIN, review("alice-gh", "COMMENTED")]}, "1 more of security"),
        ({"reviews": [ERIN, review("alice-gh", "DISMISSED")]}, "the last word of alice-gh is DISMISSED"),
        (
            {"reviews": [ERIN, ALICE, review("alice-gh", "CHANGES_REQUESTED", at="2026-06-02T09:30:00Z")]},
            "the last word of alice-gh is CHANGES_REQUESTED",
        ),
        ({"reviews": [ERIN, review("alice-gh", at="2026-06-02T11:00:00Z")]}, "alice-gh reviewed only after the merge"),
        ({"reviews": [ERIN, review("dave-gh")]}, "dave does not count: made some of it"),
        ({"reviews": [ERIN, review("alice-two")]}, "alice-two, who approved, is nobody of the contract"),
        ({"reviews": [ERIN, {**ALICE, "user": user("alice-gh", "Bot")}]}, "alice-gh is a bot"),
        ({"reviews": [ERIN, review("sec-review[bot]")]}, "sec-review[bot] is a bot"),
        ({"reviews": [ERIN, {**ALICE, "user": None}]}, "a review by an account that is gone"),
        ({"commits": [commit(HEAD, "alice-gh")]}, "alice does not count: made some of it"),
        (
            {"commits": [commit(HEAD, "dave-gh", "x\n\nCo-authored-by: A <7+alice-gh@users.noreply.github.com>")]},
            "alice does not count: made some of it",
        ),
        (
            {"merge_commit": merged(BASE, message="x\n\nCo-Authored-By: A <alice-gh@users.noreply.github.com>")},
            "alice does not count: made some of it",
        ),
        (
            {"commits": [commit(HEAD, "dave-gh", "x\n\nCo-authored-by: A <private@example.org>")]},
            "private@example.org, who made some of it, is nobody of the contract",
        ),
        ({"commits": [STRANGER]}, "none@example.com, who made some of it, is nobody of the contract"),
        ({"pull": {**record()["pull"], "user": user("alice-two")}}, "alice-two, who made some of it, is nobody"),
        ({"pull": {**record()["pull"], "user": None}}, "who opened it is not known"),
        ({"activity": TWO_PUSHES}, "alice does not count: made some of it"),
        ({"activity": []}, "who pushed its head is not recorded"),
        ({"commits": [commit(OTHER, "dave-gh")]}, "1 of its 1 commits are recorded, up to another one"),
        ({"pull": {**record()["pull"], "commits": 2}}, "1 of its 2 commits are recorded"),
        ({"merge_commit": merged(BASE, OTHER)}, "eeeeeeeeeeee was merged, and not its head"),
        ({"merge_commit": merged(BASE, HEAD, by="dave-gh")}, "the forge itself did not make and sign its merge"),
        ({"merge_commit": merged(BASE, HEAD, verified=False)}, "the forge itself did not make and sign its merge"),
        ({"merge_commit": merged(OTHER, HEAD)}, "it was merged onto eeeeeeeeeeee, and the state before is of bbbb"),
        ({"merge_commit": merged()}, "its merge has 0 parents"),
        ({"pull": {**record()["pull"], "merge_commit_sha": OTHER}}, "is not the one it was merged as"),
        ({"pull": {**record()["pull"], "merged_at": "2026-06-05T00:00:00Z"}}, "after the change was seen"),
    ],
)  # fmt: skip
def test_what_does_not_count(world: Agreement, tmp_path: Path, more: dict[str, Any], complaint: str) -> None:
    """A pull request is made to look reviewed: by its author, bots, second accounts, stale heads or late reviews."""
    done = drift(world, record(**more), tmp_path)
    found = json.loads(done.out)["review"]
    assert (done.code, found["reviewed"]) == (1, False)
    assert complaint in " | ".join([found["missing"], *found["refused"]])


@pytest.mark.parametrize(
    ("revisions", "complaint"),
    [(None, "which revisions the two states come from is not known"), (f"{BASE}..{OTHER}", "")],
)
def test_a_review_of_another_revision(world: Agreement, tmp_path: Path, revisions: str | None, complaint: str) -> None:
    """The review of another revision is shown for this change."""
    done = drift(world, record(), tmp_path, revisions)
    found = json.loads(done.out)["review"]
    assert (done.code, found["reviewed"], found["reviewers"]) == (1, False, [])
    assert complaint in " ".join(found["refused"])


@pytest.mark.parametrize(
    ("recorded", "complaint"),
    [
        ("{}", "not a record of GitHub's answers"),
        ("[[" * 50_000, "not a record of GitHub's answers"),
        ("\x00", "not a record of GitHub's answers"),
        (json.dumps(record(reviews=None)), "not a record of GitHub's answers"),
        (json.dumps(record(extra=1)), "not a record of GitHub's answers"),
        (json.dumps(record(pull={**record()["pull"], "merged": False, "merged_at": None})), "was not merged"),
        (json.dumps(record(merge_commit={**merged(BASE, HEAD), "sha": "../../x"})), "is no revision"),
    ],
)
def test_what_is_no_record(world: Agreement, tmp_path: Path, recorded: str, complaint: str) -> None:
    """The forge's record is cut, edited or not one at all."""
    assert_refused(drift(world, recorded, tmp_path), complaint)


def test_a_squash_merge_and_an_account_in_other_letters(world: Agreement, tmp_path: Path) -> None:
    """Nobody attacks: a squash merge, and accounts written in other letters, count."""
    done = drift(world, record(merge_commit=merged(BASE), reviews=[review("ERIN-gh"), review("Alice-GH")]), tmp_path)
    assert done.code == 0


def made_by(maker: str, pusher: str | None = None) -> Any:
    pull = {**record()["pull"], "user": user(maker)}
    push = [{"after": HEAD, "activity_type": "push", "actor": user(pusher or maker)}]
    return record(pull=pull, commits=[commit(HEAD, maker) | {"author": user(maker)}], activity=push)


@pytest.mark.parametrize("maker", ["dave-app[bot]", "web-flow"])
def test_nobody_but_a_bot_made_it(world: Agreement, tmp_path: Path, maker: str) -> None:
    """Everything is done by an app that one of the reviewers runs, or in the forge's own name; then they approve it."""
    recorded = made_by(maker)
    recorded["commits"][0]["commit"]["author"]["email"] = "noreply@github.com"
    recorded["commits"][0]["commit"]["committer"]["email"] = "noreply@github.com"
    done = drift(world, recorded, tmp_path)
    found = json.loads(done.out)["review"]
    assert (done.code, found["reviewed"]) == (1, False)
    assert "only bots made it, and nobody knows for whom" in found["missing"]


def test_a_bot_wrote_it_and_somebody_known_pushed_it(world: Agreement, tmp_path: Path) -> None:
    """Nobody attacks: a bot wrote it, one person answers for that by pushing it, and two others reviewed it."""
    done = drift(world, made_by("dependabot[bot]", "dave-gh"), tmp_path)
    assert done.code == 0


@pytest.mark.parametrize(
    "more",
    [
        {"reviews": [review("erin-gh", at="2026-06-02T10:30:00+02:00"), review("alice-gh")]},
        {"reviews": [review("erin-gh", at=""), review("alice-gh")]},
        {"reviews": [review("erin-gh", at="2026-6-2T9:0:0Z"), review("alice-gh")]},
        {"reviews": [review("erin-gh", at="2026-06-02T09:00:00.5Z"), review("alice-gh")]},
        {"reviews": [review("erin-gh", at="0"), review("alice-gh")]},
        {"pull": {**record()["pull"], "merged_at": "0"}},
        {"pull": {**record()["pull"], "merged_at": ""}},
        {"pull": {**record()["pull"], "merged_at": "2026-06-02T23:00:00-11:00"}},
    ],
)  # fmt: skip
def test_times_that_sort_as_they_should_not(world: Agreement, tmp_path: Path, more: dict[str, Any]) -> None:
    """A time is left out or written otherwise, so that what was approved late looks approved before the merge."""
    assert_refused(drift(world, record(**more), tmp_path), "is no time")


def test_a_review_that_was_not_sent_has_no_time(world: Agreement, tmp_path: Path) -> None:
    """Nobody attacks: GitHub gives no time for a review that is still being written."""
    pending = {name: value for name, value in review("bob-gh", "PENDING").items() if name != "submitted_at"}
    assert drift(world, record(reviews=[*record()["reviews"], pending]), tmp_path).code == 0


def test_somebody_else_asks_for_the_change(world: Agreement, tmp_path: Path) -> None:
    """Dave made a change, has erin ask for its approval, and gives it himself; the forge's record names him."""
    world.at("2026-06-02T08:00:00Z")
    world.ask_change("erin", after=world.snapshot("new", SEEN))
    (path,) = world.files("changes")
    for name in ("dave", "alice"):
        assert world.approve_change(path, name).code == 0
    world.at(LATER)
    unknown = drift(world, record(reviews=[]), tmp_path, None)
    known = drift(world, record(reviews=[]), tmp_path)
    for done in (unknown, known):
        found = json.loads(done.out)["review"]
        assert (done.code, found["reviewed"]) == (1, False)
        assert "dave does not count: made some of it (https://github.com/acme/infra/pull/7)" in " ".join(
            found["refused"]
        )
    # A record of another change says nothing of this one.
    assert drift(world, record(reviews=[]), tmp_path, f"{BASE}..{OTHER}").code == 0
