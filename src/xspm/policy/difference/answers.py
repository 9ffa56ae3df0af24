"""Whether requirements of frameworks are answered by fewer checks.

A requirement fails when any of its checks fails: one that loses a check may turn from fail to pass though every check
is asked as before. What happens to a check itself is said elsewhere, so a check that is gone is not told again for each
requirement that named it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from xspm.policy.difference.interface import Change

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from xspm.model.check import Framework, Requirement


class Answers(NamedTuple):
    """What the frameworks of a bundle say."""

    frameworks: Mapping[str, Framework]
    by_check: Mapping[str, tuple[str, ...]]
    """By check id: the requirements it answers, as `framework:requirement`."""

    def by_requirement(self) -> dict[str, set[str]]:
        """By `framework:requirement`: the checks that answer it."""
        found: dict[str, set[str]] = {}
        for check_id, requirements in self.by_check.items():
            for one in requirements:
                found.setdefault(one, set()).add(check_id)
        return found


def answered(old: Answers, new: Answers, gone: Collection[str], come: Collection[str]) -> Iterator[Change]:
    """Yield which requirements are answered by less, by more, or are worded otherwise.

    Args:
        old: the frameworks in force.
        new: those to come.
        gone: checks that are told to be removed.
        come: checks that are told to be added.
    """
    if old == new:
        return
    before, after = old.by_requirement(), new.by_requirement()
    for name in sorted(old.frameworks.keys() | new.frameworks.keys()):
        if name not in new.frameworks:
            yield Change("weakened", f"framework {name}", "the framework is gone, with all its requirements")
        elif name not in old.frameworks:
            yield Change("added", f"framework {name}", "a framework")
        else:
            was, now = ({one.id: one for one in side.frameworks[name].requirements} for side in (old, new))
            for one in sorted(was.keys() | now.keys()):
                key, said = f"{name}:{one}", f"framework {name}, requirement {one}"
                if one not in now:
                    yield Change("weakened", said, "the requirement is gone")
                elif one not in was:
                    yield Change("added", said, "a requirement")
                else:
                    yield from _answers(said, before.get(key, set()) - set(gone), after.get(key, set()) - set(come))
                    yield from _worded(said, was[one], now[one])


def _answers(said: str, before: set[str], after: set[str]) -> Iterator[Change]:
    if lost := before - after:
        yield Change("weakened", said, f"no longer answered by {', '.join(sorted(lost))}")
    if more := after - before:
        yield Change("strengthened", said, f"answered by {', '.join(sorted(more))} too")


def _worded(said: str, old: Requirement, new: Requirement) -> Iterator[Change]:
    """What else is different about a requirement: a reason ends the question, a title only words it."""
    if new.reason and not old.reason:
        yield Change("doubtful", said, f"said not to be answerable: {new.reason}")
    elif old.title != new.title or old.reason != new.reason:
        yield Change("reworded", said, "other words in its title or reason")
