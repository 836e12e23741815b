"""The log of a long study: one line a finished run, on the disk before the next one starts.

However a study ends, killing it included, what it finished is in the log; started again with the same
settings, it goes on from there. A log is only continued with the settings it was begun with.

Core Objects: RunLog.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from analysis.json_lines import Fields, JsonLines, canonical, plain
from learners.errors import InputError

FILE = "runs.jsonl"
FORMAT = "data-leverage reproduction 1"
"""The first key of the first line, by which a file is known to be such a log."""


class RunLog:
    """The log in a folder, made if it is not there; use it as a context.

    Parameters
    ----------
    out
        The folder; it may hold nothing but results of ours.
    settings
        What every run of the study has in common, as JSON values.

    Attributes
    ----------
    cases
        What was claimed, by name: see :meth:`claim`.
    runs
        Key and result of each finished run, as one dict; NaN is stored as ``None``.

    Raises
    ------
    OutputError
        If the folder holds something else, cannot be written, or another process is writing it.
    InputError
        If the log was made with other settings, or is damaged elsewhere than in its last line.
    """

    def __init__(self, out: Path, settings: Fields) -> None:
        self.path = out / FILE
        self.cases: dict[str, dict[str, Any]] = {}
        self.runs: list[dict[str, Any]] = []
        self._done: set[str] = set()
        self._lines = JsonLines(self.path)
        try:
            self._read(settings)
        except BaseException:
            self._lines.close()
            raise

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()

    def claim(self, case: str, settings: Fields) -> None:
        """Note what a part of the study is measured on, or check that it is what it was.

        Raises
        ------
        InputError
            If the log's runs of this case had other settings.
        """
        if case in self.cases:
            self._compare(case, self.cases[case], settings)
        else:
            self._lines.append({"case": case, "settings": settings})
            self.cases[case] = plain(settings)

    def __contains__(self, key: Fields) -> bool:
        return canonical(key) in self._done

    def append(self, key: Fields, result: Fields) -> None:
        """Store a finished run; it is on the disk when this returns."""
        self._lines.append({"run": key, "result": result})
        self._note(plain(key), plain(result))

    def _note(self, key: dict[str, Any], result: dict[str, Any]) -> None:
        self._done.add(canonical(key))
        self.runs.append(key | result)

    def _read(self, settings: Fields) -> None:
        lines = [self._parsed(number, line) for number, line in enumerate(self._lines.lines(), start=1)]
        if not lines:
            self._lines.append({"log": FORMAT, "settings": settings})
            return
        if lines[0].get("log") != FORMAT:
            raise InputError(f"{self.path}, line 1: is not the beginning of a run log ('{FORMAT}')")
        self._compare("the study", lines[0]["settings"], settings)
        for line in lines[1:]:
            if "case" in line:
                self.cases[line["case"]] = line["settings"]
            else:
                self._note(line["run"], line["result"])

    def _parsed(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            parsed = json.loads(line)
            kind = next(key for key in ("log", "case", "run") if key in parsed)
            if isinstance(parsed["result" if kind == "run" else "settings"], dict):
                return dict(parsed)
        except (ValueError, KeyError, TypeError, StopIteration):
            pass
        raise InputError(
            f"{self.path}, line {number}: is not a line of a run log; remove it to go on without"
        )

    def _compare(self, what: str, before: Fields, now: Fields) -> None:
        present = plain(now)
        for name in {**before, **present}:
            old, new = before.get(name), present.get(name)
            if old != new:
                raise InputError(
                    f"{self.path}: {what} was begun with {name} = {json.dumps(old)}, not "
                    f"{json.dumps(new)}; keep to it or name another --out"
                )
