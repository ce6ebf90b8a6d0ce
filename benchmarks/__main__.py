"""Comparison of pixelwise with other libraries: `python -m benchmarks [ROW …] --data-root data`.

Each row is two commands that run alternately (A B A B …), each in a process of its own; the machine should be otherwise
idle. Every measurement is written to records/benchmarks/<row>.json; docs/performance.md and its pictures are made from
these files. The other libraries are installed in benchmarks/.venv, which is created on first use.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import torch

from benchmarks.machine import describe
from benchmarks.page import ALONE, write_page
from benchmarks.rows import ROWS, Row, Side

HERE = Path(__file__).parent
ENVIRONMENT = HERE / ".venv"
RECORDS, DOCS = HERE.parent / "records" / "benchmarks", HERE.parent / "docs"


def peers_python() -> Path:
    """The interpreter of the other libraries' environment, which is created if it does not exist."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        import torchvision

        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        # The same torch on both sides: the comparison is of the code that is built on it.
        same = [
            f"torch=={torch.__version__.partition('+')[0]}",
            f"torchvision=={torchvision.__version__.partition('+')[0]}",
        ]
        install = [python, "-m", "pip", "install", "-q", *same, "-r", HERE / "requirements-peers.txt"]
        subprocess.run(install, check=True)
    return python


def measure(side: Side, data_root: Path, work: Path, seed: int = 0) -> dict[str, float]:
    """Runs one side once.

    Returns:
        The measurement, read from its last line of output.
    """
    python = peers_python() if side.peer else Path(sys.executable)
    script = HERE / ("peers" if side.peer else "ours") / side.script
    arguments = [text.format(data=data_root, work=work, seed=seed) for text in side.arguments]
    done = subprocess.run([python, script, *arguments], capture_output=True, text=True, check=False, cwd=work)
    if done.returncode:
        raise SystemExit(f"{script.name} failed:\n{done.stderr[-4000:]}")
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def run(row: Row, pairs: int, data_root: Path, work: Path) -> None:
    """Runs a row and stores its measurements."""
    if row.prepare:
        measure(row.prepare, data_root, work)
    ours, theirs = [], []
    for seed in range(pairs):
        ours.append(measure(row.ours, data_root, work, seed))
        theirs.append(measure(row.theirs, data_root, work, seed))
        ratio = row.ratio(ours[-1], theirs[-1])
        pair = f"{ours[-1][row.figure]:.2f} and {theirs[-1][row.figure]:.2f}, ratio {ratio:.2f}"
        print(f"{row.name} {seed + 1}/{pairs}: {pair}", flush=True)
    result = {
        "row": row.name, "date": date.today().isoformat(), "ours": ours, "theirs": theirs, "machine": describe(),
    }  # fmt: skip
    _store(row.name, result)


def run_alone(name: str, data_root: Path, work: Path) -> None:
    """Runs a program of pixelwise's side that is not compared with another library, and stores its measurement."""
    found = measure(Side(f"{name}.py", ("{data}", "{work}")), data_root, work)
    result = {"date": date.today().isoformat(), "found": found, "machine": describe()}
    _store(name, result)


def _store(name: str, result: dict[str, object]) -> None:
    RECORDS.mkdir(parents=True, exist_ok=True)
    (RECORDS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = [*(name for name, row in ROWS.items() if not row.runs_of), *ALONE]
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help=f"rows to measure: {', '.join(known)}; all of them by default"
    )
    parser.add_argument("--pairs", type=int, default=5, help="number of measurements of each side (5)")
    parser.add_argument("--data-root", type=Path, default=Path(os.environ.get("PIXELWISE_DATA") or "data"))
    parser.add_argument("--page-only", action="store_true", help="write the page from the existing records")
    asked = parser.parse_args(words)
    if unknown := [name for name in asked.rows if name not in known]:
        parser.error(f"there is no row {unknown[0]}; choose from {', '.join(known)}")
    if not asked.page_only:
        work = HERE / ".work"
        work.mkdir(exist_ok=True)
        for name in asked.rows or known:
            if name in ROWS and ROWS[name].cuda and not torch.cuda.is_available():
                print(f"{name}: not run, because there is no GPU", flush=True)
            elif name in ALONE:
                run_alone(name, asked.data_root.resolve(), work)
            else:
                run(ROWS[name], asked.pairs, asked.data_root.resolve(), work)
    write_page(RECORDS, DOCS)


if __name__ == "__main__":
    main()
