"""Which programs a shell command starts.

The command is cut into simple commands; of each, words that only start another program (`flock`, `sudo`, `bash -c`) are
passed over with their own options. Programs by path and those by bare name are kept apart. What is not understood
makes the answer doubtful, never empty.
"""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from posixpath import basename, join, normpath
from typing import Final

_LIMIT: Final = 4096
"""Characters of a command that are looked at."""
_DEPTH: Final = 4
"""Commands within commands."""
_KEYWORDS: Final = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time"})
_ENDS: Final = frozenset({"fi", "done", "}", "esac", "for"})
_UNCLEAR: Final = frozenset({"eval", "case", "xargs", "parallel", "watch", "chroot", "systemd-run", "alias", "trap"})
"""Words that start programs in ways that are not followed."""
_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})
_INTERPRETERS: Final = re.compile(r"(?:python|perl|ruby|php|node|lua)[\d.]*")
_WRAPPERS: Final[dict[str, tuple[str, int]]] = {
    "nice": ("n", 0), "ionice": ("cnpPu", 0), "exec": ("a", 0), "env": ("uC", 0), "timeout": ("ks", 1),
    "sudo": ("ugCDhpRrtTU", 0), "doas": ("uC", 0), "nohup": ("", 0), "flock": ("wE", 1), "chronic": ("", 0),
    "setsid": ("", 0), "command": ("", 0), "run-one": ("", 0), "busybox": ("", 0), "systemd-cat": ("tp", 0),
    "stdbuf": ("ioe", 0), "taskset": ("", 1), "chrt": ("", 1), "cronic": ("", 0), ".": ("", 0), "source": ("", 0),
}  # fmt: skip
"""Programs that start the one named after them: their options with a value, and how many words come before it."""
_USUAL: Final = re.compile(r"/(?:usr/)?s?bin/[^/]+")
_PATH: Final = re.compile(r"[\w./+@:,=~-]+")
_BUILTINS: Final = frozenset(
    {
        *(
            ":",
            ".",
            "break",
            "continue",
            "echo",
            "exec",
            "exit",
            "export",
            "false",
            "pwd",
            "read",
            "readonly",
            "return",
        ),
        *("set", "shift", "source", "true", "ulimit", "umask", "unset", "wait", "command", "local"),
    }
)
"""Words of the shell itself, which no folder of PATH can give another meaning."""
_EXISTENCE: Final = frozenset({"-x", "-e", "-f", "-r", "-s"})


