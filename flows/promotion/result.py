"""What a promotion came to."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from study.promotion import Judgement

Outcome = Literal["first", "promoted", "forced", "already", "refused", "declined", "back"]


class PromotionResult(BaseModel):
    """What a promotion came to.

    Attributes:
        outcome: ``first``: there was no champion; ``promoted``; ``forced``, whatever was judged; ``already``: it is
            champion; ``refused`` by the judgement, or because there could be none; ``declined`` by a person; ``back``.
        name: Of the registered model.
        version: The version that this is about: the run's, or after ``back`` the one that is champion again.
        run_id: The run of it; none after ``back``.
        champion: The version that is champion now.
        previous: The one that was before it, which ``--back`` returns to; none if there was none.
        judgement: None if there was nothing to judge against.
        judgements: How many its test set has made by now; none without one.
        sentences: What happened, for a person.
    """

    model_config = ConfigDict(frozen=True)

    outcome: Outcome
    name: str
    version: str
    run_id: str | None
    champion: str | None
    previous: str | None = None
    judgement: Judgement | None = None
    judgements: int | None = None
    sentences: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether the name stands for what was asked for."""
        return self.outcome not in ("refused", "declined")

    def summary(self) -> str:
        """Say what happened."""
        return "\n".join(self.sentences)
