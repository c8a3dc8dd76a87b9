"""A lack of memory: batches are halved until they fit, and the log says so; a model's failure is named."""

import gc
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from golgi.errors import GolgiError
from golgi.models.batches import Sentence

logger = logging.getLogger(__name__)

Batch = TypeVar("Batch", bound=Any)  # has a length, and can be cut
Result = TypeVar("Result")
# What torch's CPU allocator says, on Linux and on Windows; it has no exception of its own.
CPU_COMPLAINTS = ("can't allocate memory", "not enough memory")


def padded_tokens(batch: list[Sentence]) -> int:
    """Return how many token positions a batch takes, padding included."""
    return len(batch) * max(len(sentence.ids) for sentence in batch)


def run_within_memory(
    batches: list[Batch],
    run: Callable[[Batch], Result],
    *,
    who: str,
    size: Callable[[Batch], int] = padded_tokens,
    item: str = "sentence",
) -> Iterator[Result]:
    """Yield `run(batch)` for every batch, halving one that runs out of memory and all larger ones after it.

    `size` gives the padded tokens of a batch, `item` names what it holds. Raises GolgiError if a single one
    does not fit.
    """
    waiting = deque(batches)
    limit: float = float("inf")  # padded tokens
    while waiting:
        batch = waiting.popleft()
        if len(batch) > 1 and size(batch) > limit:
            half = len(batch) // 2
            waiting.extendleft([batch[half:], batch[:half]])
            continue
        try:
            result = run(batch)
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
            complaint = str(error).splitlines()[0] if str(error) else "no memory"
        else:
            yield result
            continue
        # Outside the except block: the exception holds the tensors that have to be freed.
        if len(batch) == 1:
            raise GolgiError(
                f"{who}: one {item} of {size(batch)} tokens does not fit into memory: {complaint}"
            )
        limit = size(batch) // 2
        logger.warning(
            "%s: %d tokens do not fit into memory, going on with at most %d (%s).",
            who,
            limit * 2,
            limit,
            complaint,
        )
        _free_memory()
        waiting.appendleft(batch)


def ran_out_of_memory(error: BaseException) -> bool:
    """Tell a lack of memory, on a GPU or on the CPU, from any other error."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(complaint in str(error) for complaint in CPU_COMPLAINTS)


@contextmanager
def naming_failure(failure: str, *, who: str) -> Iterator[None]:
    """Turn any error of a library into GolgiError `who: failure: error`; a lack of memory is said as such."""
    try:
        yield
    except Exception as error:
        reason = str(error) or type(error).__name__
        if ran_out_of_memory(error):
            failure = "the model does not fit into memory; use a narrower dtype, or a machine with more"
            reason = reason.splitlines()[0]
        raise GolgiError(f"{who}: {failure}: {reason}") from error


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
