from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux import apt_config

if TYPE_CHECKING:
    from collections.abc import Callable

APT = {"/etc/apt": {"kind": "directory"}}
FLAGS = ("enabled", "encrypted", "verifies_signatures", "verifies_index", "verifies_tls")

SOURCES: list[tuple[str, dict[str, Any], tuple[bool, ...], str | None]] = [
    ("http", {"/etc/apt/sources.list": "deb http://d/x stable main\n"}, (True, False, True, True, True), None),
    ("https", {"/etc/apt/sources.list": "deb https://d/x stable main # c\n"}, (True, True, True, True, True), None),
    ("cdrom", {"/etc/apt/sources.list": "deb cdrom:[Debian 12]/ stable main\n"}, (True, True, True, True, True), None),
    ("tor", {"/etc/apt/sources.list": "deb tor+http://d/x stable main\n"}, (True, True, True, True, True), None),
    (
        "trusted",
        {"/etc/apt/sources.list.d/a.list": "deb [ trusted=yes arch=amd64 ] https://d/x stable main\n"},
        (True, True, False, False, True),
        None,
    ),
    (
        "signed",
        {"/etc/apt/sources.list.d/a.list": "deb [signed-by=/k.gpg] https://d/x stable main\n"},
        (True, True, True, True, True),
        "/k.gpg",
    ),
    (
        "deb822",
        {
            "/etc/apt/sources.list.d/a.sources": "# c\nTypes: deb deb-src\nURIs: https://d/x\nSuites: stable\n"
            "Components: main\nAllow-Insecure: yes\nEnabled: no\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n"
        },
        (False, True, False, False, True),
        "an embedded key",
    ),
    (
        "certificates unchecked",
        {
            "/etc/apt/sources.list": "deb https://d/x stable main\n",
            "/etc/apt/apt.conf.d/9": 'Acquire::https::Verify-Peer "false";',
        },
        (True, True, True, True, False),
        None,
    ),
]


@pytest.mark.parametrize(("files", "flags", "signed"), [case[1:] for case in SOURCES], ids=[c[0] for c in SOURCES])
def test_apt(read: Callable[..., Any], files: dict[str, Any], flags: tuple[bool, ...], signed: str | None) -> None:
    (found,) = read("linux.repository", {**APT, **files}).values()
    assert tuple(found[name] for name in FLAGS) == flags
    assert found["signed_by"] == signed


def test_credentials_in_an_address_are_masked(read: Callable[..., Any]) -> None:
    text = (
        "deb https://user:hunter22@d/x stable main\n#deb https://off/x stable main\ndeb-src https://d/s stable main\n"
    )
    found = read("linux.repository", {**APT, "/etc/apt/sources.list": text})
    assert "hunter22" not in str(found)
    assert len(found) == 1


def test_dnf(read: Callable[..., Any]) -> None:
    files = {
        "/etc/dnf/dnf.conf": "[main]\ngpgcheck=1\nlocalpkg_gpgcheck=True\n",
        "/etc/yum.repos.d/a.repo": "[base]\nname=Base\nmirrorlist=https://m/x\n\n[odd]\nbaseurl=http://b/x\ngpgcheck=0\n"
        "repo_gpgcheck=1\nenabled=0\nsslverify=0\ngpgkey=file:///k\n",
        "/etc/pki/rpm-gpg/KEY": "",
    }
    found = read("linux.repository", files)
    assert {item["name"]: tuple(item[name] for name in FLAGS) for item in found.values()} == {
        "base": (True, True, True, False, True),
        "odd": (False, False, False, True, False),
    }
    assert read("linux.package_manager", files)["package_manager"] == {
        "manager": "dnf",
        "verifies_signatures": True,
        "verifies_local_packages": True,
        "trusted_key_files": ["/etc/pki/rpm-gpg/KEY"],
    }


def test_zypper_and_apk(read: Callable[..., Any]) -> None:
    files = {"/etc/zypp/repos.d/a.repo": "[a]\nbaseurl=https://x\n", "/etc/zypp/zypp.conf": "[main]\n"}
    (found,) = read("linux.repository", files).values()
    assert (found["manager"], found["verifies_signatures"]) == ("zypper", True)
    (found,) = read("linux.repository", {"/etc/apk/repositories": "#c\n@edge http://a/main\n"}).values()
    assert (found["manager"], found["uri"], found["encrypted"]) == ("apk", "http://a/main", False)


@pytest.mark.parametrize(
    ("files", "verifies"),
    [
        (APT, True),
        ({"/etc/apt/apt.conf.d/9": 'APT::Get::AllowUnauthenticated "true";'}, False),
        ({"/etc/apt/apt.conf": 'Acquire { AllowInsecureRepositories "1"; };'}, False),
        ({"/etc/apt/apt.conf.d/9.bak": 'APT::Get::AllowUnauthenticated "true";'}, True),
        ({"/etc/yum.conf": "[main]\n"}, False),
        ({"/etc/zypp/zypp.conf": "[main]\ngpgcheck = off\n"}, False),
    ],
)
def test_package_manager(read: Callable[..., Any], files: dict[str, Any], verifies: bool) -> None:  # noqa: FBT001
    assert read("linux.package_manager", files)["package_manager"]["verifies_signatures"] is verifies


def test_no_package_manager(read: Callable[..., Any]) -> None:
    found = read("linux.package_manager", {})["package_manager"]
    assert (found["manager"], found["verifies_signatures"]["cause"]) == (None, "missing")


