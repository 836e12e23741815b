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
# # A study of a law
#
# Does a portability law help where people choose sharply, and in how much of the space of our assumptions? A
# study plays arms (the law, no law) at points of a parameter space, with the same seeds in every arm. This
# one reads quality off the published learning curve of Toxic, so that it takes seconds; leave out `mode` and
# `curve` and give the data set, and the same study retrains models.

# %%
import tempfile
from pathlib import Path

import pandas as pd

from scenarios.study import load_study

folder = Path(tempfile.mkdtemp())
(folder / "law.yaml").write_text("""
name: law
question: Does the law help where people choose sharply?
base:
  name: law
  use_case: toxic
  mode: surrogate
  curve: published
  ticks: 30
  population: {users: 500}
  interventions: [{kind: portability_law, start: 10}]
arms:
  no-law: {interventions: []}
  law: {}
parameters: {design: grid, axes: {decision.precision: [3.0, 5.0, 8.0]}}
replicates: 8
outputs: [share_cdc, dlp_cdc, revenue_small, {take: first_above, column: dlp_cdc, threshold: 0.7}]
""")
study = load_study(folder / "law.yaml")
plan = study.plan()
print(len(plan), "runs")
result = study.run(folder / "results", workers=1)

# %% [markdown]
# The effect of an arm is the mean *paired* difference: replicate by replicate, so that what both arms have by
# luck cancels. The interval is a bootstrap one.

# %%
effects = result.effects
effects[effects["output"] != "share_cdc"][
    ["decision.precision", "output", "mean_reference", "mean", "effect", "low", "high", "n", "undefined"]
].round(3)

# %% [markdown]
# `undefined` counts the pairs in which a number does not exist, here the tick at which leverage passes .7
# where it never does. They are not left out silently.
#
# ## Signs over assumptions
#
# Now all at once: a Latin hypercube over five assumptions that are ours. Luck (seeds) and ignorance
# (assumptions) are two different things, so they get two different intervals.

# %%
(folder / "signs.yaml").write_text("""
name: signs
question: In how much of the space of our assumptions does the law raise Small Co.'s revenue?
base:
  name: signs
  use_case: toxic
  mode: surrogate
  curve: published
  ticks: 30
  population: {users: 500}
arms:
  no-law: {interventions: []}
  law: {interventions: [{kind: portability_law, start: 10}]}
parameters:
  design: latin_hypercube
  n: 25
  axes:
    decision.precision: {low: 2.0, high: 10.0}
    decision.social_weight: {low: 0.0, high: 1.0}
    decision.warm_glow: {low: 0.0, high: 0.6}
    decision.cost_scale: {low: 0.5, high: 2.0}
    population.switching_cost: {low: 0.0, high: 1.0}
replicates: 2
outputs: [revenue_small, share_strike]
""")
signs = load_study(folder / "signs.yaml").run(folder / "signs", workers=1)
signs.sensitivity.round(3)

# %% [markdown]
# ## Everything is a table
#
# One row a run, whichever library you prefer.

# %%
runs = pd.read_parquet(folder / "results" / "runs.parquet")
runs.groupby(["arm", "decision.precision"])[["dlp_cdc", "revenue_small"]].mean().round(3)
