"""What a Linux host's owner has to allow, derived from what the services declare that they read and run.

Over ssh the least power is one program: the collector script, kept on the host by its owner and allowed to one login by
the digest of its bytes. Whoever holds that login can run it as root and nothing else; whoever changes it, or sends
another, is refused by sudo.
"""

from __future__ import annotations

import hashlib
import shlex
from typing import Final

from xspm.connector import Grant
from xspm.connectors.linux.collecting import needs
from xspm.connectors.linux.script import WALK_RUNS, make_program

PROGRAM: Final = "/usr/local/sbin/xspm-collect"
LOGIN: Final = "xspm"


def grants() -> tuple[Grant, ...]:
    """Return the program, the line that allows it, and what it reads and runs."""
    program = make_program(needs())
    declared = needs()
    digest = hashlib.sha256(program.encode()).hexdigest()
    reads = sorted({path for need in declared for path in (*need.texts, *need.lists)})
    looks = sorted({path for need in declared for path in need.stats})
    asked = {shlex.join(command) for need in declared for command in need.commands}
    runs = sorted(asked | (WALK_RUNS if any(need.walk for need in declared) else frozenset()))
    return (
        Grant("script", f"the collector: {PROGRAM}, owned by root, mode 0755", program),
        Grant(
            "sudoers",
            "/etc/sudoers.d/xspm, mode 0440: the login may run this very program without arguments, and nothing else",
            f'{LOGIN} ALL=(root) NOPASSWD: sha256:{digest} {PROGRAM} ""\nDefaults!{PROGRAM} !requiretty\n',
        ),
        Grant("reads", "files and folders whose content or names are read", _lines(reads)),
        Grant(
            "looks",
            "paths whose owner, mode and times are looked at, besides those that units, cron jobs and ld.so.conf name",
            _lines(looks),
        ),
        Grant("runs", "commands that are run, none of which changes anything", _lines(runs)),
    )


def _lines(items: list[str]) -> str:
    return "".join(f"{item}\n" for item in items)
