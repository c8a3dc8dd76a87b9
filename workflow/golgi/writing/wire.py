"""What goes to an OpenAI-compatible server and what comes back: few headers, bounded bodies, plain text."""

import json
import os
import re
import time
from collections.abc import AsyncIterator, Collection
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import openai

from golgi.errors import plain
from golgi.study.addresses import address_fault, on_this_machine
from golgi.study.writing import SETTINGS
from golgi.writing.requests import MOST_CHARACTERS, Reply, Request, is_count, mended, one_line

MOST = 3_000_000  # bytes of a body
SHOWN = 300  # characters of what a server says
MOST_SECONDS = 600.0  # that a server may ask for
TRIED_AGAIN = (408, 409, 425, 429)  # and all from 500 on
# The client would add what machine this is, and what the environment says of other accounts. By the last of
# these it knows afterwards what it was asked for.
SENT = {
    *("accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host"),
    "x-stainless-raw-response",
}
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class Fault(Exception):
    """Why there is no reply, whether to ask again, and how many seconds the server says to wait first."""

    def __init__(self, reason: str, *, again: bool, wait: float | None = None):
        super().__init__(reason)
        self.again, self.wait = again, wait


def check_address(address: str) -> str:
    """Return an address without a slash at its end; ValueError if it is none, or has more in it."""
    if fault := address_fault(address):
        raise ValueError(fault)
    try:
        host = httpx2.URL(address).host
    except httpx2.InvalidURL as error:
        raise ValueError(f"it is no address ({error}).") from error
    if not host:
        raise ValueError("it names no host.")
    return address.rstrip("/")


class Secret:
    """A key that is sent and never shown."""

    def __init__(self, value: str):
        self.value = value

    def __repr__(self) -> str:
        return "<key>"

    def hide(self, text: str) -> str:
        """Return a text with `<key>` for the key; one of few letters is no secret, and many words have it.

        >>> Secret("sk-12345").hide("Key sk-12345?"), Secret("none").hide("none")
        ('Key <key>?', 'none')
        """
        return text.replace(self.value, "<key>") if len(self.value) >= 8 else text


def open_client(address: str, key: Secret, *, timeout: float) -> openai.AsyncOpenAI:
    """Return a client that sends the key to `address` alone, follows nowhere and tries nothing again.

    By a proxy of the environment it goes with https to another machine, and never else: the proxy could read
    the key. Raises Fault where that proxy, or certificates of the environment, cannot be used.
    """
    hooks = {"request": [_send_little], "response": [_bound]}
    hidden = _is_hidden(httpx2.URL(address))
    try:
        http = openai.DefaultAsyncHttpxClient(follow_redirects=False, event_hooks=hooks, trust_env=hidden)
    except Exception as error:
        raise Fault(_unusable(error), again=False) from error
    return openai.AsyncOpenAI(
        base_url=address,
        api_key=key.value,
        # Else one that the environment has for other programs would go first.
        default_headers={"Authorization": f"Bearer {key.value}"},
        timeout=timeout,
        max_retries=0,
        http_client=http,
    )


def _is_hidden(url: httpx2.URL) -> bool:
    """Whether what is sent goes over a network, and none on the way can read it."""
    return url.scheme == "https" and not on_this_machine(url.host)


def _unusable(error: Exception) -> str:
    # Names of variables alone: a proxy's address may have a password in it.
    proxies = (name for name in os.environ if name.lower() in ("all_proxy", "http_proxy", "https_proxy"))
    names = sorted({*proxies, *(name for name in CERTIFICATES if name in os.environ)})
    return (
        "what the environment says of proxies and certificates cannot be used "
        f"({type(error).__name__}). Look at {', '.join(names) or 'its variables'}: the address of a proxy "
        "begins with http:// or https://"
    )


async def ask(
    client: openai.AsyncOpenAI, request: Request, key: Secret, leave_out: Collection[str] = ()
) -> Reply:
    """Return the reply to a request, sent without the settings of `leave_out`; Fault where there is none."""
    settings = {name: getattr(request.sampling, name) for name in SETTINGS if name not in leave_out}
    try:
        response = await client.chat.completions.with_raw_response.create(
            model=request.model,
            messages=[{"role": role, "content": content} for role, content in request.messages],
            **settings,
        )
    except openai.APITimeoutError:
        raise Fault("no answer in time", again=True) from None
    except openai.APIConnectionError as error:
        cause = _brief(str(error.__cause__) or type(error.__cause__).__name__, key)
        raise Fault(f"the connection failed ({cause})", again=True) from None
    except openai.APIStatusError as error:
        raise _refusal(error, key) from None
    except Fault:
        raise
    except Exception as error:
        reason = _brief(f"{type(error).__name__}: {error}", key)
        raise Fault(f"the request cannot be sent ({reason})", again=False) from error
    return read_reply(response.content, key)


