from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.redact import REDACTED, looks_credential, redact_object, redact_text
from xspm.model.asset import encode_snapshot

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"
KEY = "-----BEGIN RSA PRIVATE KEY-----\\nPLANTED-KEY\\n-----END RSA PRIVATE KEY-----"

PLANTED = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: s
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{"data":{{"x":"UExBTlRFRC0w"}}}}'
    note: "password=PLANTED-1"
data: {{user: UExBTlRFRC0x, nested: {{a: PLANTED-2}}}}
stringData: {{token: PLANTED-3}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: c}}
data:
  DB_PASSWORD: PLANTED-4
  app.properties: |
    url=https://example.com
    db.password = PLANTED-5
    api_key: "PLANTED-6"
  config.json: '{{"auth": {{"clientSecret": "PLANTED-7"}}, "name": "visible-1"}}'
  key.pem: "{KEY}"
binaryData: {{store: PLANTED-8}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: d}}
spec:
  template:
    spec:
      containers:
      - name: c
        image: visible-2
        command: [sh, -c, "login --token PLANTED-9 && run --verbose"]
        args: [--password=PLANTED-10, --api-key, PLANTED-11, --name=visible-3, "{JWT}"]
        env:
        - {{name: DB_PASSWORD, value: PLANTED-12}}
        - {{name: URL, value: "postgres://app:PLANTED-13@db/x"}}
        - {{name: AWS, value: AKIAIOSFODNN7PLANTED}}
        - {{name: MODE, value: visible-4}}
        - {{name: PASSWORD_FILE, value: /visible-5}}
        - {{name: TOKEN, value: $(OTHER)}}
        - {{name: SECRET, valueFrom: {{secretKeyRef: {{name: visible-6, key: password}}}}}}
        - {{name: EMPTY_TOKEN, value: ""}}
---
apiVersion: db.example.com/v1
kind: Database
metadata: {{name: x}}
spec: {{password: PLANTED-14, accessKey: 9991234567, pinToken: 99912345679991234567, tokens: [{{name: API_TOKEN, value: 9991234567}}], secretName: visible-7}}
"""


def test_no_planted_secret_enters_a_snapshot() -> None:
    snapshot = CONNECTOR.example("manifest", PLANTED)
    encoded = encode_snapshot(snapshot).decode()
    assert "PLANTED" not in encoded
    assert "UExBTlRF" not in encoded
    assert JWT not in encoded
    assert "9991234567" not in encoded
    for number in range(1, 8):
        assert f"visible-{number}" in encoded
    (container,) = [resource.data for resource in snapshot.resources if resource.type == "k8s.container"]
    assert container["env_credentials"] == ["DB_PASSWORD", "URL", "AWS"]
    (secret,) = [resource.data for resource in snapshot.resources if resource.type == "k8s.secret"]
    assert secret["data"] == {"user": REDACTED, "nested": REDACTED}
    assert secret["stringData"] == {"token": REDACTED}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DB_PASSWORD", "x", True),
        ("password", "", False),
        ("password", "true", False),
        ("password", "$(X)", False),
        ("password", "${X}", False),
        ("password", "{{inputs.parameters.password}}", False),
        ("password", "{{ item }}", False),
        ("password", "{{='hunter2'}}", True),
        ("MYSQL_PWD", "x", True),
        ("PWD", "/app", False),
        ("TOKENIZERS_PARALLELISM", "x", False),
        ("SECRET_NAME", "x", False),
        ("SECRET_KEY_BASE", "x", True),
        ("API_KEY", "x", True),
        ("SLACK_WEBHOOK_URL", "x", True),
        ("TOKEN_URL", "https://x", False),
        ("MODE", "production", False),
        ("X", "ghp_" + "a" * 36, True),
        ("X", "https://u:pw@host", True),
        ("X", "https://u:$(PW)@host", False),
        ("X", "$2b$12$abcdefghijklmnopqrstuv", True),
    ],
)
def test_credentials_are_recognised(name: str, value: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert looks_credential(name, value) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the token expires soon", "the token expires soon"),
        ("--token abc", f"--token {REDACTED}"),
        ("password: 'a b'", f"password: '{REDACTED}'"),
        ("password=$PW", "password=$PW"),
        ("token_file=/x", "token_file=/x"),
        ("password = x # c", f"password = {REDACTED} # c"),
        ("kubernetes.io/service-account-token", "kubernetes.io/service-account-token"),
        ("nothing", "nothing"),
        ("sort_key: name", "sort_key: (redacted?)"),
        ("api_key: name", f"api_key: {REDACTED}"),
    ],
)
def test_texts_keep_all_but_the_secret(text: str, expected: str) -> None:
    assert redact_text(text) == expected


@pytest.mark.parametrize("value", [5, "x", [1], {"a": 5}])
def test_a_secret_of_any_shape_is_blank(value: Any) -> None:
    redacted = redact_object({"data": value, "kind": "Secret"}, "Secret")
    assert redacted["data"] == ({"a": REDACTED} if isinstance(value, dict) else REDACTED)


@pytest.mark.parametrize(
    "text",
    ["a" * 400_000 + " key", "password" * 50_000, "-eyJ" * 100_000, "://a:" * 80_000, 'password="' * 40_000, "-----BEGIN " + "A" * 400_000,
     "login " * 80_000, "echo " * 80_000, "curl -u " * 50_000, "basic a" * 50_000, "key:\n" * 80_000, "LS0tLS1CRUdJTi" * 30_000,
     "mysql " + "-p " * 100_000, "Authorization: " * 30_000, "password: |\n" * 40_000, "a:5432:" * 60_000,
     "password" + " " * 400_000, "SG." * 130_000, "token=" * 60_000],
)  # fmt: skip
def test_hostile_texts_do_not_hang(text: str) -> None:
    assert redact_text(text)


SURROUNDED = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: c, annotations: {Authorization: "Basic PLANTED-1"}}
data:
  app.json: '{"auths":{"r.io":{"auth":"PLANTED-2"}}, "clientSecret": "PLANTED-3", "inner": "{\\"password\\": \\"PLANTED-4\\"}"}'
  netrc: "machine h login u password PLANTED-5"
  pgpass: "h:5432:db:u:PLANTED-6"
  tls.key: PLANTED-7
  copy: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tClBMQU5UMTIK
  conf.yaml: |
    database:
      password: |
        PLANTED-8
        PLANTED-9

        PLANTED-10
      pass: PLANTED-11
      secret: >-
        PLANTED-12
      passwords:
      - PLANTED-13
      host: visible-1
  script.sh: |
    mysql -u root -pPLANTED-14
    curl -u user:PLANTED-15 https://x
    sshpass -p PLANTED-16 ssh x
    redis-cli -a PLANTED-17
    echo PLANTED-18 | passwd --stdin visible-2
  header: "Authorization: Bearer PLANTED-19"
  redis.conf: "requirepass PLANTED-20"
  my.cnf: "password PLANTED-21"
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: c
    image: visible-3
    command: [mysql, -pPLANTED-22, -u, "user:PLANTED-23"]
    args: ["-p", PLANTED-24, "--pass=PLANTED-25", "-a", PLANTED-26, "--authorization-mode=visible-4"]
    env:
    - {name: DB_PASS, value: PLANTED-27}
    - {name: PGPASS, value: PLANTED-28}
    - {name: STRIPE_KEY, value: PLANTED-29}
    - {name: AUTHORIZATION, value: "Bearer PLANTED-30"}
    - {name: DB_PASSWORD_URL, value: PLANTED-31}
    - {name: TOKEN_URL, value: "https://visible-5"}
    livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: Cookie, value: PLANTED-32}, {name: X-Api-Key, value: PLANTED-33}]}}
  volumes:
  - {name: v, flexVolume: {driver: d, options: {pass: PLANTED-34}}}
  - {name: visible-6, secret: {secretName: visible-7, items: [{key: visible-8, path: visible-9}]}}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: t}
spec:
  manifest: {apiVersion: v1, kind: sEcret, data: {foo: PLANTED-35}, stringData: {bar: PLANTED-36}}
  all: {apiVersion: v1, kind: SecretList, items: [{data: {foo: PLANTED-37}}]}
  users: [{passwords: [PLANTED-38]}]
  tls: {key: PLANTED-39}
  secret: {value: PLANTED-40}
---
apiVersion: v1
kind: secret
metadata: {name: low}
data: {foo: PLANTED-41}
"""


