"""The handwritten digits that scikit-learn brings: real data without a download."""

from __future__ import annotations

import numpy as np
from sklearn import datasets

from learners.datasets.records import ImageData


def load_digits() -> ImageData:
    """Load the 1,797 digits of 8 by 8 pixels.

    Returns
    -------
    ImageData
        ``images`` is uint8[1797, 1, 8, 8] with the published grey levels 0 (paper) to 16 (ink), not stretched
        to 255; ``labels`` is int64[1797], 0..9. There is no test set: scikit-learn embeds only what UCI
        publishes as the test part, and this loader leaves the split to its user.
    """
    bunch = datasets.load_digits()
    return ImageData(
        name="digits",
        images=bunch.images.astype(np.uint8)[:, np.newaxis],
        labels=bunch.target.astype(np.int64),
        class_names=tuple(str(digit) for digit in bunch.target_names),
    )
