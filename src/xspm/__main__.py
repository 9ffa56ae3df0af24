"""Start of the command `xspm`: the one exit path, and answers that need nothing imported."""

from __future__ import annotations

import sys

from xspm import __version__


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"xspm {__version__}\n")
        return
    import gc  # noqa: PLC0415 - the version needs neither it nor a command line

    # One scan lives too short for cyclic garbage to matter; looking for it costs a fifth of the time.
    gc.disable()
    from xspm.cli import run  # noqa: PLC0415

    code = run(sys.argv[1:])
    # Nor does the interpreter search everything for it once more on its way out: freed memory is of no use there.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
