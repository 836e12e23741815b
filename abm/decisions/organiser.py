"""Organisers: users who pay for contacts and offer neighbours to join together, all or none."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from abm.decisions.campaign import Campaign
from abm.decisions.stakes import Stakes
from abm.decisions.view import DecisionView
from abm.seeding import largest_first
from learners.errors import InputError
from learners.parameters import Parameters, parameter


class OrganiserParameters(Parameters):
    """Who organises, and whom they contact."""

    number: int = parameter(1, "Number of organisers", unit="users", ge=1)
    chosen_by: Literal["interest", "degree", "lot"] = parameter(
        "interest", "Who organises: the most interested, those with most ties, or anybody", unit="-"
    )
    contacts: int = parameter(20, "Neighbours that an organiser can contact", unit="users/tick", ge=0)
    contact_cost: float = parameter(0.0, "Cost of a contact to the organiser", unit="utility", ge=0, le=100)
    selection: Literal["stake", "resources", "reach", "lot"] = parameter(
        "stake",
        "Whom they contact first: neighbours of most interest times resources (stake), most resources, most "
        "ties (reach), or anybody (lot)",
        unit="-",
        source="Marwell, Oliver, Prahl 1988; Prahl, Marwell, Oliver 1991",
    )


class Organisers:
    """Organisers act in turn at the beginning of every tick, each seeing what the others reached.

    An organiser contacts neighbours who do not take part, as many as the budget allows, and offers them the
    largest contract by which each of them gains, the organiser's own contribution included. It comes about if
    it is worth the contribution and the contacts to the organiser, too. Contacts paid by a subsidy cost the
    organiser nothing.

    Attributes
    ----------
    contacts
        How many they have made so far, paid by whomever, heeded or not.
    """

    def __init__(self, parameters: OrganiserParameters) -> None:
        self.parameters = parameters
        self.contacts = 0
        self._rows: NDArray[np.int64] | None = None

    def gather(self, campaign: Campaign, stakes: Stakes) -> None:
        """Let those join whom organisers bring together."""
        view = campaign.view
        if self._rows is None:
            self._rows = self._chosen(view)
        lots = view.streams.generator("contacts", view.tick).random(view.population.n_users)
        for organiser in self._rows:
            campaign.change(self._gathered(organiser, campaign, stakes, lots))

    def _chosen(self, view: DecisionView) -> NDArray[np.int64]:
        number, n_users = self.parameters.number, view.population.n_users
        if number > n_users:
            raise InputError(f"organisers.number: {number} organisers are wanted of {n_users} users")
        by_lot = view.streams.generator("organisers").permutation(n_users)
        if self.parameters.chosen_by == "lot":
            return by_lot[:number]
        trait = view.population.interest if self.parameters.chosen_by == "interest" else view.network.degree
        return largest_first(by_lot, trait)[:number]

    def _gathered(
        self, organiser: np.int64, campaign: Campaign, stakes: Stakes, lots: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Return who joins by the doing of one organiser, the organiser included; nobody if that fails."""
        nobody = np.empty(0, np.int64)
        alone = np.array([organiser])
        joins = not campaign.takes_part[organiser]
        if joins and not campaign.permitted(alone)[0]:
            return nobody
        candidates, paid = self._contacted(organiser, campaign, stakes, lots)
        own = float(stakes.resources[organiser]) if joins else 0.0
        accepted = stakes.contract(candidates, campaign.resources, besides=own)
        if not accepted.size:
            return nobody
        together = campaign.resources + own + stakes.resources[accepted].sum()
        gain = float(stakes.production(min(together, 1.0)) - stakes.production(campaign.resources))
        cost = float(stakes.cost[organiser]) if joins else 0.0
        if stakes.value[organiser] * gain <= cost + self.parameters.contact_cost * paid:
            return nobody
        return np.concatenate([accepted, alone]) if joins else accepted

    def _contacted(
        self, organiser: np.int64, campaign: Campaign, stakes: Stakes, lots: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], int]:
        """Return the neighbours contacted, int64[n], and how many of them the organiser pays for."""
        network = campaign.view.network
        near = network.neighbours(int(organiser)).astype(np.int64)
        near = near[~campaign.takes_part[near]]
        near = near[campaign.permitted(near)]
        traits: dict[str, NDArray[Any]] = {
            "stake": stakes.value * stakes.resources,
            "resources": stakes.resources,
            "reach": network.degree,
            "lot": lots,
        }
        near = largest_first(near[np.argsort(lots[near])], traits[self.parameters.selection])
        paid = min(self.parameters.contacts, len(near))
        granted = int(np.asarray(campaign.view.policy.of("organiser_budget", np.array([organiser]))).item())
        contacted = near[: paid + granted]
        self.contacts += len(contacted)
        return contacted, paid
