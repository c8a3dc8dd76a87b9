"""Sampling with common random numbers: what a prompt's step draws does not depend on what else is drawn."""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def pick_tokens(
    logits: np.ndarray, tokens: np.ndarray, prompts: np.ndarray, step: int, seed: int
) -> np.ndarray:
    """Return a token for every row, drawn with probability softmax(`logits`), [row] int64.

    `logits` and `tokens` are [row, candidate], `prompts` [row] the numbers of the rows' prompts. The largest
    of logit plus Gumbel noise wins (Gumbel-max trick); the noise follows from seed, prompt, step and token:
    under another intervention the same token is drawn, unless what is likely changes.
    """
    noise = gumbel(seed, prompts[:, None], np.array(step), tokens)
    best = (logits.astype(np.float64) + noise).argmax(axis=1)
    return tokens[np.arange(len(tokens)), best]


def gumbel(seed: int, *keys: np.ndarray) -> np.ndarray:
    """Return standard Gumbel noise that follows from the seed and the keys, in the keys' common shape."""
    state = _mix(np.array([seed], np.uint64))
    with np.errstate(over="ignore"):
        for key in keys:
            state = _mix(state ^ (np.asarray(key).astype(np.uint64) + GOLDEN))
    uniform = ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return -np.log(-np.log(uniform))


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele et al. 2014): each bit of a number changes half of the result's."""
    with np.errstate(over="ignore"):
        x = x + GOLDEN
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
