"""A run in plain words, and as numbers.

Core Objects: summary_record, run_summary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.institution_texts import institution_texts
from analysis.milestones import leverage_area, leverage_levels, time_to_parity
from analysis.palette import STANCES
from analysis.progress_ladder import equivalent_year

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
    represents: int | None = None,
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
    represents
        How many people the users stand for, if that is said.

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
        "represents": represents,
        "people_acting": None if represents is None else float(last["participation"]) * represents,
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
        "market_share_small": float(last["market_share_small"]),
        "hhi": float(last["hhi"]),
        "welfare": {
            group: float(last[f"welfare_{group}"]) for group in ("all", "participants", "non_participants")
        },
        "welfare_at_start": float(first["welfare_all"]),
        "time_to_parity": time_to_parity(ticks),
        "dlp_area": {lever: leverage_area(ticks, lever) for lever in ("cdc", "strike")},
        "dlp_levels": {
            lever: leverage_levels(ticks, lever).to_dict("records") for lever in ("cdc", "strike")
        },
        "attribution": _attribution(ticks),
        "equivalent_year": _equivalent_year(last, use_case),
        "interventions": [
            _intervention(ticks, int(law["tick"]), str(law["subject"]), bool(law["value"]))
            for law in laws.to_dict("records")
        ],
    }


def _attribution(ticks: pd.DataFrame) -> dict[str, Any] | None:
    """Return what each lever did by the last tick at which that was measured."""
    columns = [str(column) for column in ticks.columns if str(column).startswith("attribution_")]
    measured = ticks.dropna(subset=columns, how="all") if columns else ticks.iloc[:0]
    if measured.empty:
        return None
    row = measured.iloc[-1]
    levers = [column.removeprefix("attribution_dlp_strike_") for column in columns if "dlp_strike" in column]
    return {"tick": int(row["tick"])} | {
        outcome: {lever: float(row[f"attribution_{outcome}_{lever}"]) for lever in levers}
        for outcome in ("dlp_cdc", "dlp_strike", "revenue_large")
    }


def _equivalent_year(last: Any, use_case: str) -> dict[str, float] | None:
    """Return, by measure, the year whose technique does as well as Large Co.; only ML-1M has a ladder."""
    if use_case != "ml-1m":
        return None
    lost = last["utility_best"] - last["surfaced_hits_large"]
    by_hits = lost / (last["utility_best"] - last["utility_baseline"])
    return {
        "rmse": equivalent_year(float(last["dlp_strike_holdout"]), "rmse"),
        "surfaced_hits": equivalent_year(float(by_hits), "surfaced_hits"),
    }


def _intervention(ticks: pd.DataFrame, tick: int, kind: str, begins: bool) -> dict[str, Any]:
    """Return when an intervention began or ended, and what was true just before."""
    before = ticks[ticks["tick"] < tick]
    row = before.iloc[-1] if len(before) else ticks.iloc[0]
    return {
        "tick": tick,
        "kind": kind,
        "begins": begins,
        "participation_before": float(row["participation"]),
        "dlp_cdc_before": float(row["dlp_cdc"]),
        "dlp_strike_before": float(row["dlp_strike"]),
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
    if r["represents"]:
        paragraphs[-1] += (
            f" As these users stand for {r['represents']:,} people, {r['participation']:.0%} are "
            f"{r['people_acting']:,.0f} people."
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
    paragraphs[-1] += _milestones(r)
    paragraphs.append(
        f"**Revenue**, in units of Large Co.'s before anybody acted: Large Co. "
        f"{_number(r['revenue']['large'])}, Small Co. {_number(r['revenue']['small'])}. Small Co. has "
        f"{_share(r['market_share_small'])} of the attention."
    )
    welfare = r["welfare"]
    paragraphs.append(
        f"**Welfare**, what users consume and the warm glow of acting less its private costs, per tick: "
        f"{_number(r['welfare_at_start'])} before anybody acted, {_number(welfare['all'])} at the end; "
        f"{_number(welfare['participants'])} for those who act then, "
        f"{_number(welfare['non_participants'])} for the others."
    )
    paragraphs += institution_texts(ticks, events)
    paragraphs += [_credit(r["attribution"])] if r["attribution"] else []
    paragraphs += [_progress(r["equivalent_year"])] if r["equivalent_year"] else []
    paragraphs += [_intervened(event, r) for event in r["interventions"]]
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


def _milestones(r: dict[str, Any]) -> str:
    """Return a sentence on the highest level of contribution's leverage reached, and one on parity."""
    reached = [row for row in r["dlp_levels"]["cdc"] if not math.isnan(row["tick"])]
    text = ""
    if reached:
        row = reached[-1]
        text += (
            f" That of contribution first exceeded {row['level']:g} at tick {row['tick']:.0f}, when "
            f"{row['participation']:.0%} of the people acted."
        )
    if r["time_to_parity"] is not None:
        text += f" Small Co. had closed 95 % of the gap to Large Co. by tick {r['time_to_parity']}."
    return text


def _credit(attribution: dict[str, Any]) -> str:
    """Return which lever did what."""
    outcomes = {
        "dlp_cdc": "leverage of contribution",
        "dlp_strike": "leverage of withdrawal",
        "revenue_large": "Large Co.'s revenue",
    }
    parts = [
        f"{label}: "
        + (
            ", ".join(
                f"{lever} {share:+.3f}" for lever, share in attribution[outcome].items() if round(share, 3)
            )
            or "nothing"
        )
        for outcome, label in outcomes.items()
    ]
    return (
        f"**Which lever did what** by tick {attribution['tick']} (Shapley shares, which add up to what all "
        f"did together). {'; '.join(parts)}."
    )


def _progress(years: dict[str, float]) -> str:
    """Return what year's technique Large Co. has fallen back to."""

    def told(year: float) -> str:
        if math.isinf(year):
            return "newer than the newest, of 2010" if year > 0 else "older than the oldest, of 1994"
        return f"of {year:.0f}"

    return (
        "**Years of progress lost**, a proxy: on the dated techniques of the published study Large Co. does "
        f"as well as one {told(years['rmse'])} by RMSE, {told(years['surfaced_hits'])} by surfaced hits."
    )


def _share(value: float) -> str:
    return "an undefined share" if math.isnan(value) else f"{value:.1%}"


def _intervened(event: dict[str, Any], r: dict[str, Any]) -> str:
    name = event["kind"].replace("_", " ")
    if event["begins"] and event["tick"] == 0:
        return f"**In force from the start: {name}.**"
    return (
        f"**Tick {event['tick']}: {name} {'begins' if event['begins'] else 'ends'}.** "
        f"From just before it to the end, participation went from {event['participation_before']:.0%} to "
        f"{r['participation']:.0%}, leverage of contribution from {_number(event['dlp_cdc_before'])} to "
        f"{_number(r['dlp']['cdc'])}, that of withdrawal from {_number(event['dlp_strike_before'])} to "
        f"{_number(r['dlp']['strike'])}, Small Co.'s revenue from {_number(event['revenue_small_before'])} "
        f"to {_number(r['revenue']['small'])}. How much of that it caused, only the same seed without it "
        f"tells."
    )


def _change(quality: dict[str, float]) -> str:
    return f"{_number(quality['first'])} to {_number(quality['last'])}"


def _number(value: float) -> str:
    # Adding zero turns the -0.0 that rounding leaves into 0.0.
    return "undefined" if math.isnan(value) else f"{round(value, 3) + 0.0:.3f}"
