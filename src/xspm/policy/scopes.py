"""The scope of a policy: it must be able to meet an asset, or a misspelt word of it would be a pass.

A scope by a label that no asset carries, or by a type that no connector makes, is met by nothing: the policy would
never ask anything, and nobody would see that. So a scope may speak only of the types of assets that there are, and of
labels that those types carry. Values of labels, names and ids are anybody's and are not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from xspm.policy.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from xspm.errors import XspmError
    from xspm.syntax.fields import Fields

    Assets: TypeAlias = Mapping[str, Collection[str]]
    """By type of asset: the labels that assets of it may carry."""

EVERY: Final = ("type", "id", "name")
"""What a scope can name of every asset."""


def unfit(fields: Fields, scope: Mapping[str, Sequence[str]], assets: Assets) -> list[XspmError]:
    """What keeps a scope from ever being met.

    Args:
        fields: the policy's file, for places.
        scope: what was read of it.
        assets: every type of asset that there is.
    """
    return [*_types(fields, scope.get("type", ()), assets), *_labels(fields, scope, assets)]


def _types(fields: Fields, patterns: Sequence[str], assets: Assets) -> Iterator[XspmError]:
    for index, pattern in enumerate(patterns):
        if not any(matches(kind, (pattern,)) for kind in assets):
            near = _near(pattern, assets)
            yield fields.mistake(
                f"no asset is of the type {pattern!r}",
                "scope",
                "type",
                index,
                hint=f"did you mean {near}?" if near else f"known: {', '.join(sorted(assets))}",
            )


def _labels(fields: Fields, scope: Mapping[str, Sequence[str]], assets: Assets) -> Iterator[XspmError]:
    """Name the labels that no asset carries, or none of the types that the same scope asks for."""
    every = {*EVERY, *(label for labels in assets.values() for label in labels)}
    # Where no type fits, that is the mistake, and the labels are held against all of them.
    meant = [kind for kind in assets if "type" not in scope or matches(kind, scope["type"])] or list(assets)
    for label in scope:
        if label not in every:
            near = _near(label, every)
            hint = f"did you mean `{near}`?" if near else f"known here: {', '.join(sorted(every))}"
            yield fields.mistake(f"no asset has the label `{label}`", "scope", label, hint=hint)
        elif label not in EVERY and not any(label in assets[kind] for kind in meant):
            having = ", ".join(sorted(kind for kind in assets if label in assets[kind]))
            yield fields.mistake(
                f"no asset of the type {' or '.join(sorted(meant))} has the label `{label}`",
                "scope",
                label,
                hint=f"assets that have it are of the type {having}",
            )


def _near(word: str, known: Collection[str]) -> str | None:
    import difflib  # noqa: PLC0415 - only an error needs it

    return next(iter(difflib.get_close_matches(word, sorted(known), n=1)), None)
