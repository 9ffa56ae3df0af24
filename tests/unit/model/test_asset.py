"""Snapshots round-trip exactly, and the same configuration has the same name."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.model.asset import Asset, Location, Problem, Resource, Snapshot, decode_snapshot, encode_snapshot
from xspm.model.unknown import Unknown

_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_LOCATIONS = st.none() | st.builds(Location, file=_TEXT, line=st.none() | st.integers(1, 9), end_line=st.none())
_SNAPSHOTS = st.builds(
    Snapshot,
    asset=st.builds(Asset, type=_TEXT, id=_TEXT, name=_TEXT, labels=st.dictionaries(_TEXT, _TEXT, max_size=2)),
    collected_at=st.just("2026-01-01T00:00:00Z"),
    connector=_TEXT,
    resource_types=st.lists(_TEXT, max_size=2).map(tuple),
    resources=st.lists(
        st.builds(
            Resource,
            type=_TEXT,
            id=_TEXT,
            name=_TEXT,
            data=st.dictionaries(_TEXT, _VALUES, max_size=3),
            location=_LOCATIONS,
            locations=st.just({}),
        ),
        max_size=3,
    ).map(tuple),
    problems=st.lists(st.builds(Problem, kind=st.just("access"), message=_TEXT, location=_LOCATIONS), max_size=2).map(
        tuple
    ),
)


@given(_SNAPSHOTS)
def test_a_snapshot_round_trips_through_json_exactly(snapshot: Snapshot) -> None:
    decoded = decode_snapshot(encode_snapshot(snapshot))
    assert snapshot == decoded
    assert encode_snapshot(snapshot) == encode_snapshot(decoded)
    assert snapshot.digest == decoded.digest


def _snapshot(**changes: object) -> Snapshot:
    base = Snapshot(
        asset=Asset("host", "host:a", "a"),
        collected_at="2026-01-01T00:00:00Z",
        connector="linux",
        resource_types=("linux.os",),
        resources=(Resource("linux.os", "os", "os", {"name": "Debian"}),),
    )
    return msgspec.structs.replace(base, **changes)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"collected_at": "2026-02-02T00:00:00Z"}, True),
        ({"connector": "other"}, True),
        ({"asset": Asset("host", "host:b", "b")}, False),
        ({"resource_types": ("linux.os", "linux.user")}, False),
        ({"resources": ()}, False),
        ({"resources": (Resource("linux.os", "os", "os", {"name": "Alpine"}),)}, False),
        ({"problems": (Problem("access", "no"),)}, False),
    ],
)
def test_a_snapshots_digest_names_its_configuration_only(changes: dict[str, object], *, same: bool) -> None:
    assert same == (_snapshot().digest == _snapshot(**changes).digest)


def test_a_resources_digest_depends_on_type_and_data_only() -> None:
    one = Resource("linux.os", "os", "os", {"name": "Debian"})
    assert one.digest == Resource("linux.os", "other", "other", {"name": "Debian"}, Location("f")).digest
    assert one.digest != Resource("linux.so", "os", "os", {"name": "Debian"}).digest


def test_live_data_revives_unknowns_and_shares_everything_else() -> None:
    plain = Resource("t", "i", "n", {"a": 1})
    assert plain.live_data is plain.data
    assert Resource("t", "i", "n", {"a": {"$unknown": "no"}}).live_data == {"a": Unknown("no")}
