"""The plain script: MNIST with tensorflow-datasets, LeNet and `model.fit`. Prints milliseconds a step.

Usage: plain.py OPTIMIZER EPOCHS [TRAININGS]
"""

import json
import sys
import time

import keras
import tensorflow as tf
import tensorflow_datasets as tfds

OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(0.001),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.001),
}


def resized(image, label):
    image = tf.image.resize(tf.cast(image, tf.float32), (32, 32))
    return (image / 255.0 - 0.1307) / 0.3081, label


def lenet():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10),
        ]
    )


class EpochEnds(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.times = []

    def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002 - Keras calls it so
        self.times.append(time.perf_counter())


def train(optimizer, epochs):
    train, test = tfds.load("mnist", split=["train", "test"], as_supervised=True, download=False)
    batches = train.map(resized, tf.data.AUTOTUNE).shuffle(10_000).batch(32).prefetch(tf.data.AUTOTUNE)
    model = lenet()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=OPTIMIZERS[optimizer](), loss=loss, metrics=["accuracy"])
    ends = EpochEnds()
    model.fit(batches, epochs=epochs, callbacks=[ends], verbose=2)
    model.evaluate(test.map(resized, tf.data.AUTOTUNE).batch(1000), verbose=2)
    return (ends.times[-1] - ends.times[0]) / (epochs - 1) / len(batches) * 1000


if __name__ == "__main__":
    optimizer, epochs, *rest = sys.argv[1:]
    measured = [train(optimizer, int(epochs)) for _ in range(int(rest[0]) if rest else 1)]
    print(json.dumps(measured[-1]))
