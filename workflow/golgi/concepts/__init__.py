"""Concepts: the lexicon, where their sentences come from, and which sentences are positives and negatives."""
