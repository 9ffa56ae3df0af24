from __future__ import annotations

import re
from typing import Any

import pytest

from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.credentials import REDACTED, SUSPECT
from xspm.connectors.kubernetes.redact import redact_object, redact_text
from xspm.model.asset import encode_snapshot

FORMS = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: c
    image: user:PLANTED-01@visible-1.example/x:1
    args: ["-pPLANTED-02", "-p8080", "-pprof.addr=visible-2"]
    env:
    - {name: PASSWORD, value: [PLANTED-03]}
    - {name: API_TOKEN, value: {a: {b: PLANTED-04}, name: visible-3}}
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {type: ExternalName, externalName: "u:PLANTED-05@visible-4"}
---
apiVersion: v1
kind: Secret
metadata: {name: visible-5, extra: PLANTED-06, labels: {a: visible-6}}
type: {cert: PLANTED-07}
immutable: PLANTED-08
stringdata: {visible-7: PLANTED-09}
extra: PLANTED-10
items: [PLANTED-11]
---
apiVersion: example.com/v1
kind: Secret
metadata: {name: foreign}
spec: {region: visible-8}
data: {a: PLANTED-12}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: gluster}
provisioner: kubernetes.io/glusterfs
parameters: {resturl: "http://visible-9:8081", restuserkey: PLANTED-13}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  a: "bob:$apr1$PLANTED1$4PLANTED-14aaaaaaaaaa"
  b: "md50123456789abcdef0123456789abcdef"
  c: "SCRAM-SHA-256$4096:PLANTED-15==$PLANTED-16=:PLANTED-17="
  d: |
    PuTTY-User-Key-File-3: ssh-ed25519
    Encryption: none
    Private-Lines: 1
    PLANTED18
    Private-MAC: PLANTED-19
  d2: |
    Private-Lines: 2
    PLANTED20
    PLANTED21
  e: "AGE-SECRET-KEY-1PLANTED-22"
  f: "jdbc:oracle:thin:scott/PLANTED-23@h:1521/x"
  g: |
    bob * "PLANTED-24" *
    eve * PLANTED-25 *
  h: "passwd,PLANTED-26"
  i: "AIza01234567890123456789012345678901234PLANTED-27"
  j: 'net use Z: \\\\srv\\share PLANTED-28 /user:bob'
  k: 'net user bob PLANTED-29 /add'
  l: 'kinit bob <<< "PLANTED-30"'
  m: "AUTH PLANTED-31"
  n: 'printf "AUTH bob PLANTED-32" | nc r 6379'
  o: "https://PLANTED-33@h/x"
  p: |
    key = "PLANTED-34"
    key = PLANTED-35==
  q: "see user:PLANTED-36@h.example"
  r: |
    apiVersion: v1
    kind: Secret
    stringdata:
      x: PLANTED-37
