"""A training that would make no update is refused."""

from __future__ import annotations

import pytest

from tasks.foundation.errors import InputError
from tasks.training.gathered_batches import require_an_update


def test_a_training_has_as_many_batches_as_its_first_update_needs() -> None:
    require_an_update(12, batches=12)
    with pytest.raises(InputError, match="accumulate: received 13, but the whole training has 12 batches"):
        require_an_update(13, batches=12)
