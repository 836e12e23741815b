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


def contribution_rows(use_case: str) -> pd.DataFrame:
    """Return what is published of single models of a use case (Vincent and Hecht 2021).

    Returns
    -------
    DataFrame
        One row a trained model: ``company`` (``small``, ``large``), ``rate``, ``seed``, and its quality on
        its own test records and on the hidden ones, ``quality_company`` and ``quality_holdout``, in the
        metric's unit; ``train_records`` (NaN where not published). Empty for Pinterest, of which only means
        are published.

    Raises
    ------
    InputError
        Where nothing is published for the use case.
    """
    contribution_table(use_case)
    path = FOLDER / f"{_TABLES[use_case]}_rows.csv"
    columns = ["company", "rate", "seed", "quality_company", "quality_holdout", "train_records"]
    if not path.exists():
        return pd.DataFrame(columns=columns)
    names = {
        "frac": "rate",
        "len(train_y)": "train_records",
        **{f"valid_{metric}": "quality_company" for metric in ("acc", "aur", "rmse")},
        **{
            f"{test}_{metric}": "quality_holdout"
            for test in ("test", "hidden")
            for metric in ("acc", "aur", "rmse")
        },
    }
    return pd.read_csv(path).rename(columns=names).reindex(columns=columns)


def strike_table() -> pd.DataFrame:
    """Return what is published of the ML-1M study (Vincent, Hecht and Sen 2019).

    Returns
    -------
    DataFrame
        Columns ``quantity`` (``surfaced_hits``, ``normalised_loss``, ``rmse``), ``who``, ``lever``, ``rate``
        (share of users), ``value``; surfaced hits are a share of all hits, losses a share of the gap between
        SVD and item means. Where nobody acts, ``who`` may be a model (``svd``, ``item_mean``, ``item_knn``,
        ``user_knn``) that serves everybody.
    """
    return pd.read_csv(FOLDER / "data_strikes.csv")


def progress_ladder() -> pd.DataFrame:
    """Return what earlier techniques reach on ML-1M (Vincent, Hecht and Sen 2019).

    Returns
    -------
    DataFrame
        One row a technique, by ``year``: ``technique``, ``surfaced_hits`` (share of all hits) and ``rmse``.
        The years are those of the study's own figures. On surfaced hits the oldest beats the second.
    """
    return pd.read_csv(FOLDER / "progress_ladder.csv")
