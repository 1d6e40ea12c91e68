"""`python -m benchmarks [NAMES...] [--times 3] [--patience 0] [--json]`: measures, prints a table.

Progress goes to stderr. Exit code 1 if something could not be measured.
"""

import argparse
import os
import signal
import sys

from benchmarks import bare, table
from benchmarks.measure import Broken, Manner
from benchmarks.stage import Stage, stage
from benchmarks.table import Row
from benchmarks.works import WORKS


def main() -> int:
    """Measure what the command line names, or all."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended then too
    manner = Manner(times=arguments.times, patience=arguments.patience)
    with stage(manner) as place:
        rows = [_row(place, name) for name in arguments.names or WORKS]
        versions = bare.versions(place.bare.settings)
    print(table.as_json(rows) if arguments.json else table.markdown(rows))
    if not arguments.json:
        print(f"\nMedians of {arguments.times}, {os.cpu_count()} cores, {versions}.")
    return 1 if any(row.fault for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", choices=[*WORKS, []], metavar="NAME", help=_names())
    parser.add_argument("--times", type=int, default=3, help="measured runs of each (3)")
    patience = "seconds to wait before each for others to be quiet (0)"
    parser.add_argument("--patience", type=float, default=0.0, help=patience)
    parser.add_argument("--json", action="store_true", help="every single time, as JSON")
    return parser


def _names() -> str:
    return "of: " + ", ".join(WORKS)


def _row(place: Stage, name: str) -> Row:
    print(f"{name} (load {os.getloadavg()[0]:.1f}) ...", end=" ", file=sys.stderr, flush=True)
    try:
        medians, notes = WORKS[name].measure(place)
    except Broken as error:
        print(f"failed: {error}", file=sys.stderr)
        return Row(name=name, work=WORKS[name], fault=str(error).splitlines()[0])
    print(f"{medians.seconds:.2f} s, bare {medians.baseline:.2f} s {notes}", file=sys.stderr)
    return Row(name=name, work=WORKS[name], medians=medians, notes=notes)


if __name__ == "__main__":
    sys.exit(main())
