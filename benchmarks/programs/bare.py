"""The bare script for `overhead`: imports, loads the digits, fits LeNet for ten epochs, evaluates and saves."""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

digits = load_digits()
images = tf.image.resize(digits.images[..., None].astype("float32"), (32, 32)).numpy() / 16
images = (images - images.mean()) / images.std()
train_images, test_images, train_labels, test_labels = train_test_split(
    images, digits.target.astype(np.int32), test_size=0.2, random_state=0
)
layers = keras.layers
model = keras.Sequential(
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
model.compile(
    optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(train_images, train_labels, batch_size=32, epochs=10, validation_split=0.1, verbose=2)
model.evaluate(test_images, test_labels, verbose=2)
model.save("model.keras")
