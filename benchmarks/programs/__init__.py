"""What the pipeline is measured by, each a program of its own, as a person would write it."""
