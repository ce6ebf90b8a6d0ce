"""pixelwise data."""

from pathlib import Path

from tyro.conf import Positional, UseAppendAction
from tyro.extras import SubcommandApp

from pixelwise.cli._arguments import values_of
from pixelwise.cli._output import print_json, print_note, print_results

COMMANDS = ("download", "stats")
command = SubcommandApp()
command.__doc__ = "Download a data set, or measure one."


@command.command
def download(dataset: Positional[str], data_root: Path | None = None) -> None:
    """Download a data set that needs no login, and unpack it below the data root.

    Args:
        dataset: voc2007 or voc2012; for the others, the command says where to get them
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
    """
    from pixelwise.data import find_data_root
    from pixelwise.data.download import download as fetch

    fetched = fetch(dataset, find_data_root(data_root))
    for archive in fetched.archives:
        print_note(f"{'downloaded' if archive.fetched else 'had'}  {archive.path} (may be removed now)")
    print_results(f"data set  {fetched.folder}{'' if fetched.archives else ' (already there; nothing downloaded)'}")


@command.command
def stats(
    dataset: Positional[str],
    data_root: Path | None = None,
    split: str | None = None,
    out: Path | None = None,
    json: bool = False,
    set: UseAppendAction[tuple[str, ...]] = (),  # noqa: A002  # the flag is called --set
) -> None:
    """Measure a data set: images, sizes, share of each class, mean and standard deviation, samples.

    Args:
        dataset: kind of the data set, see `pixelwise list datasets`; `folder` is a folder of your own (the data root)
        data_root: folder of the data sets; else PIXELWISE_DATA, else ./data
        split: one split; else all
        out: a new or empty folder for samples.png, classes.png and statistics.json
        json: print the numbers as JSON only
        set: field=value, changes a field of the data set, such as classes=all; may be repeated
    """
    from pixelwise.data import find_data_root
    from pixelwise.reporting.tables import statistics_tables
    from pixelwise.workflows.stats import spec_of
    from pixelwise.workflows.stats import stats as measure

    found = measure(spec_of(dataset, values_of(set)), find_data_root(data_root), out, [split] if split else None)
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        print_results(*statistics_tables(found))
    print_note(f"figures   {out}" if out else "for figures give a new folder: --out FOLDER")
