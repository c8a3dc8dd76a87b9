"""Neuron graphs: which tokens a unit fires on, and after which context (Foote et al. 2023)."""
