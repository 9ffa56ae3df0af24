from __future__ import annotations

import pytest

from xspm.connectors.kubernetes.commands import redact_commands, secret_words


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["mysql", "-px"], {1: 2}),
        (["mysql", "-p", "database"], {}),
        (["tini", "--", "/usr/bin/mysql", "-px"], {3: 2}),
        (["redis-cli", "-a", "x"], {2: 0}),
        (["redis-cli", "-p", "6379"], {}),
        (["redis-cli", "AUTH", "user", "x"], {2: 0, 3: 0}),
        (["vault", "login", "x"], {2: 0}),
        (["vault", "login", "-method=kubernetes", "role=app"], {}),
        (["curl", "-u", "user:x"], {2: 5}),
        (["curl", "--user=user:x"], {1: 12}),
        (["curl", "-u", "user"], {}),
        (["docker", "login", "-p", "x"], {3: 0}),
        (["docker", "run", "-p", "80:80"], {}),
        (["htpasswd", "-b", "file", "user", "x"], {4: 0}),
        (["mc", "alias", "set", "name", "https://a", "user", "x"], {6: 0}),
        (["mc", "admin", "config", "set", "name", "region"], {}),
        (["kubectl", "create", "secret", "generic", "--from-literal=key=x"], {4: 19}),
        (["kubectl", "create", "secret", "generic", "--from-literal", "key=x"], {5: 4}),
        (["kubectl", "create", "configmap", "--from-literal=key=x"], {}),
        (["sqlplus", "scott/x"], {1: 6}),
        (["redis-cli", "-a", "$(PASSWORD)"], {}),
        (["redis-cli", "-a"], {}),
        (["nothing"], {}),
    ],
)
def test_a_program_tells_which_words_are_secret(words: list[str], expected: dict[int, int]) -> None:
    assert secret_words(words) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis-cli -a 'a b;c' ping; true", "redis-cli -a '*' ping; true"),
        ('redis-cli -a "$X" ping', 'redis-cli -a "$X" ping'),
        ("curl \\\n  -u a:b https://x", "curl \\\n  -u a:* https://x"),
        ("my-mysql -px", "my-mysql -px"),
    ],
)
def test_a_line_keeps_all_but_the_value(text: str, expected: str) -> None:
    assert redact_commands(text, "*") == expected
