"""The command line: parse, call one function, print.

Verbs import what they need when they run: `--help` needs no torch.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction
from tyro.extras import SubcommandApp

from pixelwise.core.arguments import check_verb, one_value_each, refuse_with_resume, values_of, with_seed
from pixelwise.core.errors import Interrupted, InvalidSpec, PixelwiseError

app = SubcommandApp()
data = app.command(SubcommandApp(), name="data", help="Get a data set, or look at what is in one.")
VERBS = ("demo", "train", "evaluate", "predict", "report", "compare", "export", "serve", "reproduce", "data", "list")
DATA_VERBS = ("download", "stats")
Backend = Literal["torch", "openvino", "onnxruntime"]
Precision = Literal["fp32", "bf16", "int8"]


@app.command
def demo(out: Path | None = None, seed: int = 0) -> None:
    """Train, judge and show a small network on made-up pictures: no data, no download, about a minute.

    Args:
        out: the run's folder, new or empty; else one below runs/
        seed: decides everything random
    """
    from pixelwise.report.tables import scores_table
    from pixelwise.studies.demo import demo as run_demo

    run, result = run_demo(out, seed)
    _print(scores_table(result))
    _print(f"run       {run.path}", f"curves    {run.curves}", f"overlays  {run.sheet('test')}")


@app.command
def train(
    recipe: Positional[str | None] = None,
    data_root: Path | None = None,
    out: Path | None = None,
    seed: int | None = None,
    resume: Path | None = None,
    track: Literal["tensorboard", "mlflow"] | None = None,
    set: UseAppendAction[tuple[str, ...]] = (),  # noqa: A002  # the flag is called --set
) -> None:
    """Train a recipe, or go on with a run that was stopped.

    Args:
        recipe: name of the recipe, see `pixelwise list recipes`
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: the run's folder, new or empty; else runs/<recipe>/<time>_seed<n>
        seed: decides everything random; else the recipe's
        resume: a run's folder: go on after its last finished epoch
        track: tell TensorBoard (in the run's folder) or MLflow (where it is set to) of each epoch
        set: path=value, changes a field of the recipe, such as fit.epochs=5; may be repeated
    """
    from pixelwise.engine import train as loop
    from pixelwise.report.tables import scores_table

    if resume:
        refuse_with_resume(recipe=recipe, out=out, seed=seed, set=set)
        run = loop.resume(resume, data_root=data_root, track=track)
    else:
        run = loop.train(_experiment(recipe, seed, set), data_root=data_root, out=out, track=track)
    for result in run.results().values():
        _print(scores_table(result))
    _print(f"run       {run.path}", f"curves    {run.curves}", f"overlays  {run.overlays}")


@app.command
def evaluate(
    run: Positional[Path],
    split: str | None = None,
    data_root: Path | None = None,
    backend: Backend = "torch",
    precision: Precision = "fp32",
    flip: bool = False,
    scales: tuple[float, ...] = (1.0,),
    window: tuple[int, ...] | None = None,
    judges: bool = False,
    json: bool = False,
) -> None:
    """Judge a run's best checkpoint on a split, at the images' original size.

    Args:
        run: the run's folder
        split: which split; else the validation split
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        backend: what computes; what others than torch in fp32 make of it is shown and not stored
        precision: of the network
        flip: look at mirror images too; a result by several views is stored beside the plain one
        scales: look at each image at these multiples of its usual size
        window: height and width of sliding windows; else images are seen whole
        judges: show what torchmetrics, scikit-learn and cityscapesScripts say, where installed
        json: print the result as JSON alone
    """
    from pixelwise.engine.evaluate import evaluate as judge
    from pixelwise.report.tables import opinions_table, scores_table
    from pixelwise.runs import Run

    views, stored = _views(flip, scales, window), (backend, precision) == ("torch", "fp32")
    if judges:
        if json or not stored or views.text:
            raise InvalidSpec("--judges looks at torch's plain predictions in fp32, for a table: leave out the others.")
        from pixelwise.studies.judges import opinions

        found = opinions(run, split, data_root)
        _print(*opinions_table(found, list(next(iter(Run(run).results().values())).iou)))
        return
    result = judge(run, split, data_root, backend=backend, precision=precision, views=views)
    if json:
        _print_json(result.model_dump(mode="json"))
    else:
        sheet = Run(run).sheet(result.split, result.views)
        _print(scores_table(result), f"overlays  {sheet}" if stored else f"by {backend} in {precision}: not stored")


@app.command
def predict(
    run: Positional[Path],
    paths: Positional[tuple[Path, ...]],
    out: Path,
    backend: Backend = "torch",
    precision: Precision = "fp32",
    flip: bool = False,
    scales: tuple[float, ...] = (1.0,),
    window: tuple[int, ...] | None = None,
    labels_only: bool = False,
    data_root: Path | None = None,
) -> None:
    """Predict images: a label PNG and an overlay with legend of each, at its own size.

    Args:
        run: the run's folder
        paths: image files, and folders that are searched for images
        out: where the pictures go: a new or empty folder
        backend: what computes; openvino and onnxruntime are extras, and faster on a processor
        precision: bf16 and int8 (openvino) are faster and change some pixels: `evaluate` judges what it costs
        flip: look at mirror images too, and average the probabilities
        scales: look at each image at these multiples of its usual size
        window: height and width of sliding windows; else images are seen whole
        labels_only: write no overlays
        data_root: folder of the data sets, for int8; else PIXELWISE_DATA, else ./data
    """
    from pixelwise.engine.predict import predict as predict_files

    done = predict_files(
        run, paths, out, backend=backend, precision=precision, overlays=not labels_only, data_root=data_root,
        views=_views(flip, scales, window),
    )  # fmt: skip
    if done.written:
        _print(done.speed, f"labels    {out / 'labels'}", *([] if labels_only else [f"overlays  {out / 'overlays'}"]))
    if done.broken:
        _note(f"pixelwise: {len(done.broken)} of {len(done.broken) + len(done.written)} images could not be read:")
        for image in done.broken:
            _note(image.why)
        sys.exit(1)


@app.command
def report(
    run: Positional[Path], split: str | None = None, data_root: Path | None = None, out: Path | None = None
) -> None:
    """Write a run's page: scores, classes, confusion, edges, calibration, its worst and best images. One HTML file.

    Args:
        run: the run's folder
        split: what it is about; else test where it was judged, else the validation split
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: the page; else report.html in the run's folder
    """
    from pixelwise.studies.report import report as write_report

    _print(f"page      {write_report(run, split, data_root=data_root, out=out)}")


@app.command
def compare(
    runs: Positional[tuple[Path, ...]],
    split: str | None = None,
    data_root: Path | None = None,
    out: Path = Path("comparison"),
) -> None:
    """Compare runs with the first one: differences with intervals, seeds of one recipe taken together.

    Args:
        runs: two or more run folders
        split: what they are compared on; else test where all were judged on it, else the validation split
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: folder of the page
    """
    from pixelwise.report.comparison_page import comparison_text
    from pixelwise.studies.compare import compare_runs

    done = compare_runs(runs, split, data_root=data_root, out=out)
    _print(comparison_text(done.result), f"\npage      {done.page}")


@app.command
def export(
    run: Positional[Path],
    to: Literal["onnx", "openvino", "torch"],
    int8: bool = False,
    data_root: Path | None = None,
    out: Path | None = None,
) -> None:
    """Write a run as a file for other programs: pixels in, classes out, measured on the validation split.

    Args:
        run: the run's folder
        to: the format
        int8: convolutions in int8, calibrated on training images; openvino only
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: a new or empty folder; else exports/<format> in the run's folder
    """
    from pixelwise.report.tables import certificate_table
    from pixelwise.studies.export import export as write_export

    done = write_export(run, to, int8=int8, data_root=data_root, out=out)
    _print(certificate_table(done.certificate.model_dump()), f"export    {done.folder}")


@app.command
def serve(
    source: Positional[Path],
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    megabytes: float = 20,
    megapixels: float = 20,
    seconds: float = 30,
    waiting: int = 32,
    examples: Path | None = None,
) -> None:
    """Answer requests over HTTP: a page at / and POST /v1/segment. Interrupt it to end it.

    Args:
        source: a run's folder, or an export's
        host: the address to listen on; by default only this machine reaches it
        port: the port; 0 takes a free one
        token: what clients have to send as `Authorization: Bearer TOKEN`; else PIXELWISE_TOKEN, else nothing
        megabytes: largest body
        megapixels: largest image
        seconds: longest time to an answer
        waiting: requests that are taken at once
        examples: folder of images that the page offers; else, for this machine alone, validation images
    """
    from pixelwise.studies.serve import serve as listen

    listen(
        source, host, port, token or os.environ.get("PIXELWISE_TOKEN"), megabytes=megabytes, megapixels=megapixels,
        seconds=seconds, waiting=waiting, examples=examples,
        ready=lambda address: _note(f"open {address} in a browser (API: {address}/docs)"),
    )  # fmt: skip


@app.command
def reproduce(
    report: Positional[str],
    systems: Positional[tuple[str, ...]] = (),
    data_root: Path | None = None,
    out: Path | None = None,
    seed: int | None = None,
    set: UseAppendAction[tuple[str, ...]] = (),  # noqa: A002  # the flag is called --set
) -> None:
    """Train the systems of a published report, and put their results beside the published ones.

    The same command goes on where it was stopped, and trains nothing twice.

    Args:
        report: kerr-voc2007, ai-idd, lian-voc2007, xiang-cityscapes or isayama-voc2012
        systems: some of its systems; else all that it prints numbers of
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        out: folder of the result and of each system's run; else runs/reproduce/<report>
        seed: decides everything random, in every system; else the recipes'
        set: path=value, changes a field of every system that has it; may be repeated
    """
    from pixelwise.report.pages import summary_table
    from pixelwise.studies.reproduce import reproduce as run_report

    done = run_report(report, systems, with_seed(values_of(set), seed), data_root=data_root, out=out)
    markdown, page, numbers = done.files
    _print(summary_table(done.result), f"page      {page}", f"markdown  {markdown}", f"numbers   {numbers}")


@data.command
def download(dataset: Positional[str], data_root: Path | None = None) -> None:
    """Fetch a data set that may be fetched without a login, and unpack it below the data root.

    Args:
        dataset: voc2007 or voc2012; for the others, this says where to get them
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
    """
    from pixelwise.data import find_data_root
    from pixelwise.data.download import download as fetch

    fetched = fetch(dataset, find_data_root(data_root))
    for archive in fetched.archives:
        _note(f"{'fetched' if archive.fetched else 'had'}  {archive.path} (may be removed now)")
    _print(f"data set  {fetched.folder}{'' if fetched.archives else ' (was there; nothing fetched)'}")


@data.command
def stats(
    dataset: Positional[str],
    data_root: Path | None = None,
    split: str | None = None,
    out: Path | None = None,
    json: bool = False,
    set: UseAppendAction[tuple[str, ...]] = (),  # noqa: A002  # the flag is called --set
) -> None:
    """Show what is in a data set: images, sizes, share of each class, mean and std, samples.

    Args:
        dataset: its kind, see `pixelwise list datasets`; `folder` is a folder of your own, given as the data root
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        split: one split; else all
        out: a new or empty folder for samples.png, classes.png and statistics.json
        json: print the numbers as JSON alone
        set: field=value, changes a field of the data set, such as classes=all; may be repeated
    """
    from pixelwise.data import find_data_root
    from pixelwise.report.tables import statistics_tables
    from pixelwise.studies.stats import spec_of
    from pixelwise.studies.stats import stats as measure

    found = measure(spec_of(dataset, values_of(set)), find_data_root(data_root), out, [split] if split else None)
    if json:
        _print_json(found.model_dump(mode="json"))
    else:
        _print(*statistics_tables(found))
    _note(f"pictures  {out}" if out else "for pictures give a new folder: --out FOLDER")


@app.command(name="list")
def list_(what: Positional[Literal["recipes", "models", "losses", "datasets"]], json: bool = False) -> None:
    """List what there is, with a line about each.

    Args:
        what: which names
        json: print them as JSON alone
    """
    from pixelwise.report.tables import names_table
    from pixelwise.studies.catalogue import catalogue

    rows = catalogue(what)
    if json:
        _print_json(rows)
    else:
        _print(names_table(what, rows))


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point. Errors that are the user's to mend become one sentence and exit code 2."""
    words = one_value_each(sys.argv[1:] if argv is None else argv)
    try:
        check_verb("pixelwise", words[:1], VERBS)
        if words[:1] == ["data"]:
            check_verb("pixelwise data", words[1:2], DATA_VERBS)
        about = "Train, judge and use semantic-segmentation models."
        app.cli(args=words, prog="pixelwise", description=about, config=(FlagCreatePairsOff,))
    except KeyboardInterrupt:
        sys.exit(130)
    except PixelwiseError as error:
        print(f"pixelwise: {error}", file=sys.stderr)  # noqa: T201  # as it is: no wrapping, no markup
        sys.exit(130 if isinstance(error, Interrupted) else 2)


def _experiment(recipe: str | None, seed: int | None, changes: Iterable[str]) -> Any:
    """The recipe's experiment with the changes of the command line."""
    from pixelwise import recipes

    if recipe is None:
        raise InvalidSpec(f"train wants a recipe or --resume RUN. Recipes: {', '.join(sorted(recipes.RECIPES))}.")
    return recipes.get(recipe).with_values(with_seed(values_of(changes), seed))


def _views(flip: bool, scales: tuple[float, ...], window: tuple[int, ...] | None) -> Any:
    """How images are looked at."""
    from pixelwise.engine.views import PLAIN

    return PLAIN.replace(flip=flip, scales=scales, window=window)


def _print(*things: Any) -> None:
    """Results, on standard output. Paths stay on one line, so that they can be copied."""
    console = Console(highlight=False, soft_wrap=True)
    for thing in things:
        console.print(thing, markup=False)


def _note(line: str) -> None:
    """A remark beside the results, which standard output is for."""
    print(line, file=sys.stderr)  # noqa: T201  # as it is: rich would wrap it


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False))  # noqa: T201  # rich would wrap it
