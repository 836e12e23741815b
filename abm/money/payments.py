"""What companies pay users for data: paid each tick, known to users when they decide at the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abm.actions import CONTRIBUTE, DELETE
from abm.money.credits import credit_rates
from abm.money.dividends import Dividends
from abm.money.inequality import gini
from learners.holdings import ABSENT

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


@dataclass(frozen=True, eq=False)
class Payments:
    """What each user is paid per tick, by where the user's data are.

    Money is in units of what Large Co. earned of a user on average at tick 0.

    Attributes
    ----------
    at_large
        float64[N]: dividend of each user if Large Co. has the user's data.
    at_small
        float64[N]: credits of each user if Small Co. has a copy that the user gave it.
    anyway
        What a public fund spends on each user, whatever the user does.
    worth
        Worth of a unit of money, in utility.
    """

    at_large: NDArray[np.float64]
    at_small: NDArray[np.float64]
    anyway: float
    worth: float

    def utility(
        self, rows: NDArray[np.int64], known_to_large: NDArray[np.bool_], contributed: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return the worth of what some users are paid, in utility per tick.

        Parameters
        ----------
        rows
            int64[n]: the users.
        known_to_large, contributed
            bool[n, ...]: whether Large Co. has their data, and Small Co. a copy that they gave it.
        """
        further = (slice(None), *[None] * (known_to_large.ndim - 1))
        money = self.at_large[rows][further] * known_to_large + self.at_small[rows][further] * contributed
        return np.asarray(self.worth * (money + self.anyway), np.float32)

    def of_stances(
        self,
        rows: NDArray[np.int64],
        bits: NDArray[np.bool_],
        lost: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """Return the worth of what some users would be paid in every stance, float32[n, K].

        Parameters
        ----------
        bits
            bool[n, K, 5]: the bits of each stance for each of them.
        lost
            bool[n]: whose deleted data would not come back to Large Co. with them.
        """
        return self.utility(rows, ~(bits[:, :, DELETE] | lost[:, None]), bits[:, :, CONTRIBUTE])


class Paymaster:
    """Pays dividends and credits after each tick's revenue, and keeps the books of them.

    Attributes
    ----------
    payments
        As of the last tick; ``None`` where nothing was due to anybody.
    dividend_paid, fund_paid, credits_paid
        Paid in the last tick to users and to the public fund by Large Co., and by Small Co., in units of
        Large Co.'s revenue at tick 0.
    gini
        Gini coefficient of the last tick's dividends over all users; NaN where there were none.
    """

    def __init__(self, model: DataLeverageModel) -> None:
        self._model = model
        self._dividends = Dividends(model)
        self._records_at_start = model.large.records
        self.payments: Payments | None = None
        self.dividend_paid = self.fund_paid = self.credits_paid = 0.0
        self.gini = float("nan")

    def pay(self) -> None:
        """Pay what is due after a tick's revenue is known."""
        model, n = self._model, self._model.population.n_users
        self.dividend_paid = self.fund_paid = self.credits_paid = anyway = 0.0
        self.gini = float("nan")
        self.payments = None
        share = np.minimum(model.policy.of("dividend_share") + model.concessions.dividend, 1.0)
        due, credits = bool(np.any(share > 0)), bool(np.any(model.policy.of("credit_price") > 0))
        if not due and not credits:
            return
        at_large, at_small = np.zeros(n), np.zeros(n)
        if due and model.policy.dividend.unit == "fund":
            self.fund_paid = anyway = float(np.mean(share)) * model.revenue.large
        elif due:
            at_large = n * share * model.revenue.large * self._parts()
            paid = at_large * (model.large.store.codes != ABSENT)
            self.dividend_paid = float(paid.sum()) / n
            self.gini = gini(paid)
        if credits:
            at_small, self.credits_paid = credit_rates(model, self._records_at_start)
        self.payments = Payments(at_large, at_small, anyway, model.population.parameters.money_worth)

    def _parts(self) -> NDArray[np.float64]:
        """Return each user's part of the dividend, or what it would be if Large Co. had their data, [N]."""
        now, with_data = self._dividends.weights(self._model.policy.dividend)
        total = now.sum()
        joined = total + with_data * (now == 0)
        weight = np.where(self._model.large.store.codes != ABSENT, now, with_data)
        return np.divide(weight, joined, out=np.zeros_like(joined), where=joined > 0)

    @property
    def columns(self) -> dict[str, float]:
        """What is recorded of a tick, in units of Large Co.'s revenue at tick 0."""
        model = self._model
        spent = self.dividend_paid + self.fund_paid + model.concessions.spent + model.large.fines
        return {
            "dividend_paid": self.dividend_paid,
            "dividend_fund": self.fund_paid,
            "gini_dividend": self.gini,
            "credits_paid": self.credits_paid,
            "net_revenue_large": model.revenue.large - spent,
            "net_revenue_small": model.revenue.small - self.credits_paid,
        }
