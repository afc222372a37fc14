"""How an image that is not square becomes square."""

from __future__ import annotations

from typing import Literal

# Its proportions change, the largest square in its middle is taken, or all of it is laid in the middle of a black
# square (as Keras and others do it).
Fit = Literal["stretch", "crop", "pad"]
