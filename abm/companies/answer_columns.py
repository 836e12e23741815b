"""What a tick records of how the companies answer collective action."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


def answer_columns(model: DataLeverageModel) -> dict[str, float | int]:
    """Return the columns of the present tick.

    Returns
    -------
    dict
        In records: ``laundered_large``, gone from the store and still in the weights; ``flagged_large``, left
        out of training as poison; ``poisoned_kept``, poison that the served model was trained on;
        ``retrained_<company>``, what the models retrained at this tick were trained on, so what it costs to
        forget without shortcuts. ``fines_large`` in units of Large Co.'s revenue at tick 0, which
        ``revenue_large`` is before. ``detection_tpr`` and ``detection_fpr``: rates of the detector.
        ``weights_void_large``: 1 or 0; ``small_in_market``: how many rivals are there, of one or several.
    """
    large, small = model.large, model.small
    return {
        "laundered_large": large.laundered_records,
        "weights_void_large": int(large.weights_void),
        "retrained_large": large.records_retrained,
        "retrained_small": small.records_retrained,
        "detection_tpr": large.detector.true_positive_rate,
        "detection_fpr": large.detector.false_positive_rate,
        "flagged_large": large.flagged_records,
        "poisoned_kept": large.poisoned_records_kept,
        "fines_large": large.fines,
        "small_in_market": sum(company.in_market for _, company in small.members),
    }
