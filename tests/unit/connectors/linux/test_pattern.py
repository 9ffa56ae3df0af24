from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux.pattern import expand, matcher_of_path, resolve
from xspm.model.unknown import Unknown

TREE = {"/": ["etc"], "/etc": [".hidden", "a.conf", "b.conf", "c.d"], "/etc/c.d": ["x.conf"]}
PATHS = {"/etc", *(f"{folder.rstrip('/')}/{name}" for folder, names in TREE.items() for name in names)}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/etc/*.conf", ["/etc/a.conf", "/etc/b.conf"]),
        ("/etc/*", ["/etc/a.conf", "/etc/b.conf", "/etc/c.d"]),
        ("/etc/.h*", ["/etc/.hidden"]),
        ("/etc/*/x.conf", ["/etc/c.d/x.conf"]),
        ("/etc/[ab].conf", ["/etc/a.conf", "/etc/b.conf"]),
        ("/etc/a.conf", ["/etc/a.conf"]),
        ("/nowhere/*", []),
    ],
)
def test_expand(pattern: str, expected: list[str]) -> None:
    assert expand(pattern, TREE.get, PATHS.__contains__) == expected


def test_expand_is_unknown_where_a_folder_cannot_be_listed() -> None:
    assert expand("/etc/*", Unknown, lambda _: True) == Unknown("/etc")
    assert expand("/a/b", lambda _: [], Unknown) == Unknown("/a/b")


def test_whole_path_expression_stays_in_its_component() -> None:
    assert matcher_of_path("/a/*/c").match("/a/b/c")
    assert not matcher_of_path("/a/*/c").match("/a/b/b/c")


LINKS = {"/abs": "/etc", "/up": "../../../../etc", "/loop": "loop", "/a": "b", "/b": "a", "/etc/rel": "x"}


@pytest.mark.parametrize(
    ("path", "follow", "expected"),
    [
        ("/abs/passwd", False, "/etc/passwd"),
        ("/up/passwd", True, "/etc/passwd"),
        ("/../../etc/./passwd", True, "/etc/passwd"),
        ("/etc/rel", True, "/etc/x"),
        ("/etc/rel", False, "/etc/rel"),
        ("/", True, "/"),
    ],
)
def test_resolve(path: str, follow: bool, expected: str) -> None:  # noqa: FBT001 - a column of a table
    assert resolve(path, LINKS.get, follow=follow) == expected


@pytest.mark.parametrize("path", ["/loop/x", "/a"])
def test_resolve_ends_loops(path: str) -> None:
    with pytest.raises(OSError, match="too many levels"):
        resolve(path, LINKS.get, follow=True)


@given(
    st.lists(st.sampled_from(["..", ".", "a", "b", "", "c"]), max_size=8),
    st.dictionaries(
        st.sampled_from(["/a", "/b", "/a/b", "/b/c"]), st.sampled_from(["..", "/", "../../..", "b", "/a", "c/../.."])
    ),
)
def test_resolve_never_leaves_the_root(parts: list[str], links: dict[str, str]) -> None:
    try:
        found = resolve("/" + "/".join(parts), links.get, follow=True)
    except OSError:
        return
    assert found.startswith("/")
    assert ".." not in found.split("/")
