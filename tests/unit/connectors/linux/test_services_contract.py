"""What every service about accounts, logins and daemons keeps: typed resources, known needs, no crash on any input."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xspm.connectors.linux.memory import MemorySource
from xspm.connectors.linux.pattern import matcher_of_path
from xspm.model.asset import Problem, Resource
from xspm.model.digest import canonical
from xspm.model.schema import field_docs, typed, validate

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Needs, Output, Stat
    from xspm.model.unknown import Maybe

SERVICES: Final = (
    "users",
    "login",
    "pam",
    "sshd",
    "sudo",
    "systemd",
    "trusted_paths",
    "sockets",
    "firewall",
    "audit",
    "logs",
    "cron",
    "clock",
)
TEXTS: Final = (
    "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/login.defs", "/etc/default/useradd", "/etc/profile",
    "/etc/profile.d/x.sh", "/root/.bashrc", "/etc/environment", "/etc/issue", "/etc/os-release", "/etc/pam.d/login",
    "/etc/pam.d/passwd", "/etc/pam.d/su", "/etc/security/pwquality.conf", "/etc/security/faillock.conf",
    "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/x.conf", "/etc/ssh/ssh_host_rsa_key.pub", "/etc/sudoers",
    "/etc/sudoers.d/x", "/etc/systemd/system/x.service", "/usr/lib/systemd/system/y.socket", "/proc/net/tcp",
    "/proc/net/udp6", "/etc/nftables.conf", "/etc/ufw/ufw.conf", "/etc/default/ufw", "/etc/ufw/before.rules",
    "/etc/iptables/rules.v4", "/etc/firewalld/firewalld.conf", "/etc/firewalld/zones/public.xml", "/etc/audit/auditd.conf",
    "/etc/audit/rules.d/x.rules", "/etc/systemd/journald.conf", "/etc/rsyslog.conf", "/etc/rsyslog.d/x.conf",
    "/etc/crontab", "/etc/cron.d/x", "/var/spool/cron/crontabs/x", "/etc/cron.allow", "/etc/chrony/chrony.conf",
    "/etc/systemd/timesyncd.conf", "/proc/cmdline", "/etc/anacrontab", "/etc/rc.local", "/etc/udev/rules.d/x.rules",
    "/etc/logrotate.d/x", "/etc/ld.so.conf", "/etc/ld.so.conf.d/x.conf", "/etc/ld.so.preload",
    "/etc/security/pam_env.conf",
)  # fmt: skip
COMMANDS: Final = ("sshd -T", "ssh -V", "sudo -V", "nft -j list ruleset", "iptables-save", "auditctl -l", "auditctl -s")


class Recording(MemorySource):
    """Remembers what it was asked for."""

    asked: set[str]
    ran: set[tuple[str, ...]]

    def __init__(self, files: dict[str, Any], *, live: bool = True) -> None:
        """Describe a host."""
        super().__init__(files, live=live)
        self.asked, self.ran = set(), set()

    def data(self, path: str, limit: int = 1 << 22) -> Maybe[bytes | None]:
        """See `Source.data`."""
        self.asked.add(path)
        return super().data(path, limit)

    def stat(self, path: str, *, follow: bool = False) -> Maybe[Stat | None]:
        """See `Source.stat`."""
        self.asked.add(path)
        return super().stat(path, follow=follow)

    def run(self, *argv: str) -> Maybe[Output | None]:
        """See `Source.run`."""
        self.ran.add(argv)
        return super().run(*argv)


def module(name: str) -> Any:
    """A service."""
    return importlib.import_module(f"xspm.connectors.linux.{name}")


def collect(files: dict[str, Any], commands: dict[str, Any] | None = None, **where: bool) -> list[Resource]:
    """Everything, each checked against its type."""
    source = MemorySource(files, commands, live=where.get("live", True), root=where.get("root", True))
    found: list[Resource] = []
    for name in SERVICES:
        shapes = {spec.name: spec.shape for spec in map(typed, module(name).TYPES)}
        for item in module(name).collect(source):
            if isinstance(item, Problem):
                assert set(item.resource_types) <= shapes.keys()
                continue
            assert validate(item.data, shapes[item.type]) == [], item.id
            canonical(item.data)
            found.append(item)
    identities = [(item.type, item.id) for item in found]
    assert len(set(identities)) == len(identities)
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_every_field_is_documented(name: str) -> None:
    for item in module(name).TYPES:
        assert (item.__doc__ or "").strip()
        assert set(item.__struct_fields__) == set(field_docs(item))


@pytest.mark.parametrize(("live", "root"), [(True, True), (True, False), (False, True)])
def test_an_empty_host(live: bool, root: bool) -> None:  # noqa: FBT001
    assert collect({}, live=live, root=root)


@pytest.mark.parametrize("denied", TEXTS)
def test_no_denied_file_stops_the_others(denied: str) -> None:
    collect({denied: {"content": "", "denied": True}}, root=False)


@pytest.mark.parametrize("kind", ["fifo", "directory", "socket", "char"])
def test_what_is_no_file_is_not_read(kind: str) -> None:
    collect({path: {"kind": kind} for path in TEXTS})


def test_links_that_loop() -> None:
    collect({path: {"link": path} for path in TEXTS})


NASTY: Final = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["root", "x", ":", "0", "\n", " ", "\t", "=", "[", "]", "{", "}", "(", ")", '"', "'", "\\", "#", ",", "!", "-", "@", "*",
             "ALL", "Match", "Include", "yes", "auth required pam_unix.so", "[Service]", "ExecStart=/x", "table inet t", "chain c",
             "type filter hook input priority 0; policy drop;", "-A INPUT", "-j", "*filter", "-w", "-a always,exit", "-S", "umask",
             "PATH=", "$PATH", "server", "* * * * *", "RUN+=", "LD_PRELOAD=", "postrotate", "include /etc/ld.so.conf", "/x", "$X", "99999999999999999999", "\0", "\x1b[31m"]
        ),
        max_size=30,
    ).map("".join),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(NASTY, min_size=8, max_size=8), live=st.booleans())
def test_no_text_crashes_a_service(texts: list[str], live: bool) -> None:  # noqa: FBT001
    files: dict[str, Any] = {path: texts[index % len(texts)] for index, path in enumerate(TEXTS)}
    files["/usr/lib/systemd/systemd"] = ""
    collect(files, {name: texts[index % len(texts)] for index, name in enumerate(COMMANDS)}, live=live)


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("given_texts", [TEXTS, ("/etc/pam.d/su",)])
def test_needs_name_what_is_asked_for(live: bool, given_texts: tuple[str, ...]) -> None:  # noqa: FBT001
    """A collector script brings in one round trip whatever the services ask for."""
    files: dict[str, Any] = dict.fromkeys(given_texts, "")
    files["/usr/lib/systemd/systemd"] = ""
    files["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"
    files["/home/ann"] = {"kind": "directory"}
    source = Recording(files, live=live)
    needs: list[Needs] = [module(name).NEEDS for name in SERVICES]
    for name in SERVICES:
        list(module(name).collect(source))
    patterns = [matcher_of_path(text) for need in needs for text in (*need.texts, *need.stats, *need.lists)]
    # The package databases name a version only where no command runs, so never over ssh; users' homes have their own.
    known = (
        "/var/lib/dpkg/status",
        "/lib/apk/db/",
        "/usr/lib/apk/db/",
        "/usr/lib/sysimage/rpm/",
        "/var/lib/rpm/",
        "/proc/",
    )
    missed = {
        path
        for path in source.asked
        if not path.startswith(known) and not any(pattern.match(path) for pattern in patterns)
    }
    assert missed == set()
    assert source.ran <= {argv for need in needs for argv in need.commands}
