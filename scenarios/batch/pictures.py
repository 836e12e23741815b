"""The figures of a study's folder: each output's column tick by tick, arm by arm.

Core Objects: draw_study.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figure_files import rendered
from analysis.study_figures import MOST_ARMS, MOST_PANELS, arm_figure
from scenarios.batch.store import FIGURES, read_run

if TYPE_CHECKING:
    from scenarios.batch.plan import Plan
    from scenarios.batch.store import StudyStore
    from scenarios.study import Study

MOST_RUNS = 2_000
"""Studies of more runs get no figures: every run would be read for them."""


def draw_study(study: Study, plan: Plan, store: StudyStore) -> None:
    """Write figures/COLUMN.png and .svg for every column that the outputs ask for.

    Nothing is drawn of a study with more runs, arms or points than anybody could read off a figure. Runs that
    are not finished are left out.
    """
    arms = len(study.file.arms)
    if len(plan) > MOST_RUNS or arms > MOST_ARMS or len(plan.cells) > MOST_PANELS * arms:
        return
    columns = list(dict.fromkeys(output.column for output in study.file.outputs))
    parts = []
    for run in plan:
        stored = read_run(store.folder, run.run_id)
        if stored is not None:
            values = ", ".join(f"{key} = {value}" for key, value in run.cell.values.items())
            ticks = stored.ticks.select(["tick", *columns]).to_pandas()
            parts.append(ticks.assign(arm=run.cell.arm, point=values, replicate=run.replicate))
    if not parts:
        return
    every = pd.concat(parts, ignore_index=True)
    order = pd.Categorical(every["arm"], categories=list(study.file.arms), ordered=True)
    every = every.assign(arm=order).sort_values(["arm", "replicate"], kind="stable")
    every["arm"] = every["arm"].astype(str)
    for column in columns:
        values = every[["arm", "point", "replicate", "tick"]].assign(value=every[column].astype(float))
        figure = arm_figure(values, study.file.question or study.name, column.replace("_", " "))
        if figure is not None:
            for suffix, data in rendered(figure).items():
                store.write(f"{FIGURES}/{column}.{suffix}", data)
