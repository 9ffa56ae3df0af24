"""Writes the collector script: one POSIX shell script that brings everything the services need in one round trip.

It runs under dash, busybox and bash, needs nothing but a shell, `head`, `stat` and `find`, writes nothing and ends by
itself. What it prints is cut into records by a boundary that is drawn anew for every run, so that no file's content can
pass for a record; `Capture.read` reads it. A record starts with a newline, the boundary, a blank and a letter:

    F path        then a file's content          L path        then a folder's names, each ended by NUL
    s … / S …     metadata of a path, of what a link leads to  D path        it could not be read
    U flags path  a folder this user may not list (r) or enter (x)
    C n / E n     a command's output, its errors               X n status    how it ended; N n: it is not installed
    w status      how the walk ended, after the metadata of what it found
    g             what getcap printed on the programs of the walk; without one there is no getcap
    O program     paths asked, NUL, then the packages they belong to
    M uid release who ran it on which kernel                   Z             the end: without it the output is cut

A path is followed by the boundary backwards, for a name may hold line breaks.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, TypeVar

from xspm.connectors.linux.host import PATH
from xspm.connectors.linux.transport import COMMAND_LIMIT, COMMAND_TIMEOUT_SECONDS, WALK_TIMEOUT_SECONDS, Needs
from xspm.connectors.linux.walk import IMAGE_STORES, LOCAL_FILESYSTEMS, SCRATCH

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

FILE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of one file that the script brings at most."""
_FOREIGN: Final = ("/home", "/root", "/srv", "/opt", "/var", "/proc", "/sys")
"""Where files of any size or kind may lie: read one by one, cut at the limit."""

_PLACE: Final = "BOUNDARY-OF-48-HEX-DIGITS"

_PROLOGUE: Final = r"""
LC_ALL=C; LANG=C; TZ=UTC; QUOTING_STYLE=literal; PATH=@PATH@
export LC_ALL LANG TZ QUOTING_STYLE PATH
unset CDPATH ENV BASH_ENV POSIXLY_CORRECT GREP_OPTIONS IFS
B=@BOUNDARY@; E=@END@
NL='
'
K=$(uname -r 2>/dev/null)
T=; timeout 5 true >/dev/null 2>&1 && T="timeout @TIMEOUT@"
record() { printf '\n%s %s' "$B" "$*"; }
show() {
  if [ -f "$1" ]; then
    if [ -r "$1" ]; then
      record "F $1 $E$NL"
      head -c @LIMIT@ "$1" 2>/dev/null || record "D $1 $E$NL"
    else
      record "D $1 $E$NL"
    fi
  fi
}
many() {
  if [ -z "$A" ]; then
    for p; do show "$p"; done
  else
    n=$#
    while [ "$n" -gt 0 ]; do
      p=$1; shift; n=$((n - 1))
      if [ -f "$p" ]; then
        if [ ! -r "$p" ]; then record "D $p $E$NL"
        else
          record "F $p $E$NL"
          set -- "$@" "$p"
        fi
      fi
    done
    [ "$#" -eq 0 ] ||
      awk 'BEGIN { b = "'"$B"'"; e = "'"$E"'" } FNR == 1 { printf "\n%s F %s %s\n", b, FILENAME, e } { print }' "$@"
  fi
}
meta() {
  n=$#
  while [ "$n" -gt 0 ]; do
    p=$1; shift; n=$((n - 1))
    if [ -e "$p" ] || [ -h "$p" ]; then set -- "$@" "$p"; fi
  done
  [ "$#" -gt 0 ] || return 0
  printf '\n'
  stat -c "$FORMAT" "$@" || [ "$?" -lt 126 ] || for p; do stat -c "$FORMAT" "$p"; done
  n=$#
  while [ "$n" -gt 0 ]; do
    p=$1; shift; n=$((n - 1))
    if [ -h "$p" ]; then set -- "$@" "$p"; fi
  done
  [ "$#" -eq 0 ] || stat -L -c "$FOLLOWED" "$@"
}
names() {
  if [ -d "$1" ] && [ -r "$1" ] && [ -x "$1" ]; then
    record "L $1 $E$NL"
    for p in "$1"/* "$1"/.[!.]* "$1"/..?*; do
      if [ -e "$p" ] || [ -h "$p" ]; then printf '%s\000' "${p##*/}"; fi
    done
  fi
}
closed() {
  if [ -d "$1" ]; then
    f=; [ -r "$1" ] || f=r; [ -x "$1" ] || f=x$f
    [ -z "$f" ] || record "U $f $1 $E$NL"
  fi
}
run() {
  i=$1; shift
  if command -v "$1" >/dev/null 2>&1; then
    record "C $i$NL"
    { e=$($T "$@" 2>&1 1>&3 3>&-); s=$?; } 3>&1
    record "E $i$NL$e"; record "X $i $s"
  else
    record "N $i"
  fi
}
"""


