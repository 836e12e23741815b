"""How large a collective must be to steer what a model learns: theory beside which measured poison stands.

Core Objects: critical_mass.
"""

from __future__ import annotations

from learners.errors import InputError


def critical_mass(success: float, uniqueness: float, gap: float = 1.0) -> float:
    """Return the share of the data with which a collective succeeds, if the learner is optimal.

    Hardt, Mazumdar, Mendler-Duenner, Zrnic (2023, theorem on signals planted in features and labels) bound
    success from below by 1 - (1 - a) / a * gap * uniqueness for a share a, up to the learner's own error,
    which is taken as 0 here. This is the share from which the bound is the success wanted.

    Parameters
    ----------
    success
        S*, the probability wanted that records with the signal get the collective's label, below 1.
    uniqueness
        xi, the probability of the signal among the records of everybody else.
    gap
        Delta, how much likelier than the collective's label another one is where the signal is, at most 1.

    Raises
    ------
    InputError
        If an argument is outside of its range.
    """
    for name, value, most in (("success", success, 1), ("uniqueness", uniqueness, 1), ("gap", gap, 1)):
        if not 0 <= value <= most:
            raise InputError(f"{name}: must be in 0..{most} (got {value:g})")
    rarity = gap * uniqueness
    return rarity / (1 - success + rarity) if rarity else 0.0
