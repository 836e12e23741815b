"""A run in plain words, and as numbers.

Core Objects: summary_record, run_summary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.palette import STANCES

if TYPE_CHECKING:
    from analysis.audit import AuditError

_DLP = (
    "Data leverage power says how far an action goes: 0 is no effect; 1 takes Large Co. down to its "
    "un-informed baseline, or brings Small Co. up to the model that has all the data."
)

_OFF_A_CURVE = (
    "nothing is trained: quality is read off a learning curve, as if those who act were a random set"
)


def summary_record(
    ticks: pd.DataFrame,
    events: pd.DataFrame,
    *,
    scenario_name: str,
    question: str,
    use_case: str,
    metric: str,
    higher_is_better: bool,
    perspective: str,
    mode: str,
    note: str = "",
    warnings: Sequence[str] = (),
    audit: AuditError | None = None,
) -> dict[str, Any]:
    """Return the numbers of a run that a reader asks for first.

    Parameters
    ----------
    ticks, events
        As in ticks.parquet and events.parquet.
    scenario_name, question, use_case, metric, higher_is_better, perspective, mode, note, warnings
        What the run was; passed through, so that the record stands alone.
    audit
        How far off the curve was at worst, where that was measured.

    Returns
    -------
    dict
        Shares in [0, 1], qualities in the metric's unit, revenue in units of Large Co.'s at tick 0.
    """
    first, last = ticks.iloc[0], ticks.iloc[-1]
    laws = events[events["kind"] == "intervention"]
    return {
        "scenario": scenario_name,
        "question": question,
        "use_case": use_case,
        "mode": mode,
        "metric": metric,
        "higher_is_better": higher_is_better,
        "perspective": perspective,
        "note": note,
        "warnings": list(warnings),
        "audit": audit._asdict() if audit else None,
        "stale_ticks": int(ticks["stale"].sum()),
        "ticks": int(last["tick"]),
        "shares": {stance: float(last[f"share_{stance}"]) for stance in STANCES},
        "participation": float(last["participation"]),
        "data_participation": float(last["data_participation"]),
        "most_switching": float(ticks["switch_rate"].max()),
        "quality": {
            company: {
                "first": float(first[f"quality_{company}_{perspective}"]),
                "last": float(last[f"quality_{company}_{perspective}"]),
            }
            for company in ("large", "small")
        },
        "baseline": float(last[f"baseline_{perspective}"]),
        "best": float(last[f"best_{perspective}"]),
        "dlp": {lever: float(last[f"dlp_{lever}"]) for lever in ("cdc", "strike", "cdc_delete")},
        "dlp_cdc_at_start": float(first["dlp_cdc"]),
        "revenue": {company: float(last[f"revenue_{company}"]) for company in ("large", "small")},
        "interventions": [
            _intervention(ticks, int(law["tick"]), str(law["subject"]), bool(law["value"]))
            for law in laws.to_dict("records")
        ],
    }


def _intervention(ticks: pd.DataFrame, tick: int, kind: str, begins: bool) -> dict[str, Any]:
    """Return when a law came or went, and what was true just before."""
    before = ticks[ticks["tick"] < tick]
    row = before.iloc[-1] if len(before) else ticks.iloc[0]
    return {
        "tick": tick,
        "kind": kind,
        "begins": begins,
        "participation_before": float(row["participation"]),
        "dlp_cdc_before": float(row["dlp_cdc"]),
        "revenue_large_before": float(row["revenue_large"]),
        "revenue_small_before": float(row["revenue_small"]),
    }


def run_summary(ticks: pd.DataFrame, events: pd.DataFrame, **described: Any) -> str:
    """Return a run in plain words, Markdown; the keywords are those of :func:`summary_record`."""
    r = summary_record(ticks, events, **described)
    direction = "higher" if r["higher_is_better"] else "lower"
    acting = sorted(
        ((share, stance) for stance, share in r["shares"].items() if stance != "stay" and share > 0),
        reverse=True,
    )
    paragraphs = [f"# {r['scenario']}", r["question"]]
    levers = ", ".join(f"{STANCES[stance].label} {share:.1%}" for share, stance in acting) or "nobody"
    paragraphs.append(
        f"**Who acts.** After {r['ticks']} ticks {r['participation']:.0%} of the people act, who own "
        f"{r['data_participation']:.0%} of the data: {levers}. At most {r['most_switching']:.1%} changed "
        f"their mind in one tick."
    )
    paragraphs.append(
        f"**What the models lose and gain.** {r['metric']} ({r['perspective']} view, {direction} is better): "
        f"Large Co. {_change(r['quality']['large'])}, Small Co. {_change(r['quality']['small'])}, on a scale "
        f"from {_number(r['baseline'])} (un-informed) to {_number(r['best'])} (all data)."
    )
    paragraphs.append(
        f"**Leverage.** {_DLP} At the end contribution has {_number(r['dlp']['cdc'])} (at the start "
        f"{_number(r['dlp_cdc_at_start'])}), withdrawal from Large Co. {_number(r['dlp']['strike'])}."
    )
    paragraphs.append(
        f"**Revenue**, in units of Large Co.'s before anybody acted: Large Co. "
        f"{_number(r['revenue']['large'])}, Small Co. {_number(r['revenue']['small'])}."
    )
    paragraphs += [_law(law, r) for law in r["interventions"]]
    how = {
        "live": "both models are retrained every tick on the data left to them",
        "grid": f"{_OFF_A_CURVE}, in straight lines between its points",
        "surrogate": f"{_OFF_A_CURVE}, smoothly between its points",
        "replay": "recorded qualities are played again, nothing is trained",
    }
    paragraphs.append(f"One run, one seed; {r['use_case']}; {how[r['mode']]}.")
    if worst := r["audit"]:
        company = "Large Co." if worst["company"] == "large" else "Small Co."
        paragraphs.append(
            f"**Audit.** Against models trained on what the companies really held, the curve was off by at "
            f"most {_number(worst['error'])} in units of leverage ({company}, {worst['perspective']} view, "
            f"tick {worst['tick']})."
        )
    paragraphs.append(r["note"])
    if r["stale_ticks"]:
        paragraphs.append(f"At {r['stale_ticks']} ticks a company served a model of earlier data.")
    paragraphs += [f"Warning: {warning}." for warning in r["warnings"]]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _law(law: dict[str, Any], r: dict[str, Any]) -> str:
    return (
        f"**Tick {law['tick']}: {law['kind'].replace('_', ' ')} {'begins' if law['begins'] else 'ends'}.** "
        f"From just before it to the end, participation went from {law['participation_before']:.0%} to "
        f"{r['participation']:.0%}, leverage of contribution from {_number(law['dlp_cdc_before'])} to "
        f"{_number(r['dlp']['cdc'])}, Small Co.'s revenue from {_number(law['revenue_small_before'])} to "
        f"{_number(r['revenue']['small'])}. How much of that the law caused, only the same seed without it "
        f"tells."
    )


def _change(quality: dict[str, float]) -> str:
    return f"{_number(quality['first'])} to {_number(quality['last'])}"


def _number(value: float) -> str:
    # Adding zero turns the -0.0 that rounding leaves into 0.0.
    return "undefined" if math.isnan(value) else f"{round(value, 3) + 0.0:.3f}"
