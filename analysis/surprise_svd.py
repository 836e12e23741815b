"""The model of the Data Strikes study: the SVD of scikit-surprise with its default parameters.

scikit-surprise is an optional extra (``pip install 'data-leverage[bench]'``), imported only when asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from learners.errors import InputError
from learners.ratings.use_case import RatingUseCase


def svd_predictions(use_case: RatingUseCase, training: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit SVD (100 factors, 20 epochs, ``random_state=0``) and predict the holdout.

    An owner without a training record is served mu + c_i, an item without one mu + b_u, as scikit-surprise
    does it; predictions are clipped to the rating scale.

    Parameters
    ----------
    use_case
        Ratings and their split.
    training
        bool[n_records]: the records to train on.

    Returns
    -------
    float64[n_holdout]

    Raises
    ------
    InputError
        If scikit-surprise is not installed.
    """
    try:
        import surprise
    except ImportError:
        raise InputError(
            "--learner: 'surprise' needs scikit-surprise, which is not installed; "
            "run pip install 'data-leverage[bench]'"
        ) from None
    data = use_case.data
    ratings = pd.DataFrame(
        {"user": data.owners[training], "item": data.items[training], "rating": data.ratings[training]}
    )
    reader = surprise.Reader(rating_scale=(data.scale[0], data.scale[-1]))
    known = surprise.Dataset.load_from_df(ratings, reader).build_full_trainset()
    model = surprise.SVD(random_state=0).fit(known)

    # What its predict() does, for all test records at once.
    rows = use_case.holdout.rows
    user, user_is_known = _inner(known.to_inner_uid, data.n_owners, data.owners[rows])
    item, item_is_known = _inner(known.to_inner_iid, data.n_items, data.items[rows])
    both = user_is_known & item_is_known
    estimate = np.full(len(rows), known.global_mean)
    estimate += np.where(user_is_known, model.bu[user], 0)
    estimate += np.where(item_is_known, model.bi[item], 0)
    estimate[both] += np.einsum("nf,nf->n", model.pu[user[both]], model.qi[item[both]])
    clipped: NDArray[np.float64] = estimate.clip(data.scale[0], data.scale[-1])
    return clipped


def _inner(
    to_inner: Callable[[Any], int], count: int, numbers: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return scikit-surprise's number for each of ours, 0 where it has none, and where it has one."""
    inner = np.full(count, -1)
    for number in range(count):
        try:
            inner[number] = to_inner(number)
        except ValueError:
            continue
    found = inner[numbers]
    return np.maximum(found, 0), found >= 0
