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
# # Your own rule, your own people, your own data
#
# ## One user's choice
#
# Subclass `User` and override `decide`: it is asked once a tick for every user, sees what that user can know,
# and returns the name of a stance. Whoever you do not override keeps the model's rule.

# %%
from abm.agents import User, UserView
from abm.model import DataLeverageModel


class Copycat(User):
    """Does what most neighbours do, if that is permitted; the first ten always strike."""

    def decide(self, view: UserView) -> str:
        if self.row < 10:
            return "strike"
        stance = max(view.neighbour_shares, key=view.neighbour_shares.__getitem__)
        return stance if stance in view.permitted else view.choice


model = DataLeverageModel("digits", user_class=Copycat, record={"composition": "off"}, rng=1)
for _ in range(5):
    model.step()
{user.stance for user in model.users[:10]}, model.ticks[-1]["participation"]

# %% [markdown]
# ## A rule for everybody, at array speed
#
# A decision rule returns a code for every user. It runs on arrays, so a million users are no problem.

# %%
import numpy as np

from abm.decisions import DecisionRule, DecisionView


class Grudge(DecisionRule):
    """Strike while Large Co. is much better than Small Co., weighed by one's own grievance."""

    def choose(self, view: DecisionView) -> np.ndarray:
        gap = view.large.quality["holdout"] - view.small.quality["holdout"]
        strikes = view.population.grievance > 1 - gap
        return np.where(strikes, view.stances.code("strike"), view.stances.code("stay")).astype(np.int8)


model = DataLeverageModel("digits", decision=Grudge(), record={"composition": "off"}, rng=1)
for _ in range(3):
    model.step()
[round(row["share_strike"], 3) for row in model.ticks]

# %% [markdown]
# ## Your own people
#
# A survey gives traits to the population: whole respondents are drawn, by weight.

# %%
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
(folder / "people.csv").write_text("interest,grievance,cost,weight\n2.5,.8,.7,3\n.6,.2,1.4,7\n")
model = DataLeverageModel(
    "digits", population={"survey": str(folder / "people.csv")}, record={"composition": "off"}, rng=1
)
np.unique(model.population.interest, return_counts=True)

# %% [markdown]
# ## Your own data
#
# Ratings of any service become a use case by way of `RatingData`: who rated what, how, and when. Here a table
# of 30,000 ratings is drawn from a formula to stand in for yours; read your own with `pandas.read_csv`
# instead.

# %%
import pandas as pd

from learners.datasets.records import RatingData
from learners.datasets.synthetic import synthetic_ratings
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase

drawn = synthetic_ratings(n_owners=300, n_items=800, n_ratings=30_000)
table = pd.DataFrame({"user": drawn.owners, "item": drawn.items, "rating": drawn.ratings})
table.head(3)

# %%
table = table.sort_values(["user", "item"], ignore_index=True)
owners, owner_ids = pd.factorize(table["user"], sort=True)
items, item_ids = pd.factorize(table["item"], sort=True)
ratings = RatingData(
    name="mine",
    owners=owners.astype(np.int32),
    items=items.astype(np.int32),
    ratings=table["rating"].to_numpy(np.float32),
    timestamps=np.zeros(len(table), np.int64),
    scale=tuple(np.unique(table["rating"]).tolist()),
    owner_ids=owner_ids.to_numpy(np.int64),
    item_ids=item_ids.to_numpy(np.int64),
)
mine = RatingUseCase("mine", ratings, device="cpu", split="live", parameters=FactorisationParameters())
mine.owners, mine.records_per_owner.mean()

# %% [markdown]
# From here on it is a use case like any other: the learner alone, or the whole model.

# %%
from learners.holdings import Holding

learner = mine.learner(seed=0)
everybody = learner.update(Holding.full(mine.owners))
half = learner.update(Holding.of(np.arange(mine.owners) % 2 == 0))
everybody.views["holdout"].quality, half.views["holdout"].quality

# %%
model = DataLeverageModel(mine, record={"composition": "off"}, rng=1)
for _ in range(5):
    model.step()
pd.DataFrame(model.ticks)[["tick", "participation", "quality_large_served", "dlp_strike"]].round(3)
