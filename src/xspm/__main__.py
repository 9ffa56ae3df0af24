"""Start of the command `xspm`: the one exit path, and answers that need nothing imported."""

from __future__ import annotations

import os
import sys
from typing import Final

from xspm import __version__

_INTERRUPTED: Final = 130


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"xspm {__version__}\n")
        return
    import signal  # noqa: PLC0415 - the version needs neither it nor a command line

    # Python turns Ctrl-C into an exception wherever it is, half-way through an import too; nothing has begun by then.
    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if raises:
        signal.signal(signal.SIGINT, _interrupted)
    import gc  # noqa: PLC0415 - as above

    # One scan lives too short for cyclic garbage to matter; looking for it costs a fifth of the time.
    gc.disable()
    from xspm.cli import run  # noqa: PLC0415

    try:
        if raises:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # It came before `run` could say so, or while it said something else.
        code = _INTERRUPTED
    # Nor does the interpreter search everything for it once more on its way out: freed memory is of no use there.
    gc.freeze()
    sys.exit(code)


def _interrupted(_number: int, _frame: object) -> None:
    """End at once, with the line and the code of every interrupted command."""
    try:
        os.write(2, b"xspm: interrupted; nothing was written\n")
    finally:
        os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
