"""A writer behind an OpenAI-compatible HTTP server: asked by many requests at once, again where it fails."""

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from golgi.errors import GolgiError
from golgi.writing.requests import Reply, Request
from golgi.writing.wire import Fault, Secret, ask, check_address, open_client

logger = logging.getLogger(__name__)

FIELD = "concepts.sentences.source.llm.writer"
TRIES = 6
TOLD = 30  # times that a server may tell the same request to come back later; that is no failure
FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0  # seconds; each further wait is up to twice as long
Keep = Callable[[Request, Reply], None]


class Server:
    """A model behind a server that speaks the chat completions of OpenAI (a `Writer`).

    `server` is its address, `model` what it calls the model, `key` the environment variable that has the
    key, if it wants one. At most `in_flight` requests are under way at once, and each is given up after
    `timeout` seconds. A request that fails for a reason that may pass is tried again, `tries` times in all,
    not counting those where the server says when to come back. Settings in `leave_out` (`seed`,
    `temperature`, `top_p`, `max_tokens`) are not sent, as some servers refuse them. `price` is for others to
    reckon with.
    """

    batch = 1  # no reply depends on another

    def __init__(
        self,
        *,
        server: str,
        model: str,
        key: str | None,
        in_flight: int,
        timeout: float,
        price: dict | None = None,
        leave_out: Sequence[str] = (),
        tries: int = TRIES,
        first_wait: float = FIRST_WAIT,
    ):
        """Raise GolgiError for an address that is none, or that has a password in it. Nothing is sent."""
        self.identity = model
        try:
            self._address, self._key = check_address(server), key
        except ValueError as error:
            raise GolgiError(f"{FIELD}.server: {error}") from error
        self._in_flight, self._timeout, self._leave_out = in_flight, timeout, tuple(leave_out)
        self._tries, self._first_wait = tries, first_wait

    def answer(self, requests: Sequence[Request], keep: Keep) -> None:
        """Ask for all requests and `keep` each reply as it comes; GolgiError if one is given up.

        What is under way then is waited for and kept too, and nothing more is asked for.
        """
        if requests:
            asyncio.run(self._answer(requests, keep, self._read_key()))

    async def _answer(self, requests: Sequence[Request], keep: Keep, key: Secret) -> None:
        try:
            opened = open_client(self._address, key, timeout=self._timeout)
        except Fault as fault:
            raise GolgiError(f"{FIELD}.server: {self._address}: {fault}.") from fault
        async with opened as client:
            once = partial(ask, client, key=key, leave_out=self._leave_out)
            asking = _Asking(once, self._timeout, self._tries, self._first_wait)
            waiting = iter(requests)
            workers = [asking.work(waiting, keep) for _ in range(min(self._in_flight, len(requests)))]
            await asyncio.gather(*workers)
        if asking.failure:
            raise GolgiError(
                f"{FIELD}: {self._address}: {asking.failure}.\n"
                f"{asking.kept} of {len(requests)} replies came and are kept; run again to ask for the rest."
            )

    def _read_key(self) -> Secret:
        if self._key is None:
            return Secret("none")  # the client insists on one
        value = os.environ.get(self._key, "").strip()
        if not value:
            raise GolgiError(f"{FIELD}.key: the environment variable {self._key} is not set.")
        if not value.isascii() or not value.isprintable() or " " in value:
            raise GolgiError(f"{FIELD}.key: what the environment variable {self._key} holds cannot be a key.")
        return Secret(value)


class _Asking:
    """Requests under way, and what they share: when to go on, and whether one was given up."""

    def __init__(
        self, once: Callable[[Request], Awaitable[Reply]], timeout: float, tries: int, first_wait: float
    ):
        self.failure, self.kept = "", 0
        self._ask, self._timeout = once, timeout
        self._tries, self._first_wait = tries, first_wait
        self._given_up = asyncio.Event()
        self._opens = 0.0  # when the server, which said to wait, may be asked again, in the loop's time

    async def work(self, waiting: Iterator[Request], keep: Keep) -> None:
        """Ask for one request of `waiting` after the other, until there is none or one was given up."""
        while not self._given_up.is_set() and (request := next(waiting, None)):
            try:
                reply = await self._again(request)
            except Fault as fault:
                if not self._given_up.is_set():
                    self.failure = str(fault)
                    self._given_up.set()
            else:
                keep(request, reply)
                self.kept += 1

    def _again(self, request: Request) -> Coroutine[Any, Any, Reply]:
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, Fault) and error.again),
            stop=_Patience(self._tries),
            wait=self._wait,
            sleep=self._sleep,
            before_sleep=lambda state: self._tell(state, request),
            reraise=True,
        )
        return retrying(self._once, request)

    async def _once(self, request: Request) -> Reply:
        while (left := self._opens - asyncio.get_running_loop().time()) > 0:
            await self._sleep(left)
        try:
            # The client's own limit is for each part of an answer: drop by drop one could last for ever.
            async with asyncio.timeout(self._timeout):
                return await self._ask(request)
        except TimeoutError:
            raise Fault(f"no whole answer within {self._timeout:g} seconds", again=True) from None

    def _wait(self, state: RetryCallState) -> float:
        fault: Fault = state.outcome.exception()
        longest = min(self._first_wait * 2 ** (state.attempt_number - 1), LONGEST_WAIT)
        spread = random.uniform(0, longest / 2)  # those that failed together do not come back together
        return spread + (longest / 2 if fault.wait is None else fault.wait)

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._given_up.wait(), seconds)
            raise Fault("another request was given up", again=False)

    def _tell(self, state: RetryCallState, request: Request) -> None:
        fault: Fault = state.outcome.exception()
        if fault.wait:
            self._opens = max(self._opens, asyncio.get_running_loop().time() + fault.wait)
        logger.warning(
            "%s of %s, request %d: %s; try %d in %.1f s.",
            *(request.kind, request.concept, request.draw, fault),
            *(state.attempt_number + 1, state.next_action.sleep),
        )


class _Patience:
    """How long a request is tried: where the server fails so many times, and more where it says to wait."""

    def __init__(self, tries: int):
        self._tries, self._told = tries, 0

    def __call__(self, state: RetryCallState) -> bool:
        self._told += state.outcome.exception().wait is not None
        return state.attempt_number - self._told >= self._tries or self._told >= TOLD
