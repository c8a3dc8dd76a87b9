"""Neuron graphs: which tokens a unit fires on, and after which context (Foote et al. 2023).

In the order in which data flows:

- what is explained: `units` (which get a graph), `exemplars` (where they are strongest, and where they fire)
- the method, for any function from tokens to activations: `prune`, `saliency`, `augment`, `calibrate`, all of
  them in `growing`; a graph is a `trie`, and in files a line of `store`
- with a model: `reading` (exemplars, sample, test texts) and `growth` (the graphs of a layer)
- how well graphs foretell: `forest` (graphs against text), `baselines`, `agreement`, `scoring`, `measures`
- what they say: `naming` with `words`, `weights` (is it the concept?), `index`, `search` with `lookup` and
  `display`, `gallery`, `drawing` with `page`, `texts` (tokens made readable)

All but `reading` and `growth` know nothing of models.
"""
