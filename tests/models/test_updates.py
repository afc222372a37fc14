"""How an optimizer is told to make its updates: what is asked for is, and nothing else is touched."""

from __future__ import annotations

import keras
import pytest

from models.updates import settle_updates


def test_what_is_not_asked_for_stays_as_the_optimizer_has_it() -> None:
    optimizer = keras.optimizers.SGD(0.1, global_clipnorm=0.5, gradient_accumulation_steps=2)
    settle_updates(optimizer)
    assert (optimizer.global_clipnorm, optimizer.gradient_accumulation_steps) == (0.5, 2)
    settle_updates(optimizer, clip_norm=1.0, accumulate=3)
    assert (optimizer.global_clipnorm, optimizer.gradient_accumulation_steps) == (1.0, 3)


@pytest.mark.parametrize("own", ["clipnorm", "clipvalue"])
def test_an_optimizer_that_clips_in_another_way_is_not_told_to_clip_by_the_norm_of_all(own: str) -> None:
    optimizer = keras.optimizers.SGD(0.1, name="mine", **{own: 2.0})
    with pytest.raises(ValueError, match=rf"clip_norm: received 0\.5, but optimizer 'mine' clips .*{own} 2\.0"):
        settle_updates(optimizer, clip_norm=0.5)