def test_surroundings_tell_a_secret() -> None:
    snapshot = CONNECTOR.example("manifest", SURROUNDED)
    encoded = encode_snapshot(snapshot).decode()
    assert re.findall(r"PLANTED-[0-9]+", encoded) == []
    assert "LS0tLS1CRUdJTiBQUklWQVRF" not in encoded
    assert [number for number in range(1, 10) if f"visible-{number}" not in encoded] == []


def test_an_encoded_certificate_is_no_secret() -> None:
    text = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----").decode()
    assert redact_text(text) == text


def test_fields_without_a_value_are_left_out_as_by_the_api_server() -> None:
    value = {
        "metadata": {"annotations": None},
        "spec": None,
        "data": {"a": None, "b": "x"},
        "rules": [None, {"verbs": None}],
    }
    assert redact_object(value, "Role") == {"metadata": {}, "data": {"b": "x"}, "rules": [None, {}]}
    assert redact_object({"data": None, "stringData": {"a": None, "b": 5}}, "Secret") == {"stringData": {"b": REDACTED}}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PASSWORD_LIMIT", "hunter22", True),
        ("TOKEN_TTL", "hunter22hunter22", True),
        ("TOKEN_MAX", "s3cr3t-value", True),
        ("SECRET_ADMIN", "hunter22", True),
        ("API_KEY_NAME", "a8Fj2kQ0zPl3Mn5VbTr7YwE9", True),
        ("CLIENT_SECRET_VERSION", "3f2a8c9d3e5b6a7f1029384756aabbcc", True),
        ("TOKEN_MAX", "4096", False),
        ("MAX_TOKENS", "128000", False),
        ("TOKEN_TTL", "1h30m", False),
        ("PASSWORD_EXPIRY", "2031-06-01T00:00:00Z", False),
        ("SECRET_SIZE_LIMIT", "unlimited", False),
        ("API_KEY_NAME", "prod-eu-west-1-gateway", False),
        ("SECRET_NAME", "my-app-secret-v2", False),
        ("PASSWORD_POLICY", "minLength8maxLength64", False),
        ("API_KEY_NAME", "2f4c1d3e-aa11-4b5c-9d1e-123456789abc", False),
        ("PASSWORD_FILE", "/run/secrets/a8Fj2kQ0zPl3Mn5VbTr7YwE9", False),
        ("TOKEN_ISSUER", "https://kubernetes.default.svc", False),
    ],
)
def test_the_end_of_a_name_excuses_only_what_it_says(name: str, value: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """`PASSWORD_LIMIT: hunter22` is no limit."""
    assert (redact_object({name: value}, "x")[name] != value) is expected
