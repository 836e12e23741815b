"""The commands ``data``. Heavy imports wait until one is needed."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from scenarios.commands.options import DataDir, stdout
from scenarios.progress import stderr

data = typer.Typer(help="Data sets: list, fetch, add, check.", no_args_is_help=True)


@data.command("list")
def data_list(data_dir: DataDir = None) -> None:
    """List the data sets, which are here, and on what terms."""
    from learners.datasets.catalogue import data_directory
    from learners.datasets.local import status

    folder = data_directory(data_dir)
    table = Table("data set", "here", "what", "terms", box=None)
    for row in status(folder):
        table.add_row(row.name, "yes" if row.present else "no", row.title, row.licence)
    stdout.print(table)
    stdout.print(f"Folder: {escape(str(folder))}", soft_wrap=True)


@data.command()
def fetch(name: str, data_dir: DataDir = None) -> None:
    """Download a data set from its publisher."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    from learners.datasets import catalogue
    from learners.datasets.download import fetch as download

    wanted, folder = catalogue.entry(name), catalogue.data_directory(data_dir)
    if catalogue.is_present(name, folder):
        stdout.print(f"{name} is there already, in {escape(str(folder))}", soft_wrap=True)
        return
    stdout.print(f"{wanted.title}: {wanted.licence}", soft_wrap=True)
    with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=stderr) as bar:
        task = bar.add_task(name, total=None)
        path = download(name, folder, lambda done, total: bar.update(task, completed=done, total=total))
    stdout.print(f"{name} is in {escape(str(path))}", soft_wrap=True)


@data.command()
def add(name: str, path: Path, data_dir: DataDir = None) -> None:
    """Take in a data set from a folder or an archive that you have."""
    from learners.datasets.catalogue import data_directory
    from learners.datasets.local import add as take_in

    stdout.print(f"{name} is in {escape(str(take_in(name, path, data_directory(data_dir))))}", soft_wrap=True)


@data.command()
def check(name: str, data_dir: DataDir = None) -> None:
    """Compare a data set with what its publisher publishes."""
    from learners.datasets.catalogue import data_directory
    from learners.datasets.local import check as compare

    findings = compare(name, data_directory(data_dir))
    for finding in findings:
        stdout.print(escape(finding), soft_wrap=True)
    if not findings:
        stdout.print(f"{name} is the published data set", soft_wrap=True)
