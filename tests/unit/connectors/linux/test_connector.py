"""The connector as a whole: targets, examples, remediations, snapshots, secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from xspm.connector import Connector, Options, load
from xspm.connectors.linux import CONNECTOR, collecting
from xspm.connectors.linux.collecting import SERVICES, services, snapshot
from xspm.connectors.linux.directory import DirectorySource
from xspm.connectors.linux.memory import MemorySource
from xspm.connectors.linux.ssh import Address, parse_target
from xspm.errors import ConnectorError
from xspm.model.asset import Problem, Resource, decode_snapshot, encode_snapshot
from xspm.model.check import Example, Remediation
from xspm.model.schema import field_docs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xspm.connectors.linux.transport import Source

HOST: dict[str, Any] = {
    "files": {
        "/etc/os-release": "ID=debian\nVERSION_ID=12\n",
        "/etc/hostname": "web-1\n",
        "/tmp": {"kind": "directory"},
    }
}


def test_it_is_a_connector() -> None:
    connector: Connector = CONNECTOR
    assert load("linux") is connector


def test_every_field_is_documented() -> None:
    missing = [
        f"{item.TYPE}.{name}"
        for _, service in services()
        for item in service.TYPES
        for name in item.__struct_fields__
        if name not in field_docs(item)
    ]
    assert missing == []


def test_types_have_one_owner() -> None:
    names = [spec.name for spec in CONNECTOR.types()]
    assert sorted(names) == sorted(set(names))
    assert all(name.startswith("linux.") for name in names)
    assert all(spec.title for spec in CONNECTOR.types())


@pytest.mark.parametrize(
    ("target", "answer"), [("host", True), ("ssh://a", True), ("dir:/x", True), ("x.yaml", False), ("a\0b", False)]
)
def test_recognises(target: str, answer: bool) -> None:  # noqa: FBT001
    assert CONNECTOR.recognises(target) is answer


def test_recognises_a_root_file_system(tmp_path: Path) -> None:
    assert not CONNECTOR.recognises(str(tmp_path))
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").symlink_to("../usr/lib/os-release")
    assert CONNECTOR.recognises(str(tmp_path))


def test_snapshot_round_trips_and_is_sorted() -> None:
    found = CONNECTOR.example("host", HOST)
    assert decode_snapshot(encode_snapshot(found)) == found
    keys = [(item.type, item.id) for item in found.resources]
    assert keys == sorted(keys)
    assert found.asset.id == "host:web-1"
    assert found.asset.labels == {"host.name": "web-1", "os.family": "debian", "os.name": "debian", "os.version": "12"}
    assert {item.type for item in found.resources} <= set(found.resource_types)


def test_two_roots_of_one_name_are_two_assets(tmp_path: Path) -> None:
    """What a host calls itself is a label: its id is where it was found."""
    found = []
    for folder in ("a/root", "b/root"):
        (tmp_path / folder / "etc").mkdir(parents=True)
        (tmp_path / folder / "etc/os-release").write_text("ID=debian\n")
        (tmp_path / folder / "etc/hostname").write_text("web-1\n")
        found.append(CONNECTOR.collect(f"dir:{tmp_path}/{folder}", Options(), lambda _: None).asset)
    assert [item.id for item in found] == [f"dir:{tmp_path}/a/root", f"dir:{tmp_path}/b/root"]
    assert [item.name for item in found] == ["root", "root"]
    assert [item.labels["host.name"] for item in found] == ["web-1", "web-1"]


def test_a_folder_that_is_no_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="not the root of a host's file system"):
        CONNECTOR.collect(f"dir:{tmp_path}", Options(), lambda _: None)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("ssh://web", "web"),
        ("ssh://ann@web:2222", "web:2222"),
        ("ssh://[::1]:22", "[::1]:22"),
        ("ssh://[::1]", "[::1]"),
    ],
)
def test_address_as_it_is_shown(target: str, shown: str) -> None:
    assert parse_target(target).shown == shown


def test_same_host_has_the_same_digest() -> None:
    assert CONNECTOR.example("host", HOST).digest == CONNECTOR.example("host", HOST).digest


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("files", [{}, HOST["files"]], ids=["empty", "small"])
def test_no_service_fails_on_a_bare_host(files: dict[str, Any], live: bool) -> None:  # noqa: FBT001
    """A container with next to nothing in it: every type has resources, or a problem, or is known to have none."""
    found = CONNECTOR.example("host", {"files": files, "live": live})
    assert [item.message for item in found.problems if "could not be read: " in item.message] == []


class Hostile(MemorySource):
    """A host where every file exists and holds the same nonsense."""

    content = ""

    def text(self, path: str, limit: int = 0) -> str | None:  # noqa: ARG002
        """Return the nonsense."""
        return self.content


NONSENSE = [
    "",
    "\n\n\n",
    "=" * 5000,
    ":" * 5000,
    ":::::::\n" * 50,
    "[" * 2000,
    "{" * 2000,
    '"' * 999,
    "a b c d e f g h\n" * 99,
    "\x1b[31m\u202e\x00\x07\n",
    "\ufffd" * 100,
    "é=ü\r\nx\ty\r\n",
    "include /etc/x\nInclude /etc/*\n@include /etc/x\n@includedir /etc\n",
    "99999999999999999999999999:-1:1e9:0x10\n",
    "٣:٣:٣:٣:٣:٣:٣\n",
]


@pytest.mark.parametrize("content", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_in_every_file_breaks_no_service(content: str) -> None:
    for live in (True, False):
        source = Hostile({"/etc/x.conf": "", "/etc/pam.d/x": "", "/etc/sudoers.d/x": "", "/proc/1/fd/1": ""}, live=live)
        source.content = content
        found = snapshot(source, lambda _: None, fallback="x")
        assert [item.message for item in found.problems if "could not be read: " in item.message] == []
        assert decode_snapshot(encode_snapshot(found)) == found


class Broken:
    """A service with a defect."""

    TYPES = (next(iter(services()))[1].TYPES[0],)

    def collect(self, source: Source) -> Iterator[Resource | Problem]:
        """Yield the same resource twice, then fail."""
        yield from [Resource("linux.os", "os", "os", {"hostname": source.live})] * 2
        raise KeyError("defect")


def test_service_that_fails_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "services", lambda: iter([("broken", Broken())]))
    found = snapshot(MemorySource(), lambda _: None, fallback="box")
    assert [item.id for item in found.resources] == ["os", "os#2"]
    assert [(item.kind, item.message, item.resource_types) for item in found.problems] == [
        ("format", "broken could not be read: KeyError: 'defect'", ("linux.os",))
    ]
    assert found.asset.name == "box"


def test_only_reads_what_is_asked_for() -> None:
    seen: list[str] = []
    found = snapshot(MemorySource(HOST["files"]), seen.append, fallback="x", only={"linux.os"})
    assert (seen, found.resource_types) == (["os"], ("linux.os",))
    assert len(SERVICES) == len(set(SERVICES))


@pytest.mark.parametrize(
    ("form", "content", "message"),
    [
        ("manifest", {}, "reads examples of the form host"),
        ("host", [], "a host is a mapping"),
        ("host", {"fils": {}}, "a host is a mapping"),
        ("host", {"files": []}, "files and commands are mappings"),
        ("host", {"files": {1: ""}}, "paths and command lines are texts"),
        ("host", {"only": "linux.os"}, "only is a list"),
        ("host", {"files": {"etc/x": ""}}, "a path is absolute"),
        ("host", {"files": {"/x": {"modes": 1}}}, "modes is none of"),
        ("host", {"files": {"/x": {"mode": 0o644}}}, "octal digits in quotes"),
        ("host", {"files": {"/x": {"mode": "rw"}}}, "octal digits in quotes"),
        ("host", {"files": {"/x": {"uid": "root"}}}, "uid is a number"),
        ("host", {"files": {"/x": {"kind": "door"}}}, "kind one of"),
        ("host", {"files": {"/x": 5}}, "content is a text"),
        ("host", {"commands": {"x": 5}}, "its output is a text"),
        ("host", {"commands": {"x": {"status": "one"}}}, "status is a number"),
    ],
)
def test_malformed_example(form: str, content: Any, message: str) -> None:
    with pytest.raises(ConnectorError, match=message):
        CONNECTOR.example(form, content)


def mended(files: Any, changes: Any) -> Any:
    """Return an example's files after a remediation."""
    example = Example(expect="fail", form="host", content={"files": files})
    return CONNECTOR.remediate(example, Remediation(form="files", content=changes, code=True))["files"]


