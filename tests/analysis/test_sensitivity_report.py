import numpy as np
import pandas as pd

from analysis.effect_signs import COLUMNS, sign_lines
from analysis.report import Table, Words
from analysis.sensitivity_report import sensitivity_parts


def signs(chances):
    """Return the signs of as many outputs, each with one assumption and the chance of as good a split."""
    row = {
        **dict.fromkeys(COLUMNS, 0.1),
        "arm": "law",
        "reference": "none",
        "points": 40,
        "replicates": 3,
        "missing": 0,
        "undefined": 0,
        "parameter": "decision.precision",
        "share_positive": 0.6,
        "share_negative": 0.4,
        "split": 5.0,
        "share_below": 0.2,
        "share_above": 0.9,
    }
    return pd.DataFrame(
        {**row, "output": f"y{number}", "chance": chance} for number, chance in enumerate(chances)
    )


def test_words_come_first_and_what_flips_belongs_to_its_effect():
    table = signs([0.01, 0.5])
    words, *tables = sensitivity_parts(table, ["Signs", *sign_lines(table)])
    assert isinstance(words, Words)
    title, flipped, not_flipped = words.paragraphs
    assert title == "Signs"
    assert flipped.startswith("law, against none, raises y0 in 60% of the assumption space")
    assert (
        "these assumptions flip the sign: decision.precision (positive at 20% of the points up to 5"
        in flipped
    )
    assert "no single assumption" in not_flipped
    assert [part.caption for part in tables] == [
        f"What turns the effect of law, against none, on y{number}" for number in (0, 1)
    ]


def test_of_many_effects_only_those_that_something_bears_on_get_a_table():
    chances = np.where(np.arange(30) % 10 == 3, 0.02, 0.4)
    table = signs(chances)
    parts = sensitivity_parts(table, sign_lines(table))
    captions = [part.caption for part in parts if isinstance(part, Table)]
    assert captions == [f"What turns the effect of law, against none, on y{number}" for number in (3, 13, 23)]
    assert any("all are in sensitivity.csv" in text for part in parts[:2] for text in part.paragraphs)
    assert len(parts[0].paragraphs) == 30


def test_nothing_is_said_where_no_space_was_sampled():
    assert sensitivity_parts(pd.DataFrame(), []) == []
