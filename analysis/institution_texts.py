"""What institutions did in a run, in words: who organised, how Large Co. answered, and what was paid.

Core Objects: institution_texts.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd


def institution_texts(ticks: pd.DataFrame, events: pd.DataFrame) -> list[str]:
    """Return a paragraph on each of the three that there is something to tell of, Markdown.

    Parameters
    ----------
    ticks, events
        As in ticks.parquet and events.parquet.
    """
    told = {
        "Who organised": _organised(ticks, events),
        "How Large Co. answered": _answered(ticks, events),
        "What was paid": _paid(ticks),
    }
    paragraphs = {title: " ".join(sentences) for title, sentences in told.items()}
    return [f"**{title}.** {text}" for title, text in paragraphs.items() if text]


def _organised(ticks: pd.DataFrame, events: pd.DataFrame) -> Iterator[str]:
    last = ticks.iloc[-1]
    acts = events[events["kind"] == "coalition act"]
    for act in acts.drop_duplicates("subject").to_dict("records"):
        yield f"The {act['subject']} first acts at tick {act['tick']}: {act['text']}."
    if last["coalitions"]:
        yield (
            f"At the end {last['share_in_coalitions']:.1%} of the people are members of "
            f"{_counted(last['coalitions'], 'coalition')}, of which {last['coalitions_active']:.0f} "
            f"{'acts' if last['coalitions_active'] == 1 else 'act'}."
        )
    if last["communities_active"]:
        yield (
            f"At the end {_counted(last['communities_active'], 'community', 'communities')} act by "
            "decision of their moderators."
        )
    if last["share_pledged"]:
        yield f"At the end {last['share_pledged']:.1%} of the people have pledged."
    if ticks["share_bound"].any():
        yield (
            f"{last['share_bound']:.1%} of the people then do as their coalition or community has decided, "
            "or as they agreed with a canvasser."
        )
    if last["organiser_effort"]:
        yield f"Organisers have spent {last['organiser_effort']:,.0f} units of effort."


def _answered(ticks: pd.DataFrame, events: pd.DataFrame) -> Iterator[str]:
    for granted in events[events["kind"] == "concession"].to_dict("records"):
        yield f"At tick {granted['tick']} it concedes {granted['text']}."
    if cost := float(ticks["concession_cost"].sum()):
        yield f"That cost {cost:.3f} of a tick's revenue before anybody acted."
    laundered = ticks[ticks["laundered_large"] > 0]
    if len(laundered):
        yield (
            f"At {_counted(len(laundered), 'tick')}, first {laundered['tick'].iloc[0]}, it served models "
            f"that had learned from up to {laundered['laundered_large'].max():,.0f} records which it had "
            "been asked to delete."
        )
    for voided in events[events["kind"] == "weights deleted"].to_dict("records"):
        yield f"At tick {voided['tick']}, {voided['text']}."
    if void := int((ticks["weights_void_large"] > 0).sum()):
        yield f"For {_counted(void, 'tick')} it had no model and served everybody alike."
    if ticks["flagged_large"].any():
        last = ticks.iloc[-1]
        yield (
            f"Its detector finds {last['detection_tpr']:.0%} of the poison at the end, and takes "
            f"{last['detection_fpr']:.0%} of what is genuine for poison."
        )
    if fines := float(ticks["fines_large"].sum()):
        yield f"Fines came to {fines:.3f} of a tick's revenue before anybody acted."
    for gone in events[events["kind"] == "market exit"].to_dict("records"):
        yield f"At tick {gone['tick']} {gone['subject']} {gone['text']}."


def _paid(ticks: pd.DataFrame) -> Iterator[str]:
    last = ticks.iloc[-1]
    paid = {
        "dividends": last["dividend_paid"],
        "a public fund": last["dividend_fund"],
        "credits": last["credits_paid"],
    }
    parts = [f"{amount:.3f} in {what}" for what, amount in paid.items() if amount]
    if not parts:
        return
    yield (
        f"At the end, per tick and in units of Large Co.'s revenue before anybody acted: {', '.join(parts)}; "
        f"Large Co. keeps {last['net_revenue_large']:.3f}, Small Co. {last['net_revenue_small']:.3f}."
    )
    if last["dividend_paid"] and pd.notna(last["gini_dividend"]):
        yield f"Dividends are divided with a Gini coefficient of {last['gini_dividend']:.2f}."


def _counted(number: float, one: str, many: str = "") -> str:
    return f"{number:.0f} {one if number == 1 else many or one + 's'}"
