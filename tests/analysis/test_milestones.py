import numpy as np
import pandas as pd
import pytest

from analysis.milestones import leverage_area, leverage_levels, time_to_parity

TICKS = pd.DataFrame(
    {
        "tick": [0, 1, 2, 3, 4],
        "dlp_cdc": [0.0, 0.5, 0.65, 0.9, 0.85],
        "dlp_strike": [0.0, np.nan, 0.2, 0.2, 0.4],
        "dlp_cdc_delete": [0.0, 0.6, 0.95, np.nan, 1.1],
        "participation": [0.0, 0.1, 0.15, 0.3, 0.4],
        "data_participation": [0.0, 0.2, 0.25, 0.5, 0.6],
    }
)


def test_parity():
    assert time_to_parity(TICKS) == 2
    assert time_to_parity(TICKS, tolerance=0.0) == 4
    assert time_to_parity(TICKS, tolerance=0.5) == 1
    assert time_to_parity(TICKS.iloc[:2]) is None


def test_leverage_over_time():
    assert leverage_area(TICKS, "cdc") == pytest.approx(0.25 + 0.575 + 0.775 + 0.875)
    # The undefined tick is bridged by a straight line.
    assert leverage_area(TICKS, "strike") == pytest.approx(0.2 + 0.2 + 0.3)


def test_levels_are_exceeded_strictly():
    levels = leverage_levels(TICKS, "cdc")
    assert levels["level"].tolist() == [0.5, 0.6, 0.7, 0.8, 0.9]
    np.testing.assert_array_equal(levels["tick"], [2, 2, 3, 3, np.nan])
    np.testing.assert_array_equal(levels["participation"], [0.15, 0.15, 0.3, 0.3, np.nan])
    np.testing.assert_array_equal(levels["data_participation"], [0.25, 0.25, 0.5, 0.5, np.nan])
