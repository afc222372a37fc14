"""What a stored model needs to answer to pictures: how they are read, and what the network says of them.

A copy of it lies in every stored model, and works there alone: it imports Pillow, NumPy, Keras and TensorFlow only,
and where MLflow loads it, what MLflow brings.
"""
