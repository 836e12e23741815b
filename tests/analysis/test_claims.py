import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from analysis.claim_table import claim_lines, claim_table
from analysis.claims import Claim


def runs(**arms):
    """Return runs of arms, each given the outputs of its replicates; their seeds make most of each number."""
    luck = 100 * np.random.default_rng(3).normal(size=8)
    return pd.DataFrame(
        {"arm": arm, "point": 0, "replicate": replicate, "status": "finished", "y": luck[replicate] + value}
        for arm, values in arms.items()
        for replicate, value in enumerate(values)
    )


def claim(*variants, side="above"):
    return Claim(claim="The law helps", side=side, variants=list(variants))


def cell(arm, against="none", variant="logit", output="y"):
    return {"variant": variant, "arm": arm, "against": against, "output": output}


NONE = [0.0] * 8
LIKE = np.array([-1, 1, -0.5, 0.5, -0.2, 0.2, 0.8, -0.8])


@pytest.mark.parametrize(
    ("values", "side", "verdict"),
    [
        (1 + LIKE / 4, "above", "survives"),
        (1 + LIKE / 4, "below", "reverses"),
        (LIKE - 3, "below", "survives"),
        (LIKE - 3, "above", "reverses"),
        (LIKE, "above", "undecided"),
        (np.zeros(8), "above", "no change"),
        ([2.0], "above", "unknown"),
        ([np.nan] * 8, "above", "not defined"),
    ],
)
def test_verdicts_follow_the_interval(values, side, verdict):
    row = claim_table(runs(none=NONE, law=values), [claim(cell("law"), side=side)]).iloc[0]
    assert row["verdict"] == verdict
    if verdict == "survives":
        assert row["low"] < row["effect"] < row["high"]


def test_an_arm_of_its_own_is_judged_by_its_own_number():
    table = pd.concat([runs(none=NONE), runs(law=NONE).assign(y=0.2 + LIKE / 100)])
    row = claim_table(table, [claim(cell("law", against=None))]).iloc[0]
    assert (row["verdict"], row["n"], row["reference"]) == ("survives", 8, "")
    assert row["effect"] == pytest.approx(0.2)


def test_lost_runs_are_counted_and_never_taken_for_anything():
    table = runs(none=NONE, law=1 + LIKE / 4)
    lost = (table["arm"] == "law") & (table["replicate"] == 2)
    table.loc[lost, ["status", "y"]] = ["failed", -1e9]
    table.loc[(table["arm"] == "none") & (table["replicate"] == 5), "y"] = np.nan
    row = claim_table(table, [claim(cell("law"))]).iloc[0]
    assert (row["verdict"], row["n"], row["missing"], row["undefined"]) == ("survives", 6, 1, 1)
    assert row["why"] == "1 pair missing, 1 pair undefined"


def test_where_a_claim_means_nothing_it_says_why():
    nothing = {"variant": "threshold", "not_defined": "nobody weighs a law"}
    table = claim_table(runs(none=NONE, law=1 + LIKE / 4), [claim(cell("law"), nothing)])
    assert list(table["verdict"]) == ["survives", "not defined"]
    assert table.iloc[1]["why"] == "nobody weighs a law"
    (line,) = claim_lines(table)
    assert line.startswith("The law helps. survives: logit (1 [0.")
    assert line.endswith("; not defined: threshold")


def test_a_variant_is_either_defined_or_not():
    with pytest.raises(ValidationError, match="needs arm and output, or not_defined"):
        claim({"variant": "logit", "arm": "law"})
    with pytest.raises(ValidationError, match="can have no arm"):
        claim({**cell("law"), "not_defined": "why"})
    with pytest.raises(ValueError, match=r"variants\.0\.against: 'none' is not one of law"):
        claim(cell("law")).check(["law"], ["y"])