def make_program(needs: Iterable[Needs]) -> str:
    """Write the script as a program that is kept on a host: it takes the boundary as its one argument.

    It checks that argument itself, because what a line of sudoers allows is any argument.
    """
    script, _ = make(needs, _PLACE)
    end = 'E=; r=$B; while [ -n "$r" ]; do E=${r%"${r#?}"}$E; r=${r#?}; done'
    script = script.replace(f"B={_PLACE}; E={_PLACE[::-1]}", f"B=$1; {end}")
    check = 'case $1 in *[!0-9a-f]*) exit 64 ;; esac; [ "${#1}" -eq 48 ] && [ "$#" -eq 1 ] || exit 64'
    return f"#!/bin/sh\n{check}\n" + script.replace("main </dev/null", 'main "$1" </dev/null')


def commands_of(needs: Iterable[Needs]) -> list[tuple[str, ...]]:
    """Return the commands that a script runs, in the order of their numbers."""
    return _unique(command for need in needs for command in need.commands)


def make(needs: Iterable[Needs], boundary: str) -> tuple[str, list[tuple[str, ...]]]:
    """Write the script.

    Args:
        needs: what it brings.
        boundary: at least 32 characters that nobody can foretell.

    Returns:
        The script, and the commands it runs in the order of their numbers.
    """
    wanted = list(needs)
    texts = _unique(pattern for need in wanted for pattern in need.texts)
    stats = _unique(pattern for need in wanted for pattern in (*need.stats, *need.texts, *need.lists))
    lists = _unique(pattern for need in wanted for pattern in need.lists)
    commands = commands_of(wanted)
    body = [
        *_fill(boundary),
        'U=$(id -u); record "M $U $K"',
        # The test for awk and its use must see the same files: without awk every file is read by a process of its own.
        "A=; awk 'BEGIN { exit 0 }' </dev/null >/dev/null 2>&1 && A=1",
        *_texts(texts),
        *(f'for d in {_quoted(pattern)}; do names "$d"; done' for pattern in lists),
        *(f"meta {_quoted(pattern)}" for pattern in _grouped(stats)),
        'if [ "$U" != 0 ]; then',
        *(f'for d in {_quoted(pattern)}; do closed "$d"; done' for pattern in _folders((*stats, *texts, *lists))),
        ":; fi",
        *(f"run {index} {shlex.join(command)}" for index, command in enumerate(commands)),
        *(_walk() if any(need.walk for need in wanted) else ()),
        "record Z",
        "printf '\\n%s \\n' \"$B\"",
    ]
    lines = "\n".join(body)
    return f"main() {{\n{lines}\n}}\nmain </dev/null 2>/dev/null\nexit 0\n", commands


def _fill(boundary: str) -> list[str]:
    """Return the functions with their constants in place."""
    constants = {
        "PATH": PATH,
        "BOUNDARY": boundary,
        "END": boundary[::-1],
        "TIMEOUT": f"{COMMAND_TIMEOUT_SECONDS:.0f}",
        "LIMIT": str(FILE_LIMIT + 1),
    }
    text = re.sub(r"@([A-Z]+)@", lambda match: constants[match[1]], _PROLOGUE)
    fields = "%f %u %g %s %d %Y %n $E %N $E"
    return [text, f'FORMAT="$B s {fields}"', f'FOLLOWED="$B S {fields}"']


def _unique(items: Iterable[T]) -> list[T]:
    """Return items in order, each once."""
    return list(dict.fromkeys(items))


def _texts(patterns: list[str]) -> list[str]:
    """Return the lines that bring files."""
    kernel = [pattern for pattern in patterns if pattern.startswith("/proc/sys/") and "*" not in pattern]
    lines = [f"many {' '.join(kernel)}"] if kernel else []
    for pattern in patterns:
        if pattern in kernel:
            continue
        if "*" in pattern and not pattern.startswith(_FOREIGN):
            lines.append(f"many {_quoted(pattern)}")
        else:
            lines.append(f'for p in {_quoted(pattern)}; do show "$p"; done')
    return lines


def _grouped(patterns: list[str]) -> list[str]:
    """Join plain paths, so that one process looks up many; a pattern stays by itself."""
    plain = [pattern for pattern in patterns if not re.search(r"[*?\[{]", pattern)]
    rest = [pattern for pattern in patterns if re.search(r"[*?\[{]", pattern)]
    return [*(" ".join(plain[start : start + 150]) for start in range(0, len(plain), 150)), *rest]


def _quoted(pattern: str) -> str:
    """Return a pattern as a shell word that still expands, with everything else quoted."""
    words = []
    for word in pattern.split(" "):
        parts = re.split(r"(\{kernel\}|[*?\[\]])", word)
        words.append("".join(_word(part) for part in parts if part))
    return " ".join(words)


