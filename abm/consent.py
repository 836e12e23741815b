"""What keeps people's data from Large Co. without their doing: missing consent, and blocked tracking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.actions import DELETE, WITHHOLD

if TYPE_CHECKING:
    from abm.actions import Stances
    from abm.policy import Policy
    from abm.streams import Streams


class ConsentRegister:
    """Whose data Large Co. may use.

    Under ``policy.consent`` below 1 only that share of the users consents when first asked, drawn once: those
    who consent to a stricter law are among those who consent to a milder one. The others' data are barred
    until they opt in: by returning to Large Co. after deleting, or when they are asked again
    (``policy.opt_in_rate``). Who has opted in stays so whatever the law does later.

    Attributes
    ----------
    barred
        bool[N]: whose data Large Co. may not use.
    """

    def __init__(self, n_users: int, streams: Streams) -> None:
        self.barred = np.zeros(n_users, np.bool_)
        self._opted_in = np.zeros(n_users, np.bool_)
        self._streams = streams

    def opt_in(self, users: NDArray[np.int64]) -> None:
        """Take note of users who consent."""
        self._opted_in[users] = True

    def update(self, policy: Policy, tick: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Apply the law of a tick; return who is barred from now on and who no longer is, row numbers."""
        before, consent = self.barred, policy.of("consent")
        if not before.any() and np.all(consent >= 1):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        n = len(before)
        asked_again = self._streams.generator("asked again for consent", tick).random(n)
        self._opted_in |= before & (asked_again < policy.of("opt_in_rate"))
        refuses = self._streams.generator("consent").random(n) >= consent
        self.barred = refuses & ~self._opted_in
        return np.flatnonzero(self.barred & ~before), np.flatnonzero(before & ~self.barred)


def automatic_bits(
    policy: Policy, barred: NDArray[np.bool_], stances: Stances, present: NDArray[np.int8]
) -> NDArray[np.bool_] | None:
    """Return which bits hold for users whatever stance they take, bool[N, 5]; ``None`` where none does.

    A tracking blocker withholds. Where consent is not given, Large Co. has no past data either; who deletes
    at ``present``, int8[N], gives it by returning.
    """
    blocked = policy.of("tracking_blocked")
    if not (np.any(blocked) or barred.any()):
        return None
    bits = np.zeros((len(present), stances.bits.shape[1]), np.bool_)
    bits[:, DELETE] = barred & ~stances.bits[present, DELETE]
    bits[:, WITHHOLD] = bits[:, DELETE] | blocked
    return bits
