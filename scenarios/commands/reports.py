"""The command ``report``. Heavy imports wait until it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from learners.errors import OutputError
from scenarios.commands.options import stdout

REPORT = "report.html"


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run or of a study.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Where to write; the default is DIR/{REPORT}.")
    ] = None,
) -> None:
    """Make one page of a run or a study, to read, send or print; it needs no other file."""
    from analysis.durable_files import replace_file
    from analysis.report import report_html
    from analysis.run_report import RunStory, run_report
    from analysis.study_report import study_report
    from scenarios.report_folders import read_story

    path = out or folder / REPORT
    if path.is_dir():
        raise OutputError(f"{path} is a folder, not a file")
    story = read_story(folder)
    made_by = f"Made by data-leverage report, version {_version()}."
    page = run_report(story, made_by) if isinstance(story, RunStory) else study_report(story, made_by)
    replace_file(path, report_html(page).encode())
    stdout.print(f"Written to {escape(str(path))}", soft_wrap=True, highlight=False)


def _version() -> str:
    import importlib.metadata

    return importlib.metadata.version("data-leverage")
