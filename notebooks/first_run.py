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
# # A first run
#
# Three hundred people own shards of the handwritten digits that scikit-learn brings. Each tick they decide
# what to do with their data; then Large Co. and Small Co. retrain a real classifier on exactly what is left
# to them.

# %%
from matplotlib import pyplot as plt

from scenarios.scenario import load_scenario

scenario = load_scenario("digits-default")
print(scenario.question)
print("Changed:", scenario.changed)
print("Expected:", scenario.expectation)

# %% [markdown]
# A scenario builds a model at tick 0, an ordinary Mesa model. One `step` is one tick.

# %%
model = scenario.build()
for _ in range(scenario.ticks):
    model.step()
ticks = model.datacollector.get_model_vars_dataframe().set_index("tick")
ticks[
    ["participation", "share_cdc", "quality_large_holdout", "quality_small_holdout", "dlp_cdc", "dlp_strike"]
].tail(3)

# %% [markdown]
# **Data leverage power (DLP)** of a contribution is how far Small Co. has come from an uninformed model (0)
# to one trained on everybody's data (1); of a strike, how far Large Co. has fallen the same way. Both are
# measured on the same hidden images.

# %%
figure, (who, what) = plt.subplots(1, 2, figsize=(10, 3.2), sharex=True)
ticks[["share_cdc", "share_strike", "share_boycott"]].plot(ax=who, ylabel="share of people")
ticks[["dlp_cdc", "dlp_strike"]].plot(ax=what, ylabel="data leverage power")
for axes in (who, what):
    axes.axvline(12, color="grey", linestyle=":", label="law")
figure.tight_layout()

# %% [markdown]
# ## What did the law do?
#
# The same people, the same seed, without the law: the runs are the same up to tick 11, and whatever differs
# from then on is the law's doing, not luck.

# %%
without = load_scenario("digits-default", interventions=[]).build()
for _ in range(scenario.ticks):
    without.step()
counterfactual = without.datacollector.get_model_vars_dataframe().set_index("tick")
columns = ["share_cdc", "share_strike", "dlp_cdc", "revenue_small"]
difference = ticks[columns] - counterfactual[columns]
assert (difference.loc[:11] == 0).all(axis=None)
difference.loc[[11, 12, 20, 40]]

# %% [markdown]
# ## What is assumed
#
# Every number of the model has a unit, a range and a source. Those that are *ours* are not measured by
# anybody: sweep them (see the notebook on laws) before you believe an answer.

# %%
from scenarios.assumptions import assumptions

ledger = assumptions(scenario)
ours = [row for row in ledger if row.source == "ours"]
of_choices = [row for row in ours if row.key.startswith("decision.")]
print(f"{len(ours)} of {len(ledger)} parameters are ours, such as")
for row in of_choices[:5]:
    print(f"- {row.key} = {row.value} ({row.unit}): {row.description}")
