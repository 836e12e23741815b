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
# # For people who come from Mesa
#
# The model is a Mesa model, so Mesa's own `SolaraViz` works with it: `solara run
# notebooks/mesa_solaraviz.py`. Each visitor should get a model of their own, which is why it is made inside
# the page. (`data-leverage dashboard` is our own dashboard, with laws, acts, comparisons and studies.)

# %%
import solara
from mesa.visualization import SolaraViz, make_plot_component

from abm.model import DataLeverageModel

STANCES = ["share_strike", "share_cdc", "share_boycott"]
PRECISION = {"type": "SliderFloat", "value": 5.0, "label": "precision", "min": 1, "max": 10, "step": 1}


@solara.component
def Page() -> None:
    model = solara.use_memo(lambda: DataLeverageModel("digits", precision=5.0, rng=1), [])
    charts = [make_plot_component(STANCES), make_plot_component("dlp_cdc")]
    SolaraViz(model, components=charts, model_params={"precision": PRECISION})


Page()
