"""Which units are experts of which concept (Suau et al. 2020).

`expertise` with `kernels` gives the average precision of units for any label sets, `chance` that of a random
order; `scoring` scores a study's concepts with the controls, `parents` their categories, `variants` other ways
to read. `interventions` chooses the units that a model is run without, or with forced.
"""
