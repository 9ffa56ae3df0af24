"""Shell wildcards, whole text, case-sensitive."""

from __future__ import annotations

import pytest

from xspm.policy.patterns import matches


@pytest.mark.parametrize(
    ("text", "patterns", "expected"),
    [
        ("linux.sshd.a", ["linux.*"], True),
        ("linux.sshd.a", ["linux.sshd"], False),
        ("linux.sshd.a", ["LINUX.*"], False),
        ("linux.sshd.a", ["k8s.*", "*.a"], True),
        ("a", ["[ab]"], True),
        ("[ab]", ["[ab]"], True),
        ("a\nb", ["a*"], True),
        ("a", [], False),
        ("a.b", ["a?b"], True),
        ("axb", ["a.b"], False),
        ("a.bc", ["a.b"], False),
        ("A.b", ["a.b", "A.b"], True),
    ],
)
def test_patterns(text: str, patterns: list[str], *, expected: bool) -> None:
    assert expected == matches(text, patterns)
