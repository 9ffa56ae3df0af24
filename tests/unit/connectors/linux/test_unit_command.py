"""The command line that systemd gives a service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux.memory import MemorySource
from xspm.connectors.linux.unit_command import UnitCommand, environment_values, expand, unit_command


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/bin/x -a $LIST", ["/bin/x", "-a", "b", "c d"]),
        ("/bin/x ${LIST}", ["/bin/x", "b 'c d'"]),
        ("/bin/x a${ONE}z a$ONE", ["/bin/x", "a1z", "a$ONE"]),
        ("/bin/x $NONE ${NONE} $$ONE", ["/bin/x", "", "$ONE"]),
        ("-/bin/x 'a b'", ["/bin/x", "a b"]),
        ("@/bin/x name -a", ["/bin/x", "-a"]),
        (":/bin/x $ONE", ["/bin/x", "$ONE"]),
        ("/bin/x 50%%", ["/bin/x", "50%"]),
        ("/bin/x %i", None),
        (r"/bin/x a\x20b", None),
        ("/bin/x 'a", None),
        ("/bin/x $OPEN", None),
    ],
)
def test_words(command: str, expected: list[str] | None) -> None:
    assert expand(command, {"LIST": "b 'c d'", "ONE": "1", "OPEN": "'a"}) == expected


def test_environment_file() -> None:
    """A value goes on to the end of its line, unlike in a shell."""
    text = 'A=-o x -p 1\n# B=1\n; C=1\nD=\'a "b"\' \nE="a \\"b\\""\nF=a\\ b\n G = 1 \nH=a\\\nb\nno line\n'
    expected = {"A": "-o x -p 1", "D": 'a "b"', "E": 'a "b"', "F": "a b", "G": "1", "H": "ab"}
    assert environment_values(text) == expected


@given(st.text(), st.text())
def test_no_text_breaks_the_readers(command: str, text: str) -> None:
    expand(command, environment_values(text))


def test_the_unit_in_force() -> None:
    """The highest folder has the unit, and each drop-in's name counts once."""
    files = {
        "/etc/systemd/system/a.service": "[Service]\nExecStart=/bin/new $X\n",
        "/usr/lib/systemd/system/a.service": "[Service]\nExecStart=/bin/old\n",
        "/etc/systemd/system/a.service.d/x.conf": "[Service]\nEnvironment=X=1\n",
        "/usr/lib/systemd/system/a.service.d/x.conf": "[Service]\nEnvironment=X=2\n",
    }
    path = "/etc/systemd/system/a.service"
    assert unit_command(MemorySource(files), "a.service") == UnitCommand(["/bin/new", "1"], path)
    assert unit_command(MemorySource(files), "b.service") is None


def test_drop_ins_of_a_prefix_and_of_the_type() -> None:
    """All are read in the order of their names; of one name the unit's own counts, and the type's last."""
    files = {
        "/usr/lib/systemd/system/a-b.service": "[Service]\nExecStart=/bin/x $X $Y $Z\n",
        "/etc/systemd/system/service.d/z.conf": "[Service]\nEnvironment=X=type\n",
        "/etc/systemd/system/service.d/s.conf": "[Service]\nEnvironment=Y=type\n",
        "/usr/lib/systemd/system/a-b.service.d/s.conf": "[Service]\nEnvironment=Y=own X=own\n",
        "/usr/lib/systemd/system/a-.service.d/p.conf": "[Service]\nEnvironment=Z=prefix Y=prefix\n",
    }
    found = unit_command(MemorySource(files), "a-b.service")
    assert found == UnitCommand(["/bin/x", "type", "own", "prefix"], "/usr/lib/systemd/system/a-b.service")