def read_reply(body: bytes, key: Secret) -> Reply:
    """Return the reply in the body of an answer; Fault where it is no JSON or has no message of text."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Fault("the answer is no JSON, or half of one", again=True) from None
    try:
        choice = found["choices"][0]
        message = choice["message"]
        content, declined = message.get("content"), message.get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError):
        said = f": {_said(found['error'], key)}" if isinstance(found, dict) and "error" in found else ""
        raise Fault(f"the answer has no reply in it{said}", again=True) from None
    text = content or declined or ""  # a model that reasons until its tokens are used up says nothing
    if not isinstance(text, str):
        raise Fault("the reply is no text", again=True)
    if len(text) > MOST_CHARACTERS:
        raise Fault(f"the reply has more than {MOST_CHARACTERS:,} characters", again=False)
    usage = found.get("usage")
    return Reply(
        text=key.hide(mended(text)),
        finish=_finish(choice.get("finish_reason"), declined, key),
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        model=_name(found.get("model"), key),
        fingerprint=_name(found.get("system_fingerprint"), key),
    )


async def _send_little(request: httpx2.Request) -> None:
    for name in set(request.headers) - SENT:
        del request.headers[name]
    request.headers["User-Agent"] = "golgi"
    # A few compressed bytes may stand for gigabytes.
    request.headers["Accept-Encoding"] = "identity"


async def _bound(response: httpx2.Response) -> None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Fault("the answer is compressed, which was not asked for", again=False)
    if int(response.headers.get("Content-Length", 0)) > MOST:
        raise Fault(TOO_LONG, again=False)
    response.stream = _Bounded(response.stream)


TOO_LONG = f"the answer has more than {MOST:,} bytes"


class _Bounded(httpx2.AsyncByteStream):
    """The bytes of an answer, as far as an answer may be long."""

    def __init__(self, stream: httpx2.AsyncByteStream):
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for part in self._stream:
            length += len(part)
            if length > MOST:
                raise Fault(TOO_LONG, again=False)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def _refusal(error: openai.APIStatusError, key: Secret) -> Fault:
    status, headers = error.status_code, error.response.headers
    if 300 <= status < 400:
        place = _brief(headers.get("Location", "nowhere"), key)
        return Fault(f"the answer is {status}, to {place}; that is not followed", again=False)
    said = _said(error.body, key)
    reason = f"the answer is {status}" + (f": {said}" if said else "")
    again = status in TRIED_AGAIN or status >= 500
    wait = _wait(headers) if again else None
    if wait is not None and wait > MOST_SECONDS:
        return Fault(f"{reason} (it says to wait for {wait:,.0f} seconds)", again=False)
    hint = _hint(status, said)
    return Fault(f"{reason.rstrip('.')}. {hint}" if hint else reason, again=again, wait=wait)


def _hint(status: int, said: str) -> str:
    if status in (401, 403):
        return "Look at `key`"
    if status == 404:
        return "Look at `server`, which mostly ends in /v1, and at `model`"
    named = [f"`{name}`" for name in SETTINGS if re.search(rf"\b{name}\b", said) and status < 500]
    refused = ", ".join(named)
    return (
        f"If the server or the model cannot be given {refused}, add {refused} to `leave_out`" if named else ""
    )


def _wait(headers: httpx2.Headers) -> float | None:
    """Seconds that Retry-After says to wait (RFC 9110, sec. 10.2.3); None where it does not."""
    value = headers.get("Retry-After", "")
    try:
        number = value[:1].isdigit()
        wait = float(value) if number else parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(wait, 0.0)


def _said(body: Any, key: Secret) -> str:
    while isinstance(body, dict):
        named = (body[name] for name in ("error", "message", "detail") if body.get(name))
        body = next(named, json.dumps(body))
    return _brief(body if isinstance(body, str) else json.dumps(body), key)


def _brief(text: str, key: Secret) -> str:
    line = plain(" ".join(key.hide(text).split()))  # hidden first: half a key is one too
    return line if len(line) <= SHOWN else f"{line[:SHOWN].rstrip()} ..."


def _finish(reason: Any, declined: Any, key: Secret) -> str:
    if declined or reason == "content_filter":
        return "refused"
    return _name(reason, key) or "unknown"


def _name(value: Any, key: Secret) -> str:
    return one_line(key.hide(value)) if isinstance(value, str) else ""


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if is_count(value) else 0
