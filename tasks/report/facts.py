"""What a report says beside the comparison itself."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ReportFacts(BaseModel):
    """What a report says beside the comparison itself. What is not known is empty, and not spoken of.

    Attributes:
        study: The MLflow run of the comparison; its page is ``mlflow_url``.
        dataset_examples: Examples in each split.
        seeds: Tuning seeds of each setting; ``looks`` after how many confirm seeds contenders were compared.
        trials_ended: With whatever outcome; ``trials_missing`` of those that are known to be wanted have no result.
        incomplete: That these are missing, and what to do, in words; empty if all have one.
        grown: That more was asked of the study after it had begun, in a sentence.
        made_with: The parameters that all trials share.
        made_at: When the comparison was begun, so that a page that is made again is the same.
        command: That makes the same comparison anew, with ``commit`` of the code, on ``machine``.
        dataset_digest: Of the data that all trials learned from.
        go_on: The exact command that goes on with the trials that there are.
        test: ``test/accuracy``, or what else it is about, of the contender to take: the median over ``seeds`` models;
            none if there is no such.
        run_urls: The page of each trial, by its run.
        versions: Of the packages that it was made with.
    """

    model_config = ConfigDict(frozen=True)

    study: str
    name: str
    dataset: str
    dataset_examples: dict[str, int]
    epochs: int
    seeds: int
    looks: tuple[int, ...] = ()
    trials_ended: int
    trials_missing: int = 0
    incomplete: str = ""
    grown: str = ""
    made_with: dict[str, str]
    made_at: str = ""
    command: str = ""
    commit: str = ""
    dataset_digest: str = ""
    machine: str = ""
    go_on: str = ""
    test: dict[str, float] | None
    mlflow_url: str
    flow_run_url: str
    run_urls: dict[str, str]
    versions: dict[str, str]