def _word(part: str) -> str:
    """Return one piece of a pattern."""
    return '"$K"' if part == "{kernel}" else part if part in "*?[]" else shlex.quote(part)


def _folders(patterns: Iterable[str]) -> list[str]:
    """Return patterns of every folder above the patterns, which an ordinary user may not be allowed to enter."""
    found: set[str] = set()
    for pattern in patterns:
        folder = pattern.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
        found.add(pattern)
    return sorted(found)


def _walk() -> list[str]:
    """Return the lines that walk the file systems; see `walk.walkable` for the same choice."""
    types = "|".join(sorted(LOCAL_FILESYSTEMS))
    scratch = "|".join(sorted(SCRATCH))
    inside = "|".join(f"{store}|{store}/*" for store in sorted(IMAGE_STORES))
    stores = " -o ".join(f"-path {store}" for store in sorted(IMAGE_STORES))
    return [
        rf"""
walk() {{
  starts=; skip=; seen=' '
  while IFS=' ' read -r _ _ dev base at rest; do
    fs=${{rest#* - }}; fs=${{fs%% *}}
    case $at in *\\*|{inside}) continue ;; esac
    ok=
    if [ "$at" = / ]; then ok=1; fi
    case $fs in {types}) ok=1 ;; tmpfs) case $at in {scratch}) ok=1 ;; esac ;; esac
    [ -n "$ok" ] || continue
    case $seen in
      *" $dev:/ "*|*" $dev:$base "*) skip="$skip $at" ;;
      *) seen="$seen$dev:$base "; starts="$starts $at" ;;
    esac
  done </proc/self/mountinfo
  [ -n "$starts" ] || starts=/
  set -f; set -- -type d '(' {stores}
  for p in $skip; do set -- "$@" -o -path "$p"; done
  set -- "$@" ')' -prune -o ! -type l '(' '(' -perm -4000 -o -perm -2000 -o -perm -0002
  owned /etc/passwd; set -- "$@" -o '(' $ids ')'
  owned_groups /etc/group; set -- "$@" -o '(' $ids ')'
  set -- "$@" ')' -exec stat -c "$FORMAT" {{}} + -o ! -type l ')'
  if command -v getcap >/dev/null 2>&1; then
    record "g"; export FORMAT
    set -- "$@" -type f '(' -perm -0100 -o -perm -0010 -o -perm -0001 ')' -exec sh -c "$CAPABLE" "$B" {{}} +
  fi
  D=; timeout 5 true >/dev/null 2>&1 && D="timeout {WALK_TIMEOUT_SECONDS:.0f}"
  late=0
  for p in $starts; do
    $D find "$p" -xdev "$@"
    w=$?
    [ "$w" -le "$late" ] || late=$w
  done
  set +f
  record "w $late"
}}
owned() {{
  ids='! -user 0'
  while IFS=: read -r _ _ id _; do case $id in ''|0|*[!0-9]*) ;; *) ids="$ids ! -user $id" ;; esac; done <"$1"
}}
owned_groups() {{
  ids='! -group 0'
  while IFS=: read -r _ _ id _; do case $id in ''|0|*[!0-9]*) ;; *) ids="$ids ! -group $id" ;; esac; done <"$1"
}}
CAPABLE='C=$(getcap "$@")
[ -n "$C" ] || exit 0
printf "\\n%s g\\n%s\\n" "$0" "$C"
printf "%s\\n" "$C" | while IFS= read -r p; do
  p=${{p%% cap_*}}; p=${{p%% all*}}; p=${{p%% =*}}
  stat -c "$FORMAT" "$p"
done'
V=$(walk | head -c {COMMAND_LIMIT})
printf '\n%s\n' "$V"
set --
G=$(printf '%s\n' "$V" | while IFS=' ' read -r b _ mode _ _ _ _ _ rest; do
  [ "$b" = "$B" ] || continue
  case $mode in 8[4-9a-f]??|8[4-9a-f]?) ;; *) continue ;; esac
  printf '%s\n' "${{rest%% $E*}}"
done)
IFS=$NL; set -f
for p in $G; do
  set -- "$@" "$p"
done
unset IFS; set +f
if [ "$#" -gt 0 ]; then
  if [ -e /var/lib/dpkg/status ]; then
    n=$#
    while [ "$n" -gt 0 ]; do
      p=$1; shift; n=$((n - 1)); set -- "$@" "$p"
      case $p in /usr/*) set -- "$@" "${{p#/usr}}" ;; esac
    done
    record "O dpkg$NL"; printf '\000'; $T dpkg-query -S "$@"
  elif command -v rpm >/dev/null; then
    record "O rpm$NL"
    for p; do printf '%s\n' "$p"; done; printf '\000'; $T rpm -qf --qf '%{{NAME}}\n' "$@"
  fi
fi"""
    ]