class Programs:
    """The programs of one command."""

    def __init__(self, command: str) -> None:
        """Read a command as cron hands it to the shell: what follows a bare percent sign is its input."""
        self.paths: list[str] = []
        """Absolute paths, in order."""
        self.names: list[str] = []
        """Bare names, which are looked up in PATH, in order."""
        self.tested: set[str] = set()
        """Paths that the command looks for before it starts them."""
        self.unclear = len(command) > _LIMIT
        """Whether it may start others."""
        self._folder: str | None = None
        self._read(re.split(r"(?<!\\)%", command[:_LIMIT], maxsplit=1)[0].replace("\\%", "%"), _DEPTH)
        self.paths = list(dict.fromkeys(self.paths))
        self.names = list(dict.fromkeys(self.names))

    def _read(self, command: str, depth: int) -> None:
        """Cut a command into simple ones."""
        if not depth:
            self.unclear = True
            return
        for inner in re.findall(r"\$\(([^()]*)\)|`([^`]*)`", command):
            self._read(inner[0] or inner[1], depth - 1)
        lexer = shlex.shlex(re.sub(r"\$\([^()]*\)|`[^`]*`", "$_", command), posix=True, punctuation_chars="();<>|&\n")
        lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
        words: list[str] = []
        target = False
        try:
            for token in lexer:
                if token and set(token) <= set("();<>|&\n"):
                    target = bool(set(token) & set("<>")) and not set(token) & set("();|\n")
                    if not target:
                        self._simple(words, depth)
                        words = []
                elif target:
                    target = False
                else:
                    words.append(token)
        except ValueError:
            self.unclear = True
        self._simple(words, depth)

    def _simple(self, words: list[str], depth: int) -> None:
        """Take in one simple command."""
        while words and (words[0] in _KEYWORDS or re.match(r"[A-Za-z_]\w*=", words[0]) or words[0].isdigit()):
            words = words[1:]
        if not words or words[0] in _ENDS:
            return
        word, rest, name = words[0], words[1:], basename(words[0])
        if name == "run-parts" and rest and rest[-1].startswith("/"):
            # Whoever may write into the folder has a program there; one that is missing is passed over.
            self._program(rest[-1])
            self.tested.add(rest[-1])
        if name in {"test", "[", "[["}:
            self.tested |= {path for flag, path in pairwise(rest) if flag in _EXISTENCE}
        elif word in {"cd", "pushd"}:
            self._enter(rest)
        elif name in _UNCLEAR or (name == "find" and {"-exec", "-execdir", "-ok", "-okdir"} & set(rest)):
            self.unclear = True
        elif name in _SHELLS | {"su", "runuser"}:
            self._started(word)
            self._shell(name, rest, depth)
        elif _INTERPRETERS.fullmatch(name):
            self._started(word)
            self._script(rest)
        elif name in _WRAPPERS:
            self._started(word)
            self._wrapped(name, rest, depth)
        else:
            self._program(word)

    def _enter(self, rest: list[str]) -> None:
        """Remember the folder that the next programs start in."""
        folder = rest[0] if len(rest) == 1 else "~"
        plain = _PATH.fullmatch(folder) and not folder.startswith(("~", "-"))
        self._folder = normpath(join(self._folder or "", folder)) if plain else None
        if self._folder and not self._folder.startswith("/"):
            self._folder = None

    def _started(self, word: str) -> None:
        """Note a program that starts another; those of the system's own folders stand for none."""
        if not _USUAL.fullmatch(word):
            self._program(word)

    def _program(self, word: str) -> None:
        """Note a program."""
        if not _PATH.fullmatch(word) or word.startswith("~"):
            # A bare name with odd characters is one all the same; a variable may be anything.
            self.unclear |= "$" in word or "/" in word or "~" in word
        elif word.startswith("/"):
            self.paths.append(word)
        elif "/" in word:
            if self._folder is None:
                self.unclear = True
            else:
                self.paths.append(normpath(join(self._folder, word)))
        elif word not in _BUILTINS:
            self.names.append(word)

    def _shell(self, name: str, rest: list[str], depth: int) -> None:
        """Follow a shell into its script or its command."""
        for index, word in enumerate(rest):
            if re.fullmatch(r"-[A-Za-z]*c", word) or word in {"--command", "--session-command"}:
                if index + 1 < len(rest):
                    self._read(rest[index + 1], depth - 1)
                return
            if name in _SHELLS and not word.startswith(("-", "+")):
                self._file(word)
                return
        # A shell that reads its input, or su in a form that is not followed.
        self.unclear = True

    def _script(self, rest: list[str]) -> None:
        """Follow an interpreter to its script; code on the command line and modules are none."""
        for word in rest:
            if re.match(r"-[A-Za-z]*[cem]\b|-r\b|--version", word):
                return
            if not word.startswith("-"):
                self._file(word)
                return
        self.unclear = True

    def _file(self, word: str) -> None:
        """Note a script, which unlike a program is looked for in the folder itself."""
        if "/" in word or "$" in word:
            self._program(word)
        elif self._folder:
            self._program(f"{self._folder}/{word}")
        else:
            self.unclear = True

    def _wrapped(self, name: str, rest: list[str], depth: int) -> None:
        """Pass over a wrapper's own words."""
        valued, before = _WRAPPERS[name]
        index = 0
        while index < len(rest) and rest[index].startswith("-") and rest[index] not in {"-", "--"}:
            word = rest[index]
            if name == "env" and word.startswith(("-S", "--split")):
                self.unclear = True
                return
            # `-n 5`, but not `-n5`, `-5` or `--option=value`; a long option's value in a word of its own is not told.
            index += 2 if len(word) == 2 and word[1] in valued else 1
            self.unclear |= word.startswith("--") and "=" not in word and name not in {"flock", "exec"}
        index += index < len(rest) and rest[index] == "--"
        rest = rest[index + before :]
        if name == "flock" and rest[:1] in (["-c"], ["--command"]):
            self._read(" ".join(rest[1:2]), depth - 1)
        elif name in {".", "source"}:
            self._file(rest[0] if rest else "$")
        elif rest:
            self._simple(rest, depth)
