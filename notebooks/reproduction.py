# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Beside the published numbers
#
# "Conscious Data Contribution" (Vincent, Hecht 2021) reports how good a company gets with a share of the
# data. Its tables come with the package. From them follow the leverage of contributions and of strikes.

# %%
import numpy as np
import pandas as pd

from learners.leverage import published_scale
from learners.published import contribution_table

table = contribution_table("cifar-10")
scale = published_scale("cifar-10")
shares = table[["rate", "quality_small", "quality_large"]].copy()
shares["dlp_cdc"] = scale.cdc(table["quality_small"].to_numpy())
shares["dlp_strike"] = scale.strike(table["quality_large"].to_numpy())
shares.round(3)

# %% [markdown]
# At a fifth of the people the same data give .886 of the full gain to Small Co. and cost Large Co. .012:
# curves are steep where data are scarce and flat where they are plentiful. That is why leverage lies in
# contribution.

# %%
fifth = shares[np.isclose(shares["rate"], 0.2)].iloc[0]
assert round(fifth["dlp_cdc"], 3) == 0.886
assert round(fifth["dlp_strike"], 3) == 0.012

# %% [markdown]
# ## Train it yourself
#
# `data-leverage reproduce cdc --use-case pinterest-20` trains the models of the paper and puts its numbers
# beside ours; it needs the data set (`data-leverage data list` says where it is from and on what terms).
# Without any data, the same protocol on the embedded digits measures a curve by real retraining.

# %%
from learners.curves.measuring import learning_curve
from learners.usecase import Reference, load_use_case

digits = load_use_case("digits")
curve = learning_curve(Reference(digits, seed=0), seed=0)
rates = np.array([0.01, 0.05, 0.2, 0.5, 0.9])
pd.DataFrame({"rate": rates, "dlp_cdc": curve(rates), "dlp_strike": 1 - curve(1 - rates)}).round(3)

# %% [markdown]
# And with the data at hand, one point of the study itself: Pinterest with item-kNN, two tenths of the people.

# %%
import tempfile
from pathlib import Path

from learners.errors import InputError
from scenarios.reproductions import reproduce_contributions

with tempfile.TemporaryDirectory() as folder:
    try:
        lines = reproduce_contributions(Path(folder), ["pinterest-20"], rates=(0.2,), repeats=1)
    except InputError as error:
        lines = [f"not reproduced here: {error}"]
print("\n".join(lines))
