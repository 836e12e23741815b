"""Laws, tools and campaigns as entries of a scenario file: each holds from one tick to another.

A further intervention is one class here, listed in :data:`Interventions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from abm.assistant import AssistantParameters
from abm.campaigns import SeededStance
from abm.decisions.campaign import CampaignRule
from abm.decisions.critical_mass import CriticalMassRule
from abm.decisions.scripted import ScriptedRule
from abm.pledges import PledgeParameters
from abm.policy import Intervention
from learners.parameters import Parameters, parameter
from scenarios.money import Credits, DataDividend, DataLicence, Voice
from scenarios.organising import Canvass, CoalitionCampaign, CommunityAction
from scenarios.regulation import Audit, WeightDeletionOrder

if TYPE_CHECKING:
    from abm.model import DataLeverageModel


class PortabilityLaw(Intervention):
    """Large Co. must hand users a copy of their data for Small Co., and tools make asking easy.

    ``one_off`` is a copy of what there is at that moment. ``continuous`` keeps it current: new records of who
    has contributed reach Small Co. as well. ``symmetric`` is continuous and binds Small Co. in turn: who
    returns to Large Co. after deleting brings the records that Small Co. holds.
    """

    NO_OP: ClassVar = {"success": 0.2, "tool": 0.2}

    kind: Literal["portability_law"] = "portability_law"
    success: float = parameter(
        1.0, "Probability that a portability request succeeds under the law", unit="probability", ge=0, le=1
    )
    tool: float = parameter(
        0.8, "Share of the barrier to contributing that tools remove under the law", unit="share", ge=0, le=1
    )
    form: Literal["one_off", "continuous", "symmetric"] = parameter(
        "one_off", "one_off: a copy; continuous: kept current; symmetric: and from Small Co. back", unit="-"
    )

    def changes(self) -> dict[str, Any]:
        """Set portability success, the contribution tool, and what flows after the first copy."""
        changes: dict[str, Any] = {"portability_success": self.success, "contribution_tool": self.tool}
        if self.form != "one_off":
            changes["portability_continuous"] = True
        if self.form == "symmetric":
            changes["portability_symmetric"] = True
        return changes

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where no new records arrive, so that there is nothing to keep current, and nothing is lost."""
        brings = self.form == "symmetric" and not model.policy_schedule.base.return_restores
        if self.form == "one_off" or model.clock.streaming or brings:
            return []
        return [f"portability_law: '{self.form}' adds nothing where no new records arrive (static clock)"]


class DeletionRight(Intervention):
    """Users get, or lose, the right to have their past data deleted, executed late or in part."""

    NO_OP: ClassVar = {"granted": True}

    kind: Literal["deletion_right"] = "deletion_right"
    granted: bool = parameter(True, "Whether the right holds; the default policy grants it", unit="-")
    tool: float = parameter(
        0.0, "Share of the barriers to withholding and deleting that tools remove", unit="share", ge=0, le=1
    )
    delay: int = parameter(
        0, "Ticks that pass before Large Co. executes a request", unit="ticks", ge=0, le=100_000
    )
    executed: float = parameter(
        1.0, "Share of the requests that Large Co. ever executes", unit="share", ge=0, le=1
    )

    def changes(self) -> dict[str, Any]:
        """Set the right, the deletion tool, and how Large Co. complies."""
        return {
            "deletion_right": self.granted,
            "deletion_tool": self.tool,
            "deletion_delay": self.delay,
            "deletion_executed": self.executed,
        }


class Interoperability(Intervention):
    """Users of one company can reach the other's service, so that switching costs less."""

    NO_OP: ClassVar = {"degree": 0.0}

    kind: Literal["interoperability"] = "interoperability"
    degree: float = parameter(1.0, "Share of the switching cost that is removed", unit="share", ge=0, le=1)

    def changes(self) -> dict[str, Any]:
        """Set interoperability."""
        return {"interoperability": self.degree}


