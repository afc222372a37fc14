"""The networks of `keras.applications`, each behind the preprocessing of pixels that its authors gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import layers

from models.choice import choose
from models.image_network import require_fitting
from models.open_seeds import with_seeds

Preprocessing = Literal["inside", "minus one to one", "imagenet", "imagenet, blue first"]
# Of each network, what `preprocess_input` of its module does: nothing, where its layers begin with that themselves, or
# what Keras calls tf, torch and caffe.
PREPROCESSING: dict[str, Preprocessing] = {
    **dict.fromkeys(("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152"), "imagenet, blue first"),
    **dict.fromkeys(("DenseNet121", "DenseNet169", "DenseNet201"), "imagenet"),
    **dict.fromkeys(("ResNet50V2", "ResNet101V2", "ResNet152V2", "Xception"), "minus one to one"),
    **dict.fromkeys(("InceptionV3", "InceptionResNetV2", "MobileNet", "MobileNetV2"), "minus one to one"),
    **dict.fromkeys(("NASNetMobile", "NASNetLarge"), "minus one to one"),
    **dict.fromkeys(("MobileNetV3Small", "MobileNetV3Large"), "inside"),
    **dict.fromkeys([f"EfficientNetB{number}" for number in range(8)], "inside"),
    **dict.fromkeys([f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")], "inside"),
    **dict.fromkeys([f"ConvNeXt{size}" for size in ("Tiny", "Small", "Base", "Large", "XLarge")], "inside"),
}
# Of the training images of ImageNet, by channel: torchvision's, of values from 0 to 1, and Caffe's, of pixel values.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red


def build_application(
    name: str,
    image_shape: tuple[int, int, int],
    num_classes: int,
    *,
    pixel_mean: Sequence[float],
    pixel_deviation: Sequence[float],
    seed: int,
    pretrained: bool = False,
) -> keras.Model:
    """Build a network of `keras.applications` from images (batch, height, width, channels) to logits (batch, classes).

    The network lies without its top, as one layer, between its own preprocessing and a dense layer for the logits; the
    pixel statistics of the training split are not used. Images with one channel are given to it as three equal ones.

    Args:
        name: as `keras.applications` has it.
        image_shape: height, width and channels, which are 1 or 3; the images hold pixel values from 0 to 255.
        num_classes: at least 2.
        pixel_mean: one for each channel.
        pixel_deviation: likewise.
        seed: not negative. All that is drawn, and the seeds of dropout, depend on it alone, bit for bit.
        pretrained: whether all but the logits has the weights that Keras keeps for ImageNet, in its cache or in the
            network, in place of those that are drawn.

    Raises:
        ValueError: an unknown name, an image that the network does not take, fewer than two classes.
    """
    mode = choose("network of keras.applications", PREPROCESSING, name)
    require_fitting(image_shape, num_classes, pixel_mean, pixel_deviation, smallest_side=1)
    height, width, channels = image_shape
    if channels not in (1, 3):
        raise ValueError(f"the networks of keras.applications take 1 or 3 channels; received {channels}")
    weights = "imagenet" if pretrained else None
    how: dict[str, Any] = {"input_shape": (height, width, 3), "include_top": False, "pooling": "avg"}
    backbone = getattr(keras.applications, name)(weights=weights, **how)
    seeded = with_seeds(_between_pixels_and_logits(backbone, mode, image_shape, num_classes), seed)
    if pretrained:
        seeded.get_layer(backbone.name).set_weights(backbone.get_weights())
    return seeded


def _between_pixels_and_logits(
    backbone: keras.Model, mode: Preprocessing, image_shape: tuple[int, int, int], num_classes: int
) -> keras.Model:
    pixels = keras.Input(image_shape, dtype="float32", name="pixels")
    x = layers.Concatenate(name="three_channels")([pixels] * 3) if image_shape[2] == 1 else pixels
    features = backbone(_preprocessed(mode, x))
    return keras.Model(pixels, layers.Dense(num_classes, name="logits")(features), name=backbone.name)


def _preprocessed(mode: Preprocessing, x: Any) -> Any:
    """Return pixels as a network takes them: what `keras.applications.imagenet_utils.preprocess_input` does."""
    if mode == "inside":
        return x
    if mode == "minus one to one":
        return layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32", name="preprocessing")(x)
    if mode == "imagenet":
        mean = [255 * value for value in IMAGENET_MEAN]
        variance = [(255 * value) ** 2 for value in IMAGENET_DEVIATION]
    else:
        x, mean, variance = keras.ops.flip(x, axis=-1), list(CAFFE_MEAN), [1.0] * 3
    return layers.Normalization(mean=mean, variance=variance, dtype="float32", name="preprocessing")(x)
