"""The figures of a study's folder: each output's column tick by tick, arm by arm.

Core Objects: draw_study.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.effect_intervals import effect_intervals
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
    """Write figures/COLUMN.png and .svg for every column that the outputs ask for, and the effects.

    Of advantages that are followed both paths are drawn, too.

    Nothing is drawn of a study with more runs, arms or points than anybody could read off a figure. Runs that
    are not finished are left out.
    """
    effects = effects[effects["reference"] == study.file.compared_with]
    points, title = _points(study, plan), study.file.question or study.name
    if len(points) == 1:
        _write(store, "effects", effect_intervals(effects, title))
    elif not effects.empty and "point" in effects.columns:  # a sampled space has no effect at a point
        _write(store, "effects", effect_map(effects, points, title))
    arms = len(study.file.arms)
    if len(plan) <= MOST_RUNS:
        _draw_decays(study, plan, store)
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


def _draw_decays(study: Study, plan: Plan, store: StudyStore) -> None:
    """Write figures/COLUMN_decay.png and .svg: both paths of every advantage that is followed."""
    panels: dict[str, list[pd.DataFrame]] = {}
    for decay in study.file.decays:
        for run in plan:
            if run.cell.arm not in (decay.of, decay.into):
                continue
            if (path := store.files.series(run.run_id, decay.column)) is not None:
                where = f"{decay.of} and {decay.into}"
                values = _values(run.cell.values)
                table = pd.DataFrame({"value": path}).rename_axis("tick").reset_index()
                panels.setdefault(decay.column, []).append(
                    table.assign(
                        arm="first named" if run.cell.arm == decay.of else "second named",
                        point=f"{where}, {values}" if values else where,
                        replicate=run.replicate,
                    )
                )
    for column, parts in panels.items():
        every = pd.concat(parts, ignore_index=True)
        names = every["point"].unique().tolist()
        for number, begin in enumerate(range(0, len(names), MOST_PANELS), start=1):
            shown = every[every["point"].isin(names[begin : begin + MOST_PANELS])]
            title = study.file.question or study.name
            figure = arm_figure(shown.sort_values("arm", kind="stable"), title, column.replace("_", " "))
            _write(store, f"{column}_decay{f'_{number}' if number > 1 else ''}", figure)


def _points(study: Study, plan: Plan) -> list[Mapping[str, Any]]:
    """Return what each point is, names to values, in the order of their numbers."""
    design = study.file.parameters
    if isinstance(design, Listed) and design.labels is not None:
        return [{"point": label} for label in design.labels]
    values = {cell.point: cell.values for cell in plan.cells}
    return [values[point] for point in sorted(values)]


def _values(point: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in point.items())


def _write(store: StudyStore, name: str, figure: Figure | None) -> None:
    if figure is not None:
        for suffix, data in rendered(figure).items():
            store.write(f"{FIGURES}/{name}.{suffix}", data)
