"""An account elsewhere is one person's."""

from __future__ import annotations

import pytest

from agreement import member, people
from parties import terms
from xspm.contract.terms import check_terms
from xspm.errors import ContractError


def test_everybody_may_have_one() -> None:
    named = {name: member(name, github=f"{name}-gh", email=f"{name}@example.com") for name in ("alice", "dave")}
    check_terms(terms(parties=people(**named)))


@pytest.mark.parametrize(
    ("first", "second", "complaint"),
    [
        ({"github": "octo"}, {"github": "octo"}, "alice and dave have the same account on github, octo"),
        ({"github": "octo"}, {"github": "OCTO"}, "alice and dave have the same account on github, OCTO"),
        ({"github": "octo"}, {"GitHub": "octo"}, "have the same account"),
        ({"github": "ci[bot]"}, {}, "the account on github 'ci.bot.': a name is letters"),
        ({"github": "осто"}, {}, "a name is letters"),
        ({"github": ""}, {}, "a name is letters"),
    ],
)
def test_accounts_that_are_refused(first: dict[str, str], second: dict[str, str], complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        check_terms(terms(parties=people(alice=member("alice", **first), dave=member("dave", **second))))
