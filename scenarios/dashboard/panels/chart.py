"""An ECharts chart, from the copy of the library that comes with Solara's assets.

Solara's own component for it fails when a chart changes before the library has been loaded.
"""

from __future__ import annotations

from typing import Any

import solara


@solara.component_vue("chart.vue")
def Chart(option: dict[str, Any], said: str, height: int) -> None:
    """Draw an option of ECharts; ``said`` is read out in its place, ``height`` is in pixels."""