class Assistant(Intervention, AssistantParameters):
    """Users, or the share ``coverage`` of them, get a data leverage assistant."""

    NO_OP: ClassVar = {"trust": 0.0}

    kind: Literal["assistant"] = "assistant"

    def changes(self) -> dict[str, Any]:
        """Give access, and set what is shown."""
        return {"assistant_access": True, "assistant": _part(AssistantParameters, self)}

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where users do not decide by what they believe."""
        shown = self.sign_ups or self.forecast or self.gap or self.campaigns
        if not (shown and isinstance(model.rule, CampaignRule | ScriptedRule)):
            return []
        return [f"assistant: {type(model.rule).__name__} heeds nothing of what it shows but pledges"]


class TrackingBlocker(Intervention):
    """Withholding becomes automatic and free for who has the tool, but some sites break."""

    NO_OP: ClassVar = {"coverage": 0.0}

    kind: Literal["tracking_blocker"] = "tracking_blocker"
    breakage: float = parameter(
        0.05, "What broken sites cost who has the tool and uses Large Co.", unit="utility/tick", ge=0, le=10
    )

    def changes(self) -> dict[str, Any]:
        """Block the flow of new records, at the cost of breakage."""
        return {"tracking_blocked": True, "site_breakage": self.breakage}

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where no new records arrive, so that there are none to keep from Large Co."""
        if model.clock.streaming:
            return []
        return ["tracking_blocker: nothing can be withheld where no new records arrive (static clock)"]


class ConsentDefault(Intervention):
    """Users must opt in before Large Co. may use their data; without it, how hard it is to opt out.

    From the first tick in force the data of who does not consent are erased, and none of their new ones taken
    in, until they opt in.
    """

    NO_OP: ClassVar = {"consent": 1.0}

    kind: Literal["consent_default"] = "consent_default"
    consent: float = parameter(
        0.3, "Share of users who consent when first asked; 1 where nobody is asked", unit="share", ge=0, le=1
    )
    opt_in_rate: float = parameter(
        0.0, "Share of those without consent who give it when asked again", unit="per tick", ge=0, le=1
    )
    opt_out_cost: float = parameter(
        0.0, "Effort that Large Co.'s forms add to withholding data", unit="utility/tick", ge=0, le=10
    )
    awareness: float = parameter(
        1.0, "Share of users who know that their data train models", unit="share of users", ge=0, le=1
    )

    def changes(self) -> dict[str, Any]:
        """Set who consents, and who knows of and can afford to opt out."""
        return {
            "consent": self.consent,
            "opt_in_rate": self.opt_in_rate,
            "opt_out_cost": self.opt_out_cost,
            "awareness": self.awareness,
        }


class OrganiserSubsidy(Intervention):
    """An organiser is paid for contacting people beyond its own means."""

    NO_OP: ClassVar = {"budget": 0}

    kind: Literal["organiser_subsidy"] = "organiser_subsidy"
    budget: int = parameter(50, "Contacts that are paid", unit="users", ge=0)

    def changes(self) -> dict[str, Any]:
        """Add to the organiser's contacts."""
        return {"organiser_budget": self.budget}

    def warnings(self, model: DataLeverageModel) -> list[str]:
        """Warn where there is no organiser to pay."""
        rule = model.rule
        if isinstance(rule, CriticalMassRule) and rule.organisers is not None:
            return []
        return [f"organiser_subsidy: there is no organiser to pay ({type(rule).__name__})"]


class ConditionalPledge(Intervention, PledgeParameters):
    """People can promise to act once enough others do."""

    NO_OP: ClassVar = {"coverage": 0.0}

    kind: Literal["conditional_pledge"] = "conditional_pledge"

    def changes(self) -> dict[str, Any]:
        """Change no policy: what people do of their own accord."""
        return {}

    def pledge(self) -> PledgeParameters:
        """Return the drive."""
        return _part(PledgeParameters, self)


class Seeding(Intervention, SeededStance):
    """Some users are put into a stance at the start, whatever they would choose."""

    NO_OP: ClassVar = {"seeds": {"kind": "none"}}

    kind: Literal["seeding"] = "seeding"

    def changes(self) -> dict[str, Any]:
        """Change no policy."""
        return {}

    def seeding(self) -> SeededStance:
        """Return whom to put where."""
        return _part(SeededStance, self)


def _part(kind: Any, whole: Parameters) -> Any:
    """Return the parameters of a class that an intervention, which has them among its fields, holds."""
    return kind(**{name: getattr(whole, name) for name in kind.model_fields})


Interventions = Annotated[
    PortabilityLaw
    | DeletionRight
    | Interoperability
    | Assistant
    | TrackingBlocker
    | ConsentDefault
    | OrganiserSubsidy
    | ConditionalPledge
    | Seeding
    | CoalitionCampaign
    | Canvass
    | CommunityAction
    | DataDividend
    | Credits
    | Voice
    | DataLicence
    | WeightDeletionOrder
    | Audit,
    Field(discriminator="kind"),
]
