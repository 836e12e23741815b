"""The figures of a study's folder: each output's column tick by tick, arm by arm.

Core Objects: draw_study.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.effect_maps import effect_map
from analysis.figure_files import rendered
from analysis.study_figures import MOST_ARMS, MOST_PANELS, arm_figure
from scenarios.batch.designs import Listed
from scenarios.batch.store import FIGURES

if TYPE_CHECKING:
    from scenarios.batch.plan import Plan
    from scenarios.batch.store import StudyStore
    from scenarios.study import Study

MOST_RUNS = 2_000
"""Studies of more runs get no figures: every run would be read for them."""


def draw_study(study: Study, plan: Plan, store: StudyStore, effects: pd.DataFrame) -> None:
    """Write figures/COLUMN.png and .svg for every column that the outputs ask for, and a map of the effects.

    Nothing is drawn of a study with more runs, arms or points than anybody could read off a figure. Runs that
    are not finished are left out.
    """
    effects = effects[effects["reference"] == study.file.compared_with]
    if not effects.empty and "point" in effects.columns:  # a sampled space has no effect at a point
        names = _point_names(study, plan)
        _write(store, "effects", effect_map(effects, names, study.file.question or study.name))
    arms = len(study.file.arms)
    if len(plan) > MOST_RUNS or arms > MOST_ARMS or len(plan.cells) > MOST_PANELS * arms:
        return
    columns = list(dict.fromkeys(output.column for output in study.file.outputs))
    parts = []
    for run in plan:
        ticks = store.files.columns(run.run_id, ["tick", *columns])
        if ticks is not None:
            parts.append(
                ticks.to_pandas().assign(
                    arm=run.cell.arm, point=_values(run.cell.values), replicate=run.replicate
                )
            )
    if not parts:
        return
    every = pd.concat(parts, ignore_index=True)
    order = pd.Categorical(every["arm"], categories=list(study.file.arms), ordered=True)
    every = every.assign(arm=order).sort_values(["arm", "replicate"], kind="stable")
    every["arm"] = every["arm"].astype(str)
    for column in columns:
        values = every[["arm", "point", "replicate", "tick"]].assign(value=every[column].astype(float))
        title = study.file.question or study.name
        _write(store, column, arm_figure(values, title, column.replace("_", " ")))


def _point_names(study: Study, plan: Plan) -> list[str]:
    """Return what each point is called, in the order of their numbers."""
    design = study.file.parameters
    if isinstance(design, Listed) and design.labels is not None:
        return design.labels
    names = {cell.point: _values(cell.values) for cell in plan.cells}
    return [names[point] for point in sorted(names)]


def _values(point: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in point.items())


def _write(store: StudyStore, name: str, figure: Figure | None) -> None:
    if figure is not None:
        for suffix, data in rendered(figure).items():
            store.write(f"{FIGURES}/{name}.{suffix}", data)
