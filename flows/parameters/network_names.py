"""The names of networks, ours, those of Keras' applications and those of people's own functions, and of their weights.

A test holds these tables against `models/` and `keras.applications`, neither of which can be imported here.
"""

from __future__ import annotations

import difflib
from typing import Annotated

from pydantic import AfterValidator, Field

from tasks.foundation.own_source import OwnCodeError, is_own, with_digest

OWN_NETWORKS = ("lenet", "resnet8")
KERAS, IMAGENET = "keras:", "imagenet"
# The smallest side of an image, in pixels, that each takes.
SMALLEST_SIDES: dict[str, int] = {
    "lenet": 16,
    "resnet8": 4,
    **{
        f"{KERAS}{name}": 32
        for name in (
            *("ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge"),
            *("DenseNet121", "DenseNet169", "DenseNet201"),
            *(f"EfficientNetB{number}" for number in range(8)),
            *(f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "L", "M", "S")),
            *("MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small", "NASNetLarge", "NASNetMobile"),
            *("ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2", "VGG16", "VGG19"),
        )
    },
    **dict.fromkeys((f"{KERAS}InceptionV3", f"{KERAS}InceptionResNetV2"), 75),
    f"{KERAS}Xception": 71,
}
ALLOWED = (
    f"{' or '.join(OWN_NETWORKS)}; {KERAS}NAME, a network of keras.applications ({KERAS}EfficientNetV2B0, "
    f"{KERAS}MobileNetV3Small, ...); MODULE:FUNCTION or FILE.py:FUNCTION, a function of your own"
)


def _known(name: str) -> str:
    """Return the name; that of a person's own with its digest. Raises ValueError if there is no such network."""
    if name in SMALLEST_SIDES:
        return name
    if is_own(name):
        try:
            return with_digest(name)
        except OwnCodeError as error:
            raise ValueError(f"model: received {name!r}: {error}") from error
    known = {one.lower(): one for one in SMALLEST_SIDES}
    known |= {one.removeprefix(KERAS): full for one, full in known.items()}  # who forgets the prefix is told of it
    close = difflib.get_close_matches(name.lower(), known, n=1)
    meant = f" (did you mean {known[close[0]]!r}?)" if close else ""
    raise ValueError(f"model: received {name!r}; allowed: {ALLOWED}{meant}")


def _known_weights(name: str) -> str:
    """Return where weights come from. Raises ValueError for what can be no such place."""
    named = any(name.startswith(prefix) and len(name) > len(prefix) for prefix in ("run:", "study:"))
    if name == IMAGENET or named or name.endswith(".keras"):
        return name
    raise ValueError(
        f"weights: received {name!r}; allowed: {IMAGENET}, run:RUN_ID, study:STUDY, the path of a file that ends in "
        ".keras; or none"
    )


NetworkName = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_known)]
WeightsName = Annotated[str, Field(min_length=1, max_length=250), AfterValidator(_known_weights)]
