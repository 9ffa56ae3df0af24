"""For authors of policies and connectors outside xspm: run what checks say about themselves, from their own test suite.

```python
import pytest
from xspm.testing import Trial, trials


@pytest.mark.parametrize("trial", trials("policies"), ids=str)
def test_policies(trial: Trial) -> None:
    assert trial.passed, trial.detail
```
"""

from __future__ import annotations

from xspm.app import checks
from xspm.app.examples import Trial

__all__ = ["Trial", "trials"]


def trials(*folders: str) -> list[Trial]:
    """Run every example and every remediation in code form of the checks in some policy folders.

    Raises:
        PolicyError, CelError, DocumentError: a file in reach is not sound.
    """
    sources = checks.sound(folders)
    return list(checks.trials(sources, checks.own(sources)))
