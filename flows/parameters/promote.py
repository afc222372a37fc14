"""The parameters of a promotion: which model is to be used under which name, and what it has to be better by."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from flows.parameters.group import ParameterGroup
from tasks.tracking.registry_names import require_model_name


class PromoteParameters(ParameterGroup):
    """What is judged, and what becomes of it."""

    run: Annotated[
        str | None,
        Field(
            min_length=1,
            description="the run whose model is to be used, or a comparison, of which the recommended one is taken; "
            "none: with back",
        ),
    ] = None
    name: Annotated[
        str | None,
        Field(min_length=1, description="under which others use it: models:/NAME@champion is whatever it is by then"),
    ] = None
    margin: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="in test accuracy: how much worse than the champion the interval may allow the new model to "
            "be; 0.01 is one point",
        ),
    ] = 0.0
    force: Annotated[
        bool, Field(description="let it become champion whatever is judged; a tag of the version says who did")
    ] = False
    back: Annotated[bool, Field(description="let the previous champion be champion again, and judge nothing")] = False

    @model_validator(mode="after")
    def _refuse_what_says_nothing(self) -> Self:
        """Raise ValueError where a name or a run is missing, or is too much; InputError for a name that is none."""
        if self.name is None:
            raise ValueError("name: received nothing; say under which name the model is used: --name digits-lenet")
        require_model_name(self.name)
        if self.back and (self.run is not None or self.force or self.margin):
            raise ValueError("back: judges no run, so it goes with name alone; leave out run, force and margin")
        if not self.back and self.run is None:
            raise ValueError("run: received nothing; name a run that has finished, or a comparison; or give back")
        return self


class AskedPromoteParameters(PromoteParameters):
    """The same where a person may be asked, in a deployment."""

    ask: Annotated[
        bool, Field(description="wait for a person's word in the Prefect UI before the new model becomes champion")
    ] = False
    wait_hours: Annotated[float, Field(gt=0, le=720, description="how long that is waited for")] = 24.0