def test_remediation() -> None:
    before = {"/a": "old", "/b": "x", "/c": {"content": "y", "mode": "0644"}, "/d": "z\n"}
    after = mended(
        before,
        {
            "/a": "new",
            "/b": None,
            "/c": {"mode": "0600", "uid": 0},
            "/d": {"append": "more"},
            "/e": {"append": "first"},
            "/f": {"kind": "directory"},
        },
    )
    assert after == {
        "/a": {"content": "new"},
        "/c": {"content": "y", "mode": "0600", "uid": 0},
        "/d": {"content": "z\nmore"},
        "/e": {"content": "first"},
        "/f": {"kind": "directory"},
    }
    assert before["/a"] == "old"


@pytest.mark.parametrize(
    ("form", "content", "fix", "changes"),
    [
        ("resource", {}, "files", {}),
        ("host", [], "files", {}),
        ("host", {}, "shell", {}),
        ("host", {}, "files", "x"),
        ("host", {}, "files", {"/a": 5}),
        ("host", {}, "files", {"/a": {"owner": "x"}}),
    ],
)
def test_remediation_that_does_not_fit(form: str, content: Any, fix: str, changes: Any) -> None:
    with pytest.raises(ConnectorError):
        CONNECTOR.remediate(
            Example(expect="fail", form=form, content=content), Remediation(form=fix, content=changes, code=True)
        )


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("ssh://web-1", Address("web-1", None, None)),
        ("ssh://bob@web-1:2222", Address("web-1", 2222, "bob")),
        ("ssh://[::1]:22/", Address("::1", 22, None)),
        ("ssh://a%40b@h", Address("h", None, "a@b")),
    ],
)
def test_ssh_address(target: str, address: Address) -> None:
    assert parse_target(target) == address


