"""The published results that ours stand beside: tables, and learning curves read off them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from learners.errors import InputError

FOLDER = Path(__file__).parent

_TABLES = {"pinterest-20": "pinterest-20", "ml-10m": "ml-10m_32_50", "cifar-10": "cifar10", "toxic": "toxic"}


def contribution_table(use_case: str) -> pd.DataFrame:
    """Return the published table of a use case, company perspective (Vincent and Hecht 2021, figure 2).

    Returns
    -------
    DataFrame
        One row a rate, ascending: ``rate`` (share of users or points), ``quality_small``, ``quality_large``
        and their standard deviations over seeds ``sd_small``, ``sd_large`` in the metric's unit, and the DLPs
        ``cdc``, ``cdc_delete`` (NaN above one half) and ``strike``. Rows above one half are mirrored ones.

    Raises
    ------
    InputError
        Where nothing is published for the use case.
    """
    if use_case not in _TABLES:
        raise InputError(f"use_case: nothing is published for '{use_case}', only for {', '.join(_TABLES)}")
    table = pd.read_csv(FOLDER / f"{_TABLES[use_case]}_co.csv")
    names = {
        "frac": "rate",
        "small": "quality_small",
        "large": "quality_large",
        "small_std": "sd_small",
        "large_std": "sd_large",
        "duplication": "cdc",
        "transfer": "cdc_delete",
        "deletion": "strike",
    }
    return table.rename(columns=names)[list(names.values())]


def strike_table() -> pd.DataFrame:
    """Return what is published of the ML-1M study (Vincent, Hecht and Sen 2019).

    Returns
    -------
    DataFrame
        Columns ``quantity`` (``surfaced_hits``, ``normalised_loss``, ``rmse``), ``who``, ``lever``, ``rate``
        (share of users), ``value``; surfaced hits are a share of all hits, losses a share of the gap between
        SVD and item means.
    """
    return pd.read_csv(FOLDER / "data_strikes.csv")
