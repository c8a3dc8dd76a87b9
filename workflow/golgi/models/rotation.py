"""The rotated basis: a seeded random orthogonal matrix, uniform over rotations and reflections."""

import numpy as np
from scipy.linalg import lapack

LAPACK_BLOCK = 64  # columns worked on at once


def random_orthogonal(width: int, *, seed: int) -> np.ndarray:
    """Return a Haar-distributed orthogonal matrix, [width, width] float32, from the seed and the width.

    QR of a Gaussian matrix with the signs of R's diagonal moved into Q (Mezzadri 2007, sec. 5). One
    matrix serves all layers of a site: layers are compared in one basis, and memory holds one matrix.
    """
    gaussian = np.random.default_rng([seed, width]).standard_normal((width, width))
    # LAPACK by hand, in place and in its own order: two float64 matrices at a time, where numpy takes five.
    gaussian = np.asfortranarray(gaussian)
    packed, factors, _, _ = lapack.dgeqrf(gaussian, lwork=LAPACK_BLOCK * width, overwrite_a=True)
    signs = np.sign(np.diag(packed))
    q, _, _ = lapack.dorgqr(packed, factors, lwork=LAPACK_BLOCK * width, overwrite_a=True)
    q *= signs
    return q.astype(np.float32, order="C")
