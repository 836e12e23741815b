"""Whether a finding survives: the same claim under other rules, from other perspectives, in other modes.

A claim says on which side of 0 a number lies: a paired difference between two arms, or an arm's own output.
Each variant of it is one cell, which the runs decide, or which is not defined, and says why.

Core Objects: Claim, Variant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, model_validator

from learners.parameters import Parameters, parameter


class Variant(Parameters):
    """Where a claim is looked at."""

    variant: str = parameter(..., "Rule, perspective, mode, or what else differs", unit="-", min_length=1)
    arm: str | None = parameter(None, "Arm of the study; none where the claim is not defined", unit="-")
    against: str | None = parameter(None, "Arm it is compared with; none for the arm's own output", unit="-")
    output: str | None = parameter(None, "Name of an output", unit="-")
    not_defined: str | None = parameter(None, "Why the claim means nothing here", unit="-", min_length=1)

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        asked = [self.arm, self.output]
        if self.not_defined is None and None in asked:
            raise ValueError(f"variant {self.variant!r}: needs arm and output, or not_defined")
        if self.not_defined is not None and any(what is not None for what in (*asked, self.against)):
            raise ValueError(f"variant {self.variant!r}: is not_defined, so it can have no arm and no output")
        return self


class Claim(Parameters):
    """A finding, and the variants under which it is looked at again."""

    claim: str = parameter(..., "The finding, in words", unit="-", min_length=1)
    side: Literal["above", "below"] = parameter(
        "above", "On which side of 0 the number lies if it is true", unit="-"
    )
    variants: list[Variant] = Field(..., description="Where it is looked at", min_length=1, max_length=100)

    def check(self, arms: Iterable[str], outputs: Iterable[str]) -> None:
        """Refuse arms and outputs that the study does not have.

        Raises
        ------
        ValueError
            Naming the first.
        """
        known_arms, known_outputs = list(arms), list(outputs)
        for number, cell in enumerate(self.variants):
            for what, name, known in (
                ("arm", cell.arm, known_arms),
                ("against", cell.against, known_arms),
                ("output", cell.output, known_outputs),
            ):
                if name is not None and name not in known:
                    raise ValueError(f"variants.{number}.{what}: {name!r} is not one of {', '.join(known)}")