@pytest.mark.parametrize(
    "target",
    [
        "ssh://",
        "ssh://bob@",
        "ssh://h:port",
        "ssh://h:99999",
        "ssh://bob:pw@h",
        "ssh://h/etc",
        "ssh://h?x",
        "ssh://-oProxyCommand=x",
        "ssh://a b",
        "ssh://h\x1b[31m",
        "ssh://[::1",
    ],
)
def test_malformed_ssh_address(target: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        CONNECTOR.collect(target, Options(), lambda _: None)
    assert "\n" not in caught.value.message
    assert "pw" not in caught.value.message


def test_ssh_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "asyncssh", None)
    with pytest.raises(ConnectorError) as caught:
        CONNECTOR.collect("ssh://h", Options(), lambda _: None)
    assert caught.value.hint == "pip install 'xspm[ssh]'"


def test_dir_without_a_path() -> None:
    with pytest.raises(ConnectorError, match="names no folder"):
        CONNECTOR.collect("dir:", Options(), lambda _: None)


SECRETS = {
    "hash": "$6$saltsalt$PlantedHashPlantedHashPlantedHash",
    "grub": "grub.pbkdf2.sha512.10000.5EC4E75EC4E75EC4E75EC4E7",
    "key": "b3BlbnNzaC1rZXktdjEAPlantedPrivateKey",
    "word": "PlantedPassw0rd",
    "token": "ghp_PlantedPlantedPlantedPlanted123456",
}
PLANTED: dict[str, Any] = {
    "/etc/os-release": "ID=debian\nVERSION_ID=12\n",
    "/etc/passwd": f"root:x:0:0::/root:/bin/bash\nbob:{SECRETS['hash']}:1000:1000::/home/bob:/bin/bash\n",
    "/etc/group": f"root:x:0:\nbob:{SECRETS['hash']}:1000:\n",
    "/etc/shadow": f"root:{SECRETS['hash']}:19000:0:99999:7:::\nbob:{SECRETS['hash']}:19000:0:99999:7:::\n",
    "/etc/gshadow": f"bob:{SECRETS['hash']}::\n",
    "/etc/security/opasswd": f"bob:1000:1:{SECRETS['hash']}\n",
    "/etc/ssh/ssh_host_ed25519_key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRETS['key']}\n-----END-----\n",
    "/etc/ssh/sshd_config": f"PermitRootLogin no\nSetEnv API_TOKEN={SECRETS['token']}\n",
    "/boot/grub/grub.cfg": f'set superusers="root"\npassword_pbkdf2 root {SECRETS["grub"]}\n',
    "/etc/default/grub": f'GRUB_CMDLINE_LINUX="rd.luks.password={SECRETS["word"]} quiet"\n',
    "/proc/cmdline": f"quiet password={SECRETS['word']}\n",
    "/etc/fstab": f"//s/x /mnt cifs username=a,password={SECRETS['word']} 0 0\n",
    "/etc/apt/sources.list": f"deb https://bob:{SECRETS['word']}@d/x stable main\n",
    "/etc/docker/daemon.json": f'{{"insecure-registries": ["https://a:{SECRETS["word"]}@r", "u:{SECRETS["word"]}@r:5000"]}}',
    "/usr/bin/dockerd": "",
    "/etc/crontab": f"0 5 * * * root curl -u bob:{SECRETS['word']} https://x/?token={SECRETS['token']}\n",
    "/etc/cron.d/x": f"PGPASSWORD={SECRETS['word']}\n0 5 * * * root backup --password {SECRETS['word']}\n",
    "/etc/systemd/system/x.service": "[Service]\nExecStart=/bin/x --api-token="
    f"{SECRETS['token']}\nEnvironment=DB_PASSWORD={SECRETS['word']}\n",
    "/run/systemd/system": {"kind": "directory"},
    "/etc/rsyslog.conf": f'action(type="omelasticsearch" pwd="{SECRETS["word"]}")\n',
    "/etc/sysctl.conf": f"kernel.core_pattern = |/bin/x --token={SECRETS['token']}\n",
    "/etc/sudoers": f"root ALL=(ALL) ALL\nbob ALL=(ALL) NOPASSWD: /bin/x --password={SECRETS['word']}\n",
    "/etc/chrony/chrony.conf": "server a key 1\n",
    "/etc/chrony/chrony.keys": f"1 SHA1 {SECRETS['word']}\n",
    "/home/bob/.ssh/authorized_keys": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlanted bob\n",
    "/home/bob/.netrc": f"machine x password {SECRETS['word']}\n",
}


def leaked(encoded: str) -> list[str]:
    """Return the names of planted secrets in a text."""
    return [name for name, secret in SECRETS.items() if secret in encoded or secret[8:24] in encoded]


@pytest.mark.parametrize("live", [True, False])
def test_no_secret_enters_a_snapshot(live: bool) -> None:  # noqa: FBT001
    found = CONNECTOR.example("host", {"files": PLANTED, "live": live})
    assert leaked(encode_snapshot(found).decode()) == []


def test_no_secret_of_an_unpacked_root_enters_a_snapshot(tmp_path: Path) -> None:
    for path, content in PLANTED.items():
        target = tmp_path / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            target.write_text(content)
    found = snapshot(DirectorySource(str(tmp_path)), lambda _: None, fallback="x")
    assert leaked(encode_snapshot(found).decode()) == []
    assert msgspec.to_builtins(found)["asset"]["labels"]["os.name"] == "debian"
