"""An ECharts chart, from the copy of the library that comes with Solara's assets.

Solara's own component for it fails when a chart changes before the library has been loaded, draws what is out
of sight, and takes long over every number of an option.

Core Objects: ChartWidget, Chart, chart_traits.
"""

from __future__ import annotations

import json
from typing import Any

import traitlets
from ipyvuetify.VuetifyTemplate import VuetifyTemplate


class ChartWidget(VuetifyTemplate):
    """A chart that is drawn in the browser.

    Attributes
    ----------
    option
        Of ECharts, as JSON.
    said
        What is read out in its place.
    height
        In pixels.
    """

    template_file = (__file__, "chart.vue")
    option = traitlets.Unicode().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
    height = traitlets.Int().tag(sync=True)


def chart_traits(option: dict[str, Any], said: str) -> dict[str, str]:
    """Return what changes of a chart from one moment to the next."""
    return {"option": json.dumps(option, separators=(",", ":")), "said": said}


def Chart(option: dict[str, Any], said: str, height: int) -> Any:
    """Return a chart as an element; ``said`` is read out in its place, ``height`` is in pixels."""
    return ChartWidget.element(**chart_traits(option, said), height=height)
