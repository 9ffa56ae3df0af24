from __future__ import annotations

import pytest

from xspm import connector
from xspm.connector import Connector, Options


@pytest.mark.parametrize("name", connector.TABLE)
def test_every_name_of_the_table_loads(name: str) -> None:
    one = connector.load(name)
    assert isinstance(one, Connector)
    assert name == one.name
    assert one is connector.load(name)


def test_what_is_not_in_the_table_is_not_loaded() -> None:
    with pytest.raises(KeyError):
        connector.load("os")


def test_options_raise_no_privileges_unasked() -> None:
    assert Options() == Options(sudo=False, timeout=120, ssh_config=None, known_hosts=None, identity=None)
