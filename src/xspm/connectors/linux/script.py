"""Writes the collector script: one POSIX shell script that brings everything the services need in one round trip.

It runs under dash, busybox and bash, needs nothing but a shell, `head`, `sed`, `stat`, `readlink` and `find`, writes
nothing and ends by itself. What it prints are records, each a line that starts with a letter, for `Capture.read`.
Whatever a host's users can write stands behind a blank: `sed` or `awk` puts one before every line of a content or of a
command's output, and a line break in a name is written `\\1n` (the byte 1 itself `\\11`). So nobody can write a record
into a content or a name, whatever they know; the boundary in the first line only tells where the output starts.

    F path        then a file's content          L path        then a folder's names, each ended by NUL
    A path        then another path, whose content it has
    s … / S …     metadata of a path, of what a link leads to  D path        it could not be read
    G path        not read: somebody other than root can turn the path elsewhere
    t / r         paths, NUL, what stat or readlink says that they lead to, NUL
    U flags path  a folder this user may not list (r) or enter (x)
    C n           a command's output, NUL, its errors, NUL, how it ended; N n: it is not installed
    W             what follows until w is what the walk found
    w status      how the walk ended
    g             what getcap printed on the programs of the walk; without one there is no getcap
    O program     paths asked, NUL, then the packages they belong to
    M uid release who ran it on which kernel                   Z             the end: without it the output is cut
    q             two letters with a NUL between: how this host's sed treats NUL

Run by root, it reads no file through a path that somebody else can turn: it walks each path itself, follows links only
where all folders so far are root's alone, and from the first other folder on demands that the open file has the very
path it was asked for, and no second name.
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
WALK_RUNS: Final = frozenset({"dpkg-query -S PATH...", "getcap PATH...", "rpm -qf --qf '%{NAME}\\n' PATH..."})
"""What the walk runs on the files it found, each where it is installed."""
_FOREIGN: Final = ("/home", "/root", "/srv", "/opt", "/var", "/proc", "/sys")
"""Where files of any size or kind may lie: read one by one, cut at the limit."""
_HASHES: Final = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/usr/etc/passwd", "/usr/etc/shadow")
"""Files whose second field may be a hash, which is cut off there: only its algorithm and its cost leave the host."""

_PROLOGUE: Final = r"""
LC_ALL=C; LANG=C; TZ=UTC; QUOTING_STYLE=literal; PATH=@PATH@
export LC_ALL LANG TZ QUOTING_STYLE PATH
unset CDPATH ENV BASH_ENV POSIXLY_CORRECT GREP_OPTIONS IFS
NL='
'
ESC=$(printf '\001')
K=$(uname -r 2>/dev/null)
U=$(id -u)
T=; timeout 5 true >/dev/null 2>&1 && T="timeout @TIMEOUT@"
P=; stat --printf '%n\000' / >/dev/null 2>&1 && P=1
QUOTE='s/^/ /'
CUT='s/^\([^:]*:!*\$[^$:]*\$rounds=[0-9]*\$\)[^:]\{8,\}/\1xxxxxxxx/
t end
s/^\([^:]*:!*\$g*y\$[^$:]*\$\)[^:]\{8,\}/\1xxxxxxxx/
t end
s/^\([^:]*:!*\$2[a-z]*\$[0-9]*\$\)[^:]\{8,\}/\1xxxxxxxx/
t end
s/^\([^:]*:!*\$[^$:]*\$\)[^:]\{8,\}/\1xxxxxxxx/
t end
s/^\([^:]*:!*\$\)[^:]\{15,\}/\1xxxxxxxxxxxxxxx/
t end
s/^\([^:]*:!*_\)[^:]\{8,\}/\1xxxxxxxx/
t end
s/^\([^:]*:!*\)[.\/0-9A-Za-z]\{13\}:/\1xxxxxxxxxxxxx:/
t end
s/^\([^:]*:[!*]*\)[^:!*][^:]\{1,\}/\1xx/
:end
s/^/ /'
GUARD='exec <"$0" || exit 3
[ "$(readlink /proc/self/fd/0)" = "$0" ] || exit 3
set -- $(stat -L -c "%f %h" /proc/self/fd/0)
case $1 in 8???) ;; *) exit 3 ;; esac
[ "$2" = 1 ] || exit 3
exec head -c @LIMIT@'
SAFE=$NL; RISK=$NL; D0=-
record() { printf '\n%s' "$*"; }
quote() { sed "$QUOTE"; }
swap() {
  r=$N; N=
  while :; do
    case $r in *"$1"*) N=$N${r%%"$1"*}$2; r=${r#*"$1"} ;; *) break ;; esac
  done
  N=$N$r
}
name() {
  N=$1
  case $N in *["$NL$ESC"]*) swap "$ESC" "${ESC}1"; swap "$NL" "${ESC}n" ;; esac
}
ours() {
  case $SAFE in *"$NL$1$NL"*) return 0 ;; esac
  case $RISK in *"$NL$1$NL"*) return 1 ;; esac
  case $(stat -c %u:%a "$1") in
    0:*[2367]?|0:*[2367]) ;;
    0:*) SAFE=$SAFE$1$NL; return 0 ;;
  esac
  RISK=$RISK$1$NL
  return 1
}
steps() {
  x=$1; k=0
  while [ -n "$x" ]; do
    y=${x%%/*}
    case $x in */*) x=${x#*/} ;; *) x= ;; esac
    case $y in ''|.) continue ;; ..) [ -n "$W" ] || { R=${R%/*}; continue; } ;; esac
    [ -n "$W" ] || ours "${R:-/}" || W=1
    if [ -z "$W" ] && [ -h "$R/$y" ]; then
      k=$((k + 1))
      if [ "$k" -lt 40 ]; then
        z=$(readlink "$R/$y")
        case $z in /*) R= ;; esac
        x=$z/$x
        continue
      fi
      W=1
    fi
    R=$R/$y
  done
}
resolve() {
  R=$1; W=
  if [ "$U" = 0 ]; then
    case $1 in
      /proc/*|/sys/*) ;;
      *)
        if [ "${1%/*}" != "$D0" ]; then R=; steps "${1%/*}"; D0=${1%/*}; R0=$R; W0=$W; fi
        R=$R0; W=$W0; steps "${1##*/}" ;;
    esac
  fi
}
fetch() {
  if [ -n "$W" ]; then $T sh -c "$GUARD" "$R" 4>&- 5>&-; else $T head -c @LIMIT@ "$R" 4>&- 5>&-; fi
}
show() {
  [ -f "$1" ] || return 0
  name "$1"
  if [ ! -r "$1" ]; then record "D $N$NL"; return 0; fi
  resolve "$1"
  case $R in @HASHES@) Q=$CUT ;; *) Q=$QUOTE ;; esac
  record "F $N$NL"
  { s=$( { { fetch; printf %s "$?" >&4; } | sed "$Q" >&5; } 4>&1 ); } 5>&1
  case $s in 0) ;; 3) record "G $N$NL" ;; *) record "D $N$NL" ;; esac
}
many() {
  n=$#
  while [ "$n" -gt 0 ]; do
    p=$1; shift; n=$((n - 1))
    [ -f "$p" ] || continue
    resolve "$p"
    case $p$R in *["$NL$ESC"]*) W=1 ;; esac
    case $R in @HASHES@) W=1 ;; esac
    if [ -z "$A" ] || [ -n "$W" ] || [ ! -r "$p" ]; then show "$p"; continue; fi
    [ "$R" = "$p" ] || record "A $p$NL $R"
    [ -s "$p" ] || record "F $R$NL"
    case $R in /proc/*) set -- "$@" "$R" ;; *) [ ! -s "$p" ] || set -- "$@" "$R" ;; esac
  done
  [ "$#" -eq 0 ] || awk 'FNR == 1 { printf "\nF %s\n", FILENAME } { print " " $0 }' "$@" || for p; do show "$p"; done
}
meta() {
  n=$#
  while [ "$n" -gt 0 ]; do
    p=$1; shift; n=$((n - 1))
    if [ -e "$p" ] || [ -h "$p" ]; then
      case $p in
        *["$NL$ESC"]*)
          name "$p"
          record "s $(stat -c '@FIELDS@' "$p") $N"
          if [ -h "$p" ]; then
            if [ -e "$p" ]; then record "S $(stat -L -c '@FIELDS@' "$p") $N"; fi
            links "$p"
          fi ;;
        *) set -- "$@" "$p" ;;
      esac
    fi
  done
  [ "$#" -gt 0 ] || return 0
  printf '\n'
  stat -c 's @FIELDS@ %n' "$@" || [ "$?" -lt 126 ] || for p; do stat -c 's @FIELDS@ %n' "$p"; done
  n=$#
  while [ "$n" -gt 0 ]; do
    p=$1; shift; n=$((n - 1))
    if [ -h "$p" ]; then set -- "$@" "$p"; fi
  done
  [ "$#" -gt 0 ] || return 0
  stat -L -c 'S @FIELDS@ %n' "$@"
  links "$@"
}
links() {
  if [ -n "$P" ]; then
    record "t$NL"; stat --printf '%n\000%N\000' "$@" | quote
  else
    record "r$NL"; for p; do printf '%s\000' "$p"; readlink "$p"; printf '\000'; done | quote
  fi
}
listed() {
  printf '\nL %s\n ' "$N"
  for p in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ -e "$p" ] || [ -h "$p" ]; then name "${p##*/}"; printf '%s\000' "$N"; fi
  done
}
names() {
  if [ -d "$1" ] && [ -r "$1" ] && [ -x "$1" ]; then
    name "$1"; resolve "$1"
    if [ -z "$W" ]; then listed "$1"; else
      (if cd -P "$R" && [ "$(pwd -P)" = "$R" ]; then listed .; else record "G $N$NL"; fi)
    fi
  fi
}
closed() {
  if [ -d "$1" ]; then
    f=; [ -r "$1" ] || f=r; [ -x "$1" ] || f=x$f
    [ -z "$f" ] || { name "$1"; record "U $f $N$NL"; }
  fi
}
run() {
  i=$1; shift
  if command -v "$1" >/dev/null 2>&1; then
    record "C $i$NL"
    { { e=$($T "$@" 2>&1 1>&3 3>&-); s=$?; } 3>&1; printf '\000%s\000%s' "$e" "$s"; } | quote
  else
    record "N $i$NL"
  fi
}
"""
_NAMED: Final = r"""
IFS=$NL; set -f
set -- $(
  set +f
  {
    sed -n '/^Exec/p' /etc/systemd/system/*.service /usr/lib/systemd/system/*.service /lib/systemd/system/*.service
    sed '/^#/d' /etc/crontab /etc/cron.d/* /etc/ld.so.conf /etc/ld.so.conf.d/*
  } | tr -s ' \t=;"' '\n' | sed -n 's/^[-@:+!|]*//; /^\/[A-Za-z0-9\/._@+-]*$/p' | sort -u | while IFS= read -r p; do
    case $p in /bin/*|/sbin/*|/lib/*) l="$p /usr$p" ;; *) l=$p ;; esac
    IFS=' '
    for p in $l; do
      while [ -n "$p" ]; do printf '%s\n' "$p"; p=${p%/*}; done
    done
  done | sort -u
)
unset IFS; set +f
meta "$@"
"""
"""Looks at what units and root's cron jobs name, with all folders above, which would take further trips."""
_FIELDS: Final = "%f %u %g %s %d %Y"


def make_program(needs: Iterable[Needs]) -> str:
    """Write the script as a program that is kept on a host: it takes no argument, and the boundary as its first line.

    It checks both itself, whatever sudo allows.
    """
    script, _ = make(needs, "")
    begin = (
        '[ "$#" -eq 0 ] || exit 64\nB=; IFS= read -r B || exit 64\n'
        'case $B in *[!0-9a-f]*) exit 64 ;; esac\n[ "${#B}" -eq 48 ] || exit 64\n'
    )
    return f"#!/bin/sh\n{begin}" + script.removeprefix("B=\n")


def commands_of(needs: Iterable[Needs]) -> list[tuple[str, ...]]:
    """Return the commands that a script runs, in the order of their numbers."""
    return _unique(command for need in needs for command in need.commands)


def make(needs: Iterable[Needs], boundary: str) -> tuple[str, list[tuple[str, ...]]]:
    """Write the script.

    Args:
        needs: what it brings.
        boundary: hexadecimal; it starts the output, so that a login's greeting is not taken for a part of it. It is
            no secret.

    Returns:
        The script, and the commands it runs in the order of their numbers.
    """
    wanted = list(needs)
    texts = _unique(pattern for need in wanted for pattern in need.texts)
    stats = _unique(pattern for need in wanted for pattern in (*need.stats, *need.texts, *need.lists))
    lists = _unique(pattern for need in wanted for pattern in need.lists)
    commands = commands_of(wanted)
    body = [
        _fill(),
        'printf "\\n%s" "$B"; record "M $U $K$NL"; record "q$NL"; printf "a\\000b" | quote',
        # The test for awk and its use must see the same files: without awk every file is read by a process of its own.
        "A=; awk 'BEGIN { exit 0 }' </dev/null >/dev/null 2>&1 && A=1",
        *_texts(texts),
        *(f'for d in {_quoted(pattern)}; do names "$d"; done' for pattern in lists),
        *(f"meta {_quoted(pattern)}" for pattern in _grouped(stats)),
        *([_NAMED] if any(need.walk for need in wanted) else ()),
        'if [ "$U" != 0 ]; then',
        *(f'for d in {_quoted(pattern)}; do closed "$d"; done' for pattern in _folders((*stats, *texts, *lists))),
        ":; fi",
        *(f"run {index} {shlex.join(command)}" for index, command in enumerate(commands)),
        *(_walk() if any(need.walk for need in wanted) else ()),
        'record "Z$NL"',
    ]
    lines = "\n".join(body)
    return f"B={boundary}\nmain() {{\n{lines}\n}}\nmain </dev/null 2>/dev/null\nexit 0\n", commands


def _fill() -> str:
    """Return the functions with their constants in place."""
    constants = {
        "PATH": PATH,
        "TIMEOUT": f"{COMMAND_TIMEOUT_SECONDS:.0f}",
        "LIMIT": str(FILE_LIMIT + 1),
        "HASHES": "|".join(_HASHES),
        "FIELDS": _FIELDS,
    }
    return re.sub(r"@([A-Z]+)@", lambda match: constants[match[1]], _PROLOGUE)


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
  set -- "$@" ')' '(' -path "*[$NL$ESC]*" -exec sh -c "$ODD" sh {{}} +
  set -- "$@" -o ! -path "*[$NL$ESC]*" -exec stat -c 's {_FIELDS} %n' {{}} + ')' -o ! -type l ')'
  if command -v getcap >/dev/null 2>&1; then
    record "g$NL"
    set -- "$@" -type f '(' -perm -0100 -o -perm -0010 -o -perm -0001 ')'
    set -- "$@" '(' -path "*[$NL$ESC]*" -exec sh -c "$ODD_CAPABLE" sh {{}} +
    set -- "$@" -o ! -path "*[$NL$ESC]*" -exec sh -c "$CAPABLE" sh {{}} + ')'
  fi
  D=; timeout 5 true >/dev/null 2>&1 && D="timeout {WALK_TIMEOUT_SECONDS:.0f}"
  late=0
  for p in $starts; do
    $D find "$p" -xdev "$@"
    w=$?
    [ "$w" -le "$late" ] || late=$w
  done
  set +f
  record "w $late$NL"
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
printf "\\ng\\n"
printf "%s\\n" "$C" | while IFS= read -r p; do printf " %s\\n" "$p"; done
printf "%s\\n" "$C" | while IFS= read -r p; do
  p=${{p%% cap_*}}; p=${{p%% all*}}; p=${{p%% =*}}
  stat -c "s {_FIELDS} %n" "$p"
done'
NAMING='NL="
"; ESC=$(printf "\\001")
swap() {{
  r=$N; N=
  while :; do
    case $r in *"$1"*) N=$N${{r%%"$1"*}}$2; r=${{r#*"$1"}} ;; *) break ;; esac
  done
  N=$N$r
}}
for p; do
  N=$p; swap "$ESC" "${{ESC}}1"; swap "$NL" "${{ESC}}n"
'
ODD=$NAMING'  printf "\\ns %s %s\\n" "$(stat -c "{_FIELDS}" "$p")" "$N"
done'
ODD_CAPABLE=$NAMING'  C=$(getcap "$p")
  [ -z "$C" ] || printf "\\ng\\n %s%s\\ns %s %s\\n" "$N" "${{C#"$p"}}" "$(stat -c "{_FIELDS}" "$p")" "$N"
done'
record "W$NL"
V=$(walk | head -c {COMMAND_LIMIT})
printf '\n%s\n' "$V"
set --
G=$(printf '%s\n' "$V" | while IFS=' ' read -r b mode _ _ _ _ _ rest; do
  [ "$b" = s ] || continue
  case $mode in 8[4-9a-f]??|8[4-9a-f]?) ;; *) continue ;; esac
  printf '%s\n' "$rest"
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
    record "O dpkg$NL"; {{ printf '\000'; $T dpkg-query -S "$@"; }} | quote
  elif command -v rpm >/dev/null; then
    record "O rpm$NL"
    {{ for p; do printf '%s\n' "$p"; done; printf '\000'; $T rpm -qf --qf '%{{NAME}}\n' "$@"; }} | quote
  fi
fi"""
    ]
