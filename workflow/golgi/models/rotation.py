"""The rotated basis: a seeded random orthogonal matrix, uniform over rotations and reflections."""

import numpy as np


def random_orthogonal(width: int, *, seed: int) -> np.ndarray:
    """Return a Haar-distributed orthogonal matrix, [width, width] float32, from the seed and the width.

    QR of a Gaussian matrix with the signs of R's diagonal moved into Q (Mezzadri 2007, sec. 5). One
    matrix serves all layers of a site: layers are compared in one basis, and memory holds one matrix.
    """
    generator = np.random.default_rng([seed, width])
    gaussian = generator.standard_normal((width, width))
    q, r = np.linalg.qr(gaussian)
    return (q * np.sign(np.diag(r))).astype(np.float32)
