"""Figures as files, the same bytes for the same figure.

Core Objects: rendered.
"""

from __future__ import annotations

import io

import matplotlib as mpl
from matplotlib.figure import Figure

DOTS_PER_INCH = 150


def rendered(figure: Figure) -> dict[str, bytes]:
    """Return a figure as ``png`` and as ``svg``."""
    files = {}
    for suffix, unwanted in (("png", "Software"), ("svg", "Date")):
        buffer = io.BytesIO()
        with mpl.rc_context({"svg.hashsalt": "data-leverage"}):
            figure.savefig(buffer, format=suffix, dpi=DOTS_PER_INCH, metadata={unwanted: None})
        files[suffix] = buffer.getvalue()
    return files
