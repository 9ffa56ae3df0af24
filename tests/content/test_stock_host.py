"""Every check on an ordinary host, and every pattern of every check: what is shipped never ends in an error."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

from xspm.app.policies import built
from xspm.connectors.linux.collecting import snapshot
from xspm.connectors.linux.memory import MemorySource
from xspm.policy.assess import FastEngine, assess
from xspm.policy.plan import Plan, Planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.policy.library import Built

_DEBIAN: Final[dict[str, Any]] = {
    "/etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "/etc/hostname": "web\n",
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
    "eve:x:1000:1000::/home/eve:/bin/bash\n",
    "/etc/shadow": {"content": "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\neve:!:19000::::::\n"},
    "/etc/group": "root:x:0:\ndaemon:x:1:\nsudo:x:27:eve\neve:x:1000:\n",
    "/etc/fstab": "UUID=0a /  ext4 errors=remount-ro 0 1\ntmpfs /tmp tmpfs nosuid,nodev 0 0\n",
    "/etc/sudoers": {
        "content": "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n"
        "eve ALL=NOPASSWD: /usr/bin/id\neve ALL=NOPASSWD: /usr/bin/systemctl restart web, /usr/bin/nice /usr/bin/id\n",
        "mode": "0440",
    },
    "/etc/ssh/sshd_config": "KbdInteractiveAuthentication no\nUsePAM yes\nSubsystem sftp /usr/lib/sftp-server\n",
    "/etc/pam.d/sshd": "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_unix.so\n",
    "/etc/pam.d/common-password": "password [success=1 default=ignore] pam_unix.so obscure yescrypt\n",
    "/etc/login.defs": "PASS_MAX_DAYS 99999\nUMASK 022\n",
    "/etc/crontab": "17 * * * * root cd / && run-parts --report /etc/cron.hourly\n",
    "/etc/apt/sources.list": "deb http://deb.debian.org/debian bookworm main\n",
    "/etc/systemd/system/web.service": "[Service]\nExecStart=/usr/bin/web --port 80\nUser=www-data\n",
    "/etc/rsyslog.conf": "*.* /var/log/syslog\n",
    "/etc/sysctl.conf": "net.ipv4.ip_forward = 1\n",
    "/etc/modprobe.d/own.conf": "install usb-storage /bin/false\n",
    "/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n',
    "/var/lib/dpkg/status": "Package: openssh-server\nStatus: install ok installed\nArchitecture: amd64\n"
    "Version: 1:9.2p1-2\n\n",
}


@cache
def _built() -> Built:
    return built()


@pytest.mark.parametrize("live", [True, False])
def test_no_check_ends_in_an_error_on_an_ordinary_host(*, live: bool) -> None:
    found = snapshot(MemorySource(_DEBIAN, {}, live=live), lambda _: None, fallback="test")
    checks: dict[str, tuple[Planned, ...]] = {}
    shipped = _built()
    for check_id, compiled in shipped.library.checks.items():
        check = shipped.checks[check_id]
        params = {parameter.name: parameter.default for parameter in check.parameters}
        planned = Planned(compiled=compiled, severity=check.severity, params=params)
        checks[check.resource] = (*checks.get(check.resource, ()), planned)
    verdicts = assess(Plan(checks=checks, policies=()), found, engine=FastEngine()).verdicts
    assert "linux.sudo.rule_opens_no_shell" in {verdict.check for verdict in verdicts if verdict.status == "pass"}
    assert [f"{one.check}: {one.message}" for one in verdicts if one.status == "error"] == []


def _expressions() -> Iterator[tuple[str, str]]:
    for check in _built().checks.values():
        for parameter in check.parameters:
            if "RE2" in (parameter.description or "") and isinstance(parameter.default, list):
                yield from ((check.id, item) for item in parameter.default if isinstance(item, str))


def test_every_pattern_that_a_check_ships_is_an_expression() -> None:
    """An entry of a flow list that holds a comma is cut in two: neither half need be a pattern."""
    broken = []
    for check_id, pattern in _expressions():
        try:
            re.compile(pattern)
        except re.error as error:
            broken.append(f"{check_id}: {pattern}: {error}")
        if pattern.count("[") > pattern.count("]") + pattern.count(r"\["):
            broken.append(f"{check_id}: {pattern}: a bracket is not closed")
    assert broken == []
