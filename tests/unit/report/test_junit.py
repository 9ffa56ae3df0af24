from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import msgspec

from xspm.report import junit

if TYPE_CHECKING:
    from xspm.model.verdict import Run


def tally(run: Run) -> dict[str, int]:
    root = ET.fromstring(junit.render(run))  # noqa: S314 - our own output
    for suite in root:
        for attribute, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{element}"))
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
    return {name: int(root.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}


def test_one_case_per_check_and_resource(run: Run) -> None:
    assert tally(run) == {"tests": 37, "failures": 15, "errors": 14, "skipped": 4}


def test_allowed_unknowns_are_skipped(run: Run) -> None:
    assert tally(msgspec.structs.replace(run, allow_unknown=True)) == {
        "tests": 37,
        "failures": 15,
        "errors": 1,
        "skipped": 17,
    }


def test_names_are_unique_in_their_class(run: Run) -> None:
    root = ET.fromstring(junit.render(run))  # noqa: S314 - our own output
    names = [
        (suite.attrib["name"], case.attrib["classname"], case.attrib["name"])
        for suite in root
        for case in suite.findall("testcase")
    ]
    assert len(set(names)) == len(names)


def test_problems_are_told(run: Run) -> None:
    root = ET.fromstring(junit.render(run))  # noqa: S314 - our own output
    assert "access: /etc/shadow: permission denied" in (root[1].findtext("system-err") or "")
