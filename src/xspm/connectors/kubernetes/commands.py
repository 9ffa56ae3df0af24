"""Credentials on command lines, told by the program that is called: `mysql -pX`, `vault login X`, `htpasswd -b F U X`.

A table says what each program takes as a credential: behind a flag, glued to a flag, as `user:password`, or at the end
of a subcommand. It is read for command lines in texts and for the lists of arguments of containers alike. What is taken
out is the value; program, flag and user stay. Names of flags that tell of a credential (`--password`) need no table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class _Takes(NamedTuple):
    """What a program takes as a credential."""

    flags: str = ""
    """Flags, apart by spaces, whose value, set apart or glued, is one."""
    glued: str = ""
    """Flags of which only a glued value is one: set apart it is something else."""
    users: str = ""
    """Flags whose value is a user and a password, with a sign between."""
    after: str = ""
    """Subcommands after which every further word is one, but for flags and settings."""
    last: str = ""
    """Subcommands, or flags, with which the last word is one."""
    least: int = 1
    """Words that must stand behind these."""
    apart: str = ""
    """Flags whose value, set apart only, is one."""
    only: str = ""
    """The subcommand that `flags` belong to, where they mean something else without it."""


_MYSQL: Final = _Takes(glued="-p")
_FLAG_P: Final = _Takes(flags="-p")
_UPPER_P: Final = _Takes(flags="-P")
_LOGIN: Final = _Takes(flags="-p", only="login")
_LDAP: Final = _Takes(flags="-w")
_SNMP: Final = _Takes(flags="-A -X -c")
_CURL: Final = _Takes(users="-u --user --proxy-user -U")
_MONGO: Final = _FLAG_P
_SMB: Final = _Takes(users="-U --user")
_TAKES: Final = {
    **dict.fromkeys(
        ("mysql", "mysqldump", "mysqlimport", "mysqlsh", "mariadb", "mariadb-dump"), _MYSQL
    ),
    **dict.fromkeys(("docker", "podman", "skopeo", "helm", "nerdctl", "buildah", "crane", "oras", "az", "oc"), _LOGIN),
    **dict.fromkeys(("mongo", "mongosh", "mongodump", "mongorestore", "mongoimport", "mongoexport"), _MONGO),
    **dict.fromkeys(("ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami", "ldappasswd"), _LDAP),
    **dict.fromkeys(("snmpget", "snmpwalk", "snmpset", "snmpbulkwalk", "snmptrap"), _SNMP),
    **dict.fromkeys(("sqlcmd", "bcp", "osql", "zip", "unzip", "ipmitool", "mosquitto_pub", "mosquitto_sub"), _UPPER_P),
    **dict.fromkeys(("sshpass", "cqlsh", "useradd", "usermod", "amqp", "amqp-publish"), _FLAG_P),
    **dict.fromkeys(("curl", "wget", "etcdctl", "lftp"), _CURL),
    **dict.fromkeys(("smbclient", "rpcclient", "smbget"), _SMB),
    **dict.fromkeys(("mysqladmin", "mariadb-admin"), _Takes(glued="-p", last="password")),
    "7z": _Takes(glued="-p"),
    "redis-cli": _Takes(flags="-a", after="auth"),
    "http": _Takes(users="-a --auth"),
    "htpasswd": _Takes(last="-b -nb -bn -cb -bc -Bb -bB -nbB -Bbn -bnB -nBb -bnm -nbm -cbB -bcB -Bbc -cBb", least=2),
    "mc": _Takes(last="set add", least=4),
    "vault": _Takes(after="login unseal unwrap lookup revoke"),
    "rabbitmqctl": _Takes(last="add_user change_password authenticate_user", least=2),
    "openssl": _Takes(apart="-k -K"),
}  # fmt: skip
_SECRET_MAKERS: Final = ("kubectl", "oc")
_LITERAL: Final = "--from-literal"
PROGRAMS: Final = frozenset((*_TAKES, *_SECRET_MAKERS, "sqlplus"))
HINTS: Final = (
    "amqp", "authenticate_user", "curl", "htpasswd", "http ", "ldap", "lftp", "literal", "login", "mariadb", "mc ",
    "mongo", "mosquitto", "mysql", "openssl", "osql", "rabbitmq", "redis", "smb", "rpcclient", "snmp", "sqlcmd", "bcp ",
    "sqlplus", "useradd", "usermod", "vault", "wget", "zip ", "7z ", "ipmitool", "cqlsh", "etcdctl",
)  # fmt: skip
"""Texts, in lower case, of which one stands in every command line that holds a credential."""

_ALTERNATIVES: Final = "|".join(sorted((re.escape(name) for name in PROGRAMS), key=len, reverse=True))
_COMMAND: Final = rf"(?<![\w.-])(?:{_ALTERNATIVES})[ \t](?:\\\r?\n|\"[^\"\n]*\"|'[^'\n]*'|[^|;&\n])*"
_WORD: Final = r"(?:\"[^\"\n]*\"?|'[^'\n]*'?|[^\s\"'\\]|\\[^\n])+"
_HARMLESS: Final = r"(?i)(?:<[^>]*>?|\(redacted\??\)|`)?\Z|\$\w+\Z|\$[({]|\{\{"
_MAX_NESTED: Final = 4
"""Programs of one line that are looked at: `exec env tini mysql`."""


def redact_commands(text: str, mask: str) -> str:
    """Return a text without the credentials that known programs are called with; linear in time."""
    return re.sub(_COMMAND, lambda found: _line(found[0], mask), text)


def secret_words(words: Sequence[str]) -> dict[int, int]:
    """Return the words of one command line that hold a credential, each with where in the word it begins."""
    found: dict[int, int] = {}
    seen = 0
    for index, word in enumerate(words):
        program = word.rpartition("/")[2]
        if program in PROGRAMS and seen < _MAX_NESTED:
            seen += 1
            found |= {
                at: start
                for at, start in _secrets(program, words, index + 1)
                if re.match(_HARMLESS, words[at][start:].strip("\"'")) is None
            }
    return found


def _line(text: str, mask: str) -> str:
    words = list(re.finditer(_WORD, text))
    parts = secret_words([_bare(word[0]) for word in words])
    kept: list[str] = []
    end = 0
    for index in sorted(parts):
        word = words[index]
        quote = word[0][0] if word[0][0] in "\"'" else ""
        kept += (text[end : word.start() + len(quote) + parts[index]], mask, quote)
        end = word.end()
    return "".join((*kept, text[end:]))


def _bare(word: str) -> str:
    """Return a word without the quotes around it."""
    if word[0] not in "\"'":
        return word
    return word[1:-1] if len(word) > 1 and word[-1] == word[0] else word[1:]


def _secrets(program: str, words: Sequence[str], first: int) -> Iterator[tuple[int, int]]:
    """Yield the places of the credentials that a program is given from the word `first` on."""
    if program in _SECRET_MAKERS and "secret" in words[first:]:
        yield from _literals(words, first)
    if program == "sqlplus":
        yield from (
            (index, found.end())
            for index in range(first, len(words))
            if (found := re.match(r"[\w.$#]+/", words[index]))
        )
    takes = _TAKES.get(program)
    if takes is None:
        return
    flags, users, apart = takes.flags.split(), takes.users.split(), takes.apart.split()
    if takes.only and takes.only not in words[first:]:
        flags = []
    after, last = takes.after.split(), takes.last.split()
    follows = 0
    for index in range(first, len(words)):
        word = words[index]
        if follows:
            yield from [(index, 0)] if follows == 1 and not word.startswith("-") else _password(words, index, 0)
            follows = 0
            continue
        if word in flags or word in apart or word in users:
            follows = 2 if word in users else 1
        elif (glued := _glued(word, (*flags, *takes.glued.split()))) is not None:
            yield index, glued
        elif (glued := _glued(word, users)) is not None:
            yield from _password(words, index, glued)
        elif word.lower() in after:
            yield from (
                (at, 0) for at in range(index + 1, len(words)) if words[at][0:1] != "-" and "=" not in words[at]
            )
            return
        elif word in last and len(words) - 1 >= index + takes.least and words[-1][0:1] != "-":
            yield len(words) - 1, 0


def _glued(word: str, flags: Sequence[str]) -> int | None:
    """Return where the value begins that is glued to one of the flags."""
    for flag in flags:
        if word.startswith(f"{flag}="):
            return len(flag) + 1
        if len(flag) == 2 and word.startswith(flag) and len(word) > 2:
            return 2
    return None


def _password(words: Sequence[str], index: int, start: int) -> Iterator[tuple[int, int]]:
    """Yield the place of the password of `user:password` (`%` and `,` with some programs)."""
    found = re.compile(r"[\"']?[^\s:%,/\"']*[:%,]").match(words[index], start)
    if found is not None and not words[index].startswith("//", found.end()) and found.end() < len(words[index]):
        yield index, found.end()


def _literals(words: Sequence[str], first: int) -> Iterator[tuple[int, int]]:
    """Yield the places of the values of `--from-literal=key=value`."""
    for index in range(first, len(words)):
        if words[index].startswith(f"{_LITERAL}="):
            at, start = index, len(_LITERAL) + 1
        elif words[index - 1] == _LITERAL:
            at, start = index, 0
        else:
            continue
        equals = words[at].find("=", start)
        if equals >= 0:
            yield at, equals + 1
