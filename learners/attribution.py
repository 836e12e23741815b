"""Who is to be credited with how much of a joint effect: Shapley's shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import factorial


def shapley_shares(
    value: Callable[[frozenset[str]], Mapping[str, float]], players: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Divide what all players achieve together beyond nobody among them (Shapley 1953).

    A share is the mean, over all orders of arrival, of what a player's arrival changes. The shares of an
    outcome add up to the difference between everybody and nobody; who never changes it has 0.

    Parameters
    ----------
    value
        Set of players to their outcomes by name; asked once for each of the 2 ** k sets.
    players
        Names of the k players.

    Returns
    -------
    dict
        Outcome to player to share.
    """
    k = len(players)
    sets = [frozenset(chosen) for size in range(k + 1) for chosen in combinations(players, size)]
    values = {chosen: value(chosen) for chosen in sets}
    return {
        outcome: {
            player: sum(
                factorial(len(others))
                * factorial(k - 1 - len(others))
                / factorial(k)
                * (values[others | {player}][outcome] - values[others][outcome])
                for others in sets
                if player not in others
            )
            for player in players
        }
        for outcome in values[frozenset()]
    }
