"""``lpfl explain``: does preconditioning pay for these inputs? From the theory alone."""

import argparse
import json
from pathlib import Path
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.harmless import harmless

SAYS = "say from the theory alone whether preconditioning pays for your inputs"
EPILOG = """\
examples:
  lpfl explain inputs.csv --noise 0.5                       the covariance of a file
  lpfl explain table.csv --leave-out species,1              without labels and row numbers
  lpfl explain --dim 200 --samples 1000 --condition 100     log-uniform eigenvalues
  lpfl explain --eigenvalues 10*5,1*95 --samples 800        five large ones, 95 small ones
  lpfl explain --eigenvalues 0.1,1.9 --dim 400 --samples 800 --picture forecast.svg

exit codes: 0 fine; 2 bad input or output"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(commands, "explain", run, says=SAYS, epilog=EPILOG)
    parser.add_argument("file", nargs="?", help="inputs, a row each: .csv or .npy")
    parser.add_argument("--standardise", action="store_true", help="columns to variance 1")
    parser.add_argument("--leave-out", metavar="A,B,...", help="columns: names, or numbers from 1")
    parser.add_argument("--dim", type=int, metavar="D", help="dimension, without a file")
    parser.add_argument("--samples", type=int, metavar="N", help="batch (default: rows of file)")
    parser.add_argument("--eigenvalues", metavar="A,B*N,...", help="of the covariance, [x]^2")
    parser.add_argument("--family", help="of the spectrum (default geometric)")
    parser.add_argument("--condition", type=float, metavar="C", help="number (default 10)")
    parser.add_argument("--link", default="tanh", help="labels: tanh, relu, ... (default tanh)")
    parser.add_argument("--noise", type=float, default=0.3, help="of the labels, std (0.3)")
    parser.add_argument("--damping", type=float, default=0.1, help="of KFAC, [x]^2 (0.1)")
    parser.add_argument("--exponent", type=float, default=0.5, help="of the inverse (0.5)")
    parser.add_argument("--decay", type=float, default=0.9, help="of the average (0.9)")
    parser.add_argument("--target", type=float, default=0.5, help="wanted alignment (0.5)")
    parser.add_argument("--rank", type=int, default=1, help="of the linear representation (1)")
    parser.add_argument("--step-size", type=float, default=0.1, help="of many steps (0.1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--picture", metavar="FILE.svg", help="alignment against samples; new file")


def run(args: argparse.Namespace) -> int:
    """Print the forecast."""
    picture_path = _new_picture(args.picture)
    from lpfl.explain.forecast import forecast
    from lpfl.explain.words import as_json, as_text

    inputs = _inputs(args)
    samples = args.samples if args.samples is not None else inputs.rows
    if samples is None:
        raise ValueError("samples is missing, needs --samples N where no file is given")
    numbers = {
        "damping": args.damping,
        "exponent": args.exponent,
        "decay": args.decay,
        "target": args.target,
        "rank": args.rank,
        "step_size": args.step_size,
    }
    try:
        found = forecast(inputs, samples=samples, link=args.link, noise_std=args.noise, **numbers)
    except ArithmeticError as error:
        said = ", ".join(f"{name}={value}" for name, value in numbers.items())
        raise ValueError(
            f"{said}, noise={args.noise} with these inputs leave the range of float64: {error}"
        ) from None
    if picture_path is not None:
        from lpfl.explain.picture import picture
        from lpfl.results.store import write_atomically

        write_atomically(picture_path, picture(found))
    if args.json:
        print(json.dumps(as_json(found), allow_nan=False, ensure_ascii=False, indent=1))
    else:
        print("\n".join(harmless(line) for line in as_text(found).split("\n")))
    return 0


def _inputs(args: argparse.Namespace) -> Any:
    from lpfl.explain.inputs import listed_inputs, named_inputs, read_inputs

    named = args.family is not None or args.condition is not None
    ways = [args.file is not None, args.eigenvalues is not None, named]
    if sum(ways) > 1:
        raise ValueError("needs one of: a file, --eigenvalues, or --family with --condition")
    if args.file is not None:
        if args.dim is not None:
            raise ValueError(f"dim={args.dim}, needs None where a file is given")
        words = [] if args.leave_out is None else [w.strip() for w in args.leave_out.split(",")]
        return read_inputs(args.file, standardise=args.standardise, leave_out=words)
    if args.standardise:
        raise ValueError("standardise needs a file")
    if args.leave_out is not None:
        raise ValueError(f"leave-out={args.leave_out!r}, needs a file")
    if args.eigenvalues is not None:
        return listed_inputs(_eigenvalues(args.eigenvalues), args.dim)
    if args.dim is None:
        raise ValueError("dim is missing, needs a file, --dim D or --eigenvalues A,B,...")
    condition = 10.0 if args.condition is None else args.condition
    return named_inputs(args.family or "geometric", args.dim, condition)


def _eigenvalues(text: str) -> list[float]:
    """Return A, B, B, B for ``A,B*3``."""
    from lpfl.explain.inputs import LARGEST_DIM

    values: list[float] = []
    for word in text.split(","):
        value, star, times = word.partition("*")
        try:
            many = int(times) if star else 1
            if not 1 <= many <= LARGEST_DIM:
                raise ValueError
            values.extend([float(value)] * many)
        except ValueError:
            raise ValueError(
                f"eigenvalues={text!r}, needs numbers A,B,... or A*N with N in 1 to {LARGEST_DIM}"
            ) from None
    return values


def _new_picture(name: str | None) -> Path | None:
    if name is None:
        return None
    path = Path(name)
    if path.suffix != ".svg":
        raise ValueError(f"picture={name!r}, needs the ending .svg")
    if path.exists():
        raise ValueError(f"picture={name!r} exists, needs a new name")
    return path
