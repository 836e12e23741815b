"""Progress of long commands on stderr: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from abm.model import DataLeverageModel
    from learners.curves.measuring import CurvePoint

stderr = Console(stderr=True)


class StepProgress:
    """How many steps of how many are done; use it as a context."""

    unit = ""

    def __init__(self, text: str, total: int | None = None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=stderr, disable=not stderr.is_terminal)
        self._task = self._bar.add_task(text, total=total)

    def __enter__(self) -> StepProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, text: str, done: int, total: int, every: int = 1) -> None:
        """Say what was done last; where there is no bar, in every so manieth step."""
        self._bar.update(self._task, completed=done, total=total, description=text)
        if not stderr.is_terminal and done % every == 0:
            stderr.print(f"{self.unit}{done} of {total}: {text}", soft_wrap=True, highlight=False)

    def point(self, done: int, total: int, last: CurvePoint | None) -> None:
        """Say which point of a learning curve was measured last, if any."""
        if last is None:
            text = "measured already"
        else:
            poison = f", {last.poisoned_share:.1%} {last.poison}" if last.poison else ""
            text = f"repeat {last.repeat + 1}, {last.clean_share:.1%} genuine{poison}"
        self.step(text, done, total)


class RunProgress(StepProgress):
    """The ticks of a run; where there is no bar, ten lines in all."""

    unit = "tick "

    def __init__(self, name: str, ticks: int) -> None:
        super().__init__(f"{name}: first fit", ticks)
        self._name = name
        self._ticks = ticks

    def __enter__(self) -> RunProgress:
        super().__enter__()
        return self

    def __call__(self, model: DataLeverageModel) -> None:
        """Say what a tick brought."""
        row: dict[str, Any] = model.ticks[-1]
        retrain = row["seconds_retrain_large"] + row["seconds_retrain_small"]
        text = f"{self._name}: participation {row['participation']:.1%}, retraining {retrain:.2f} s"
        self.step(text, model.tick, self._ticks, every=max(1, self._ticks // 10))
