"""Scoring what the product sees against truth, and running the shipped pipeline on a file.

Facts in: none. Facts out: none.
Invariants: the pipeline is the shipped one, wired as the analyst wires it; a score names what it was
measured on; no clip is tuned to.
"""
