"""The record of judgements: each is a tag of the run that was judged, so that the store counts them and none is lost.

A judgement is of two runs on one test set. Its answer is the same whenever it is asked, so that asking again, under
another name too, the other way round, or after the process was killed, is no judgement more.
"""

from __future__ import annotations

from tasks.tracking import mlflow_client
from tasks.tracking.outbox_entries import Tags
from tasks.tracking.stored_run import StoredRun

TEST_SET_TAG = "judged.test_set"  # the first digits of the digest of the data whose test images judged
AGAINST_TAG = "judged.against."  # and the run of the model that was in use then


def record_judgement(run: StoredRun, champion: StoredRun, said: str) -> int:
    """Record that a run was judged against the one in use; return how often its test set has judged by now."""
    tags = {TEST_SET_TAG: run.short_digest, f"{AGAINST_TAG}{champion.run_id}": said}
    mlflow_client.send_now(run.run_id, Tags(tags=tags))
    return judgements_of(run.short_digest)


def judgements_of(short_digest: str) -> int:
    """Return how many judgements a test set has made, of runs that were deleted since too."""
    judged = mlflow_client.find_runs(f"tags.`{TEST_SET_TAG}` = '{short_digest}'", deleted=True)
    pairs = {frozenset((run.run_id, tag.removeprefix(AGAINST_TAG))) for run in judged for tag in _against(run)}
    return len(pairs)


def _against(run: StoredRun) -> list[str]:
    return [tag for tag in run.tags if tag.startswith(AGAINST_TAG)]
