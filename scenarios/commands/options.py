"""Options that several commands have, and where all of them print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

stdout = Console()

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the data sets.", envvar="DATA_LEVERAGE_DATA")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Workers = Annotated[int, typer.Option(help="Number of processes.", min=1)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
