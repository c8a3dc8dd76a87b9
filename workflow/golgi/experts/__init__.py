"""Which units are experts of which concept (Suau et al. 2020).

`expertise` with `kernels` gives the average precision of units for any label sets, `chance` that of a random
order; `scoring` scores a study's concepts with the controls, `parents` their categories, `variants` responses
that were read in other ways. `interventions` chooses the units that are forced or silenced.
"""
