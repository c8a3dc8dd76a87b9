"""Golgi: expert-neuron studies of language models, from one YAML file to tables and figures."""

__version__ = "0.1.0"
