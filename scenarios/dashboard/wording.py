"""What the pages say: names, units and definitions.

Core Objects: GLOSSARY, MEASURES, stance_label, column_label.
"""

from __future__ import annotations

from analysis.palette import STANCES

DLP = (
    "Data leverage power (DLP): how far an action goes on the scale between the worst and the best model. "
    "0: no effect. 1: Large Co. is down at the un-informed baseline, which ignores the data "
    "(strike), or Small "
    "Co. is up at the model that has everybody's data (contribution). It can fall below 0 and rise above 1."
)

GLOSSARY = {
    "Data strike": (
        "People withhold new data, or have what they gave deleted, so that Large Co. must learn without."
    ),
    "Data poisoning": (
        "People falsify their data so that models learned from them are worse, or learn a planted signal."
    ),
    "Conscious data contribution": (
        "People bring a copy of their data to Small Co., a rival that they prefer."
    ),
    "Boycott": (
        "People stop using Large Co., and have their data deleted, unless they leave without deleting."
    ),
    "Data leverage power": DLP,
    "Baseline and best": (
        "The two ends of the quality scale: what an un-informed method reaches that ignores the "
        "data, and what "
        "the model reaches that has everybody's data."
    ),
    "Perspective": (
        "Whose test records measure quality. Served: the people each company serves. Company: the "
        "test records "
        "that are left to it, as in the published studies. Holdout: the same hidden records always."
    ),
    "Revenue": (
        "What the attention of people earns per tick, in units of what Large Co. earned before anybody acted."
    ),
    "Critical mass": (
        "The share of people from which on an action reaches a level of leverage that was set as "
        "its aim: below "
        "it those who act are too few to be felt that much."
    ),
    "Composition gap": (
        "By how much those who act differ in effect from random sets of people with as many records. "
        "Measured here only where the setting record.composition says how often, since its retrainings take "
        "seconds."
    ),
    "Live and curve": (
        "Live: both companies train real models every tick on exactly the data left to them. Curve: "
        "nothing is "
        "trained; quality is read off a learning curve, as if those who act were a random set."
    ),
    "Stale model": (
        "A model of an earlier tick that is still served, since retraining was not due or was broken off."
    ),
    "Tick": "One round: laws, decisions, moves of data, retraining, measuring.",
}


MEASURES = {
    "People who act (share)": "participation",
    "Leverage of contribution": "dlp_cdc",
    "Leverage of strikes": "dlp_strike",
    "Revenue of Large Co.": "revenue_large",
    "Revenue of Small Co.": "revenue_small",
    "People who contribute (share)": "share_cdc",
    "People who strike (share)": "share_strike",
    "Data at Small Co. (records)": "records_small",
    "Data at Large Co. (records)": "records_large",
}
"""What people ask for most: a name, with the unit where there is one, and a column of the tick table."""


def column_label(name: str) -> str:
    """Return what a column of the tick table is called; its own name where it has no other."""
    return next((label for label, column in MEASURES.items() if column == name), name)


def stance_label(name: str) -> str:
    """Return the name of a stance for people; a poison stance with its kind."""
    stance, _, kind = name.partition(":")
    label = STANCES[stance].label
    return f"{label}: {kind.replace('_', ' ')}" if kind else label


def percent(share: float) -> str:
    """Return a share as a percentage, finer where it is small."""
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def number(value: float | None) -> str:
    """Return a value with three decimals, or a dash where it is not defined."""
    return "-" if value is None or value != value else f"{value:.3f}"


def seconds(duration: float) -> str:
    """Return a time in milliseconds where it is short, else in seconds."""
    return f"{1000 * duration:.0f} ms" if duration < 0.1 else f"{duration:.2f} s"


def counted(count: int) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{count:,}".replace(",", " ")
