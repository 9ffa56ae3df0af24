"""A scope that no asset can meet is a mistake, never a policy that silently asks nothing."""

from __future__ import annotations

import pytest

from house import folder, types
from xspm.policy.building import build

_ASSETS = {"host": ("os.family", "kernel"), "vm": ("zone",), "manifests.files": ()}
_POLICY = 'title: P\nversion: "1"\ninclude: [{frameworks: ["*"]}]\nscope: {%s}\n'


def _said(scope: str) -> list[tuple[str, str | None]]:
    text = {"policies/p.yaml": _POLICY % scope}
    errors = build([folder(text)], types, assets=lambda: _ASSETS).errors
    return [(f"{error.column}: {error.message}", error.hint) for error in errors]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("", []),
        ("type: [host], os.family: [debian, rhel], kernel: ['6.*']", []),
        ("type: ['manifests.*'], name: [a], id: [b]", []),
        ("type: ['*'], zone: [a]", []),
        ("zone: [a], os.family: [b]", []),
        ("tpye: [host]", [("9: no asset has the label `tpye`", "did you mean `type`?")]),
        ("os.familly: [x]", [("9: no asset has the label `os.familly`", "did you mean `os.family`?")]),
        (
            "street: [x]",
            [("9: no asset has the label `street`", "known here: id, kernel, name, os.family, type, zone")],
        ),
        ("type: [hosts]", [("16: no asset is of the type 'hosts'", "did you mean host?")]),
        ("type: [host, Q]", [("22: no asset is of the type 'Q'", "known: host, manifests.files, vm")]),
        (
            "type: [host, manifests.files], zone: [a]",
            [
                (
                    "40: no asset of the type host or manifests.files has the label `zone`",
                    "assets that have it are of the type vm",
                )
            ],
        ),
        ("id: []", [("9: `id` names nothing, so no asset meets it", None)]),
        ("type: , kernel: []", [("9: `type` names nothing, so no asset meets it", None), ("17: `kernel` names nothing, so no asset meets it", None)]),
    ],
)  # fmt: skip
def test_a_scope_speaks_of_assets_that_there_are(scope: str, expected: list[tuple[str, str | None]]) -> None:
    assert expected == _said(scope)


def test_scopes_are_not_judged_where_nobody_says_which_assets_there_are() -> None:
    assert build([folder({"policies/p.yaml": _POLICY % "tpye: [host]"})], types).errors == ()
