"""How the built-in detector came to be: sources, labels, network, training, export and scores, all seeded.

Not part of the product and never imported by it; runs in an environment of its own (`requirements.txt`).
"""