"""


def test_forms_and_layouts_tell_a_secret() -> None:
    snapshot = CONNECTOR.example("manifest", FORMS)
    encoded = encode_snapshot(snapshot).decode()
    assert re.findall(r".{30}PLANTED-?[0-9]+", encoded) == []
    assert "0123456789abcdef" not in encoded
    assert [number for number in range(1, 10) if f"visible-{number}" not in encoded] == []


def test_a_wrong_value_under_a_telling_name_keeps_its_shape() -> None:
    """A list in place of a text is still told by its type."""
    value = {"env": [{"name": "PASSWORD", "value": ["x", 5, True, None, {"name": "n", "b": "y"}]}]}
    assert redact_object(value, "x")["env"][0]["value"] == [
        REDACTED,
        REDACTED,
        True,
        None,
        {"name": "n", "b": REDACTED},
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"kind": "Secret", "stringdata": {"a": "x"}}, {"kind": "Secret", "stringdata": {"a": REDACTED}}),
        ({"kind": "Secret", "immutable": True, "type": "t"}, {"kind": "Secret", "immutable": True, "type": "t"}),
        (
            {"kind": "SecretList", "items": [{"metadata": {"name": "n"}, "x": ["a"]}]},
            {"kind": "SecretList", "items": [{"metadata": {"name": "n"}, "x": REDACTED}]},
        ),
        (
            {"apiVersion": "a.b/v1", "kind": "Secret", "spec": {"a": "x"}},
            {"apiVersion": "a.b/v1", "kind": "Secret", "spec": {"a": "x"}},
        ),
    ],
)
def test_only_what_is_known_stays_of_a_secret(value: dict[str, Any], expected: dict[str, Any]) -> None:
    assert redact_object(value, str(value["kind"])) == expected


@pytest.mark.parametrize(
    "text",
    [
        "registry.example.com:5000/team/app:1.2@sha256:" + "a" * 64,
        "nginx:1.25@sha256:" + "a" * 64,
        "mailto:bob@example.com",
        "serviceAccount:app@project.iam.gserviceaccount.com",
        "git@github.com:org/repo.git",
        "ssh://git@github.com/org/repo.git",
        "bob@example.com",
        "at 12:30 call bob@example.com",
        "0 * * * * run * now",
        "SELECT * FROM users",
        'echo * "hello"',
        "the AUTH command is sent first",
        "md5d41d8cd9",
        "key = ${name}",
        "user,password,host",
        "kinit <<< $PASSWORD",
        "net use",
    ],
)
def test_harmless_texts_stay(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("image", "user:x/y@r.example/x:1", f"user:{REDACTED}@r.example/x:1"),
        ("image", "u:pw@r.example/x:1@sha256:" + "a" * 64, f"u:{REDACTED}@r.example/x:1@sha256:" + "a" * 64),
        ("image", "r.example:5000/x:1@sha256:" + "a" * 64, "r.example:5000/x:1@sha256:" + "a" * 64),
        ("image", "nginx:1@sha256:short", "nginx:1@sha256:short"),
        ("externalName", "u:p@h:5000", f"u:{REDACTED}@h:5000"),
        ("note", "u:p@h", f"u:{SUSPECT}@h"),
    ],
)
def test_the_password_before_a_host_is_taken_out(field: str, value: str, expected: str) -> None:
    assert redact_object({field: value}, "x") == {field: expected}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("-psecretSECRET", f"-p{SUSPECT}"),
        ("-pHunter22", f"-p{SUSPECT}"),
        ("-p8080", "-p8080"),
        ("-p127.0.0.1:8080:80", "-p127.0.0.1:8080:80"),
        ("-pprof.enabled=true", "-pprof.enabled=true"),
        ("-pluginDir=/x", "-pluginDir=/x"),
        ("-parallel", "-parallel"),
        ("-p/var/run/App", "-p/var/run/App"),
    ],
)
def test_a_glued_password_is_taken_out_whatever_the_program(item: str, expected: str) -> None:
    assert redact_object({"args": [item]}, "x")["args"] == [expected]


@pytest.mark.parametrize(
    "text",
    ["a:" * 200_000 + "@", "a:b@" * 100_000, "PuTTY-User-Key-File-1" * 20_000, "Private-Lines:\n" * 30_000, "kinit " * 70_000 + "<<<",
     "net use " * 50_000, "net user a" * 40_000, "AUTH " * 80_000, "echo AUTH a " * 30_000, "key = " * 70_000, "a * " * 100_000,
     "https://a" * 50_000, "jdbc:oracle:thin:" * 30_000, "password," * 50_000, "x_" * 200_000 + "passwd,", "md5" * 150_000,
     "AGE-SECRET-KEY-" * 30_000 + " ", "Private-Lines:" + "\nA" * 200_000, "://" + "a" * 400_000],
)  # fmt: skip
def test_hostile_texts_do_not_hang(text: str) -> None:
    assert redact_text(text)
