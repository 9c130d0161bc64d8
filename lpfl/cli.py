"""``lpfl``: the command line. Importing this module, and ``lpfl --help``, stays light."""

import argparse
import contextlib
import gc
import io
import os
import sys
from collections.abc import Sequence

from lpfl import __version__
from lpfl.commands import (
    baseline,
    calibrate,
    check_optimizer,
    claims,
    compare,
    doctor,
    experiment,
    explain,
    faults,
    gate,
    history,
    mutants,
    report,
    survey,
    sweep,
    verify,
)
from lpfl.commands.parts.interruption import exit_code_of, interruptible
from lpfl.commands.parts.terminal import say
from lpfl.harmless import harmless
from lpfl.shadows import shadows

USAGE_ERROR = 2
EPILOG = """\
examples:
  lpfl verify                                    confront all statements with runs
  lpfl check-optimizer torch.optim:AdamW         judge an optimizer
  lpfl claims damping                            statements about damping
  lpfl explain inputs.csv                        does preconditioning pay for these inputs
  lpfl gate                                      the newest run against the committed baseline
  lpfl history LR-08                             how a statement fared in the runs kept here
  lpfl doctor                                    what is missing, and how to mend it

completion in bash and zsh: pip install 'lpfl[completion]', then
  eval "$(register-python-argcomplete lpfl)"

exit codes: 0 fine; 1 something is refuted, deviates or regressed; 2 bad input or output;
others with --help of each command"""
COMMANDS = (
    verify,
    check_optimizer,
    survey,
    sweep,
    claims,
    report,
    gate,
    baseline,
    compare,
    history,
    experiment,
    explain,
    calibrate,
    faults,
    mutants,
    doctor,
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="lpfl",
        description="Does this optimizer learn features the way the theory says it must?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lpfl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error of input or output is one line on stderr and exit code 2."""
    _hold_standard_files()
    _take_any_text()
    _start_lean()
    try:
        _require_folder()
        parser = build_parser()
        offer_completion(parser)
        args = parser.parse_args(arguments)
        with interruptible():
            code = int(args.run(args))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output has had enough
        _drop_output()
        return USAGE_ERROR
    except KeyboardInterrupt as error:
        say("lpfl: interrupted")
        return exit_code_of(error)
    except (ValueError, OSError, RecursionError) as error:
        _drop_output()
        say(f"lpfl: error: {one_line(error)}")
        return USAGE_ERROR
    except Exception as error:
        known = [one_line(error)] if isinstance(error, ImportError) else []
        problems = [*shadows(error), *known]
        if not problems:
            raise
        say(f"lpfl: error: {problems[0]}")
        return USAGE_ERROR


def offer_completion(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks for completions, if argcomplete is installed (lpfl[completion])."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    with contextlib.suppress(ImportError):
        import argcomplete

        argcomplete.autocomplete(parser)


def one_line(error: Exception) -> str:
    """Return what an error says, on one line that a terminal shows as text."""
    if isinstance(error, OSError) and error.strerror:
        at = f"{error.filename}: " if error.filename is not None else "output: "
        return harmless(f"{at}{error.strerror}")
    if isinstance(error, RecursionError):
        return "the input is nested too deep"
    return harmless(" ".join(str(error).split()))


def _start_lean() -> None:
    """One thread in each process, and no search for garbage all through the imports."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    gc.set_threshold(50_000, *gc.get_threshold()[1:])


def _hold_standard_files() -> None:
    """Open what was closed of the files 0, 1 and 2, or a file of a run gets one of the numbers."""
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) < 3:
            os.set_inheritable(number, True)
        os.close(number)


def _require_folder() -> None:
    """Raise ValueError if the current folder is gone: torch would end the process."""
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        raise ValueError("the current folder is gone, needs one that exists") from None


def _take_any_text() -> None:
    """Print what the terminal's encoding lacks as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter ends without a second error."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
