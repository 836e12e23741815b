import numpy as np
import pandas as pd
import pytest

from analysis.surprise_svd import svd_predictions
from learners.datasets.records import RatingData
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase
from learners.splits import TRAIN

surprise = pytest.importorskip("surprise")


def test_predictions_are_those_of_predict():
    rng = np.random.default_rng(0)
    owners, items = np.nonzero(rng.random((60, 40)) < 0.4)
    data = RatingData(
        name="ml-small",
        owners=owners.astype(np.int32),
        items=items.astype(np.int32),
        ratings=rng.integers(1, 6, len(owners)).astype(np.float32),
        timestamps=np.zeros(len(owners), np.int64),
        scale=(1.0, 2.0, 3.0, 4.0, 5.0),
        owner_ids=np.arange(60),
        item_ids=np.arange(40),
    )
    use_case = RatingUseCase("ml-small", data, "cpu", "fold:1/5", FactorisationParameters())
    training = use_case.split == TRAIN
    training &= (owners >= 10) & (items != 3)  # unknown people, an unknown film
    predicted = svd_predictions(use_case, training)
    assert (predicted == svd_predictions(use_case, training)).all()

    known = pd.DataFrame({"user": owners, "item": items, "rating": data.ratings})[training]
    reader = surprise.Reader(rating_scale=(1, 5))
    model = surprise.SVD(random_state=0)
    model.fit(surprise.Dataset.load_from_df(known, reader).build_full_trainset())
    rows = use_case.holdout.rows
    expected = [model.predict(int(owners[row]), int(items[row])).est for row in rows]
    assert predicted == pytest.approx(expected, abs=1e-12)
    assert (owners[rows] < 10).any()
    assert (items[rows] == 3).any()