UNATTENDED = {
    "/usr/bin/unattended-upgrade": "",
    "/etc/apt/apt.conf.d/20auto-upgrades": 'APT::Periodic::Update-Package-Lists "1";\n'
    'APT::Periodic::Unattended-Upgrade "1";\n',
}
AUTOMATIC: list[tuple[str, dict[str, Any], str | None]] = [
    ("apt, nothing", APT, None),
    ("apt", UNATTENDED, "unattended-upgrades"),
    ("apt, nested", {**UNATTENDED, "/etc/apt/apt.conf.d/30": 'APT { Periodic { Unattended-Upgrade "0"; }; };'}, None),
    ("apt, not installed", {k: v for k, v in UNATTENDED.items() if "conf" in k}, None),
    (
        "dnf",
        {
            "/etc/dnf/automatic.conf": "[commands]\napply_updates = yes\n",
            "/etc/systemd/system/timers.target.wants/dnf-automatic.timer": "",
        },
        "dnf-automatic",
    ),
    ("dnf, no timer", {"/etc/dnf/automatic.conf": "[commands]\napply_updates = yes\n"}, None),
    (
        "dnf, installing timer",
        {"/etc/dnf/dnf.conf": "", "/etc/systemd/system/timers.target.wants/dnf-automatic-install.timer": ""},
        "dnf-automatic",
    ),
    ("yum-cron", {"/etc/yum.conf": "", "/etc/yum/yum-cron.conf": "[commands]\napply_updates = yes\n"}, "yum-cron"),
    (
        "zypper",
        {"/etc/zypp/x": "", "/etc/systemd/system/timers.target.wants/transactional-update.timer": ""},
        "transactional-update",
    ),
    ("apk", {"/etc/apk/repositories": ""}, None),
]


@pytest.mark.parametrize(("files", "mechanism"), [case[1:] for case in AUTOMATIC], ids=[case[0] for case in AUTOMATIC])
def test_automatic_updates(read: Callable[..., Any], files: dict[str, Any], mechanism: str | None) -> None:
    found = read("linux.updates", files)["updates"]
    assert (found["automatic"], found["mechanism"]) == (mechanism is not None, mechanism)


@pytest.mark.parametrize(
    ("files", "required"),
    [
        ({"/run/reboot-required": ""}, True),
        (
            {"/proc/sys/kernel/osrelease": "6.1.0-9\n", "/lib/modules/6.1.0-9/x": "", "/lib/modules/6.1.0-10/x": ""},
            True,
        ),
        (
            {"/proc/sys/kernel/osrelease": "6.1.0-10\n", "/lib/modules/6.1.0-9/x": "", "/lib/modules/6.1.0-10/x": ""},
            False,
        ),
        ({"/proc/sys/kernel/osrelease": "6.1.0\n"}, False),
    ],
)
def test_reboot_required(read: Callable[..., Any], files: dict[str, Any], required: bool) -> None:  # noqa: FBT001
    assert read("linux.updates", files)["updates"]["reboot_required"] is required


LISTED = "Package: a\nVersion: 1.0-2\nArchitecture: amd64\n\nPackage: b\nVersion: 1.0\nArchitecture: amd64\n\n"
INSTALLED = {
    **APT,
    "/var/lib/dpkg/status": "Package: a\nStatus: install ok installed\nVersion: 1.0-1\nArchitecture: amd64\n\n"
    "Package: b\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n",
    "/var/lib/apt/lists/x_debian-security_y_Packages": {"content": LISTED, "modified_seconds": 1},
    "/var/lib/apt/periodic/update-success-stamp": {"content": "", "modified_seconds": 1_700_000_000},
}


def test_pending_security_updates(read: Callable[..., Any]) -> None:
    found = read("linux.updates", INSTALLED, live=False)["updates"]
    assert found["security_updates_pending"] == 1
    assert found["metadata_updated"] == "2023-11-14T22:13:20Z"
    assert read("linux.updates", APT)["updates"]["security_updates_pending"]["cause"] == "missing"
    denied = {**INSTALLED, "/var/lib/apt/lists/x_debian-security_y_Packages": {"denied": True}}
    assert "$unknown" in read("linux.updates", denied, live=False)["updates"]["security_updates_pending"]


def test_pending_security_updates_on_a_running_system(read: Callable[..., Any]) -> None:
    program = "/^Package: /{p=$2} /^Version: /{v=$2} /^Architecture: /{a=$2} /^$/{print p, v, a}"
    command = f"find /var/lib/apt/lists -maxdepth 1 -name *security*_Packages -exec awk {program} {{}} +"
    found = read("linux.updates", INSTALLED, {command: "a 1.0-2 amd64\na 1.0-3 amd64\nb 1.0 amd64\n"})["updates"]
    assert found["security_updates_pending"] == 1


VERSIONS = ["1.0~rc1", "1.0", "1.0-1", "1.0-1+b1", "1.0a", "1.0+git", "1.0.1", "1.2", "1.10", "2:0.1"]


def test_debian_versions_sort() -> None:
    for lower, higher in pairwise(VERSIONS):
        assert apt_config.version_key(lower) < apt_config.version_key(higher), (lower, higher)


@given(st.text(), st.text())
def test_versions_always_compare(one: str, other: str) -> None:
    assert isinstance(apt_config.version_key(one) < apt_config.version_key(other), bool)


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    apt_config.settings(text)
    list(apt_config.one_line(text))
    list(apt_config.deb822(text))


def test_apt_conf() -> None:
    text = """// c
    # c
    /* APT::x "1"; */
    A::B "one; two"; A { B "2"; C { D "3"; }; E:: "4"; };
    """
    assert apt_config.settings(text) == {"a::b": "2", "a::c::d": "3", "a::e": "4"}
