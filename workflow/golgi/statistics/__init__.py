"""Tables of a study: counts, overlaps, tests and intervals, from average precision and stored responses.

One module per question, each with a function that writes its tables:

- how many, and by chance: `counts`, `discoveries`, `stability` with `folds`
- how alike: `overlap`, `categories`, `alignment` with `references`; `hierarchy` with `kinship`, `parenthood`
  and `dendrogram`
- one unit or many: `polysemy`, `distributed` with `equal_units`
- when, and why: `dynamics`, `interventions` with `intervention_effects`
- on which choices it hangs, and what is shown: `sensitivity`, `claims` with `claim_tests`

What they share: `precision` and `similarity` read what was scored and compared, `rescoring` scores stored
responses for other label sets, `resampling` and `spearman` hold the permutation tests and intervals, and
`naming` tests what neuron graphs name.
"""
