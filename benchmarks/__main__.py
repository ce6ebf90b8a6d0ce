"""Measures pixelwise beside its peers: `python -m benchmarks [ROW …] --data-root data`.

Each row is two commands, run in turn, A B A B …, each in a process of its own on a machine that should do nothing else.
The medians, their ratio and every single figure go to docs/benchmarks/<row>.json; docs/performance.md and its picture
are made from those files. Peers live in benchmarks/.venv, which is made on first use.
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
from benchmarks.page import LOOKS, write_page
from benchmarks.rows import ROWS, Row, Side

HERE = Path(__file__).parent
ENVIRONMENT = HERE / ".venv"


def peers_python() -> Path:
    """The interpreter of the peers' environment, made where it is not there."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        import torchvision

        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        # The same torch on both sides: what is compared is what was built on it.
        same = [
            f"torch=={torch.__version__.partition('+')[0]}",
            f"torchvision=={torchvision.__version__.partition('+')[0]}",
        ]
        install = [python, "-m", "pip", "install", "-q", *same, "-r", HERE / "requirements-peers.txt"]
        subprocess.run(install, check=True)
    return python


def measure(side: Side, data_root: Path, work: Path, seed: int = 0) -> dict[str, float]:
    """One run of one side: what its last line of output says."""
    python = peers_python() if side.peer else Path(sys.executable)
    script = HERE / ("peers" if side.peer else "ours") / side.script
    arguments = [text.format(data=data_root, work=work, seed=seed) for text in side.arguments]
    done = subprocess.run([python, script, *arguments], capture_output=True, text=True, check=False, cwd=work)
    if done.returncode:
        raise SystemExit(f"{script.name} failed:\n{done.stderr[-4000:]}")
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def run(row: Row, pairs: int, data_root: Path, work: Path, docs: Path) -> None:
    """Runs a row and stores what came out."""
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
    (docs / "benchmarks" / f"{row.name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def look(name: str, data_root: Path, work: Path, docs: Path) -> None:
    """Runs a program of pixelwise's side that has no peer, and stores what it found."""
    found = measure(Side(f"{name}.py", ("{data}", "{work}")), data_root, work)
    result = {"date": date.today().isoformat(), "found": found, "machine": describe()}
    (docs / "benchmarks" / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def main(words: Sequence[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = [*(name for name, row in ROWS.items() if not row.runs_of), *LOOKS]
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {', '.join(known)}; else all")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each side (5)")
    parser.add_argument("--data-root", type=Path, default=Path(os.environ.get("PIXELWISE_DATA") or "data"))
    parser.add_argument("--page-only", action="store_true", help="make the page from what was measured before")
    asked = parser.parse_args(words)
    if unknown := [name for name in asked.rows if name not in known]:
        parser.error(f"no row is called {unknown[0]}; choose from {', '.join(known)}")
    docs = HERE.parent / "docs"
    if not asked.page_only:
        work = HERE / ".work"
        work.mkdir(exist_ok=True)
        (docs / "benchmarks").mkdir(exist_ok=True)
        for name in asked.rows or known:
            if name in ROWS and ROWS[name].cuda and not torch.cuda.is_available():
                print(f"{name}: not run, as there is no GPU", flush=True)
            elif name in LOOKS:
                look(name, asked.data_root.resolve(), work, docs)
            else:
                run(ROWS[name], asked.pairs, asked.data_root.resolve(), work, docs)
    write_page(docs)


if __name__ == "__main__":
    main()
