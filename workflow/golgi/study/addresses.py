"""Addresses of servers: what is wrong with one, and which of them may get the secret of which variable."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

# Variables that programs keep the keys of known services in, and the one domain that each is meant for.
SERVICES = {
    "OPENAI_API_KEY": "openai.com",
    "OPENROUTER_API_KEY": "openrouter.ai",
    "MISTRAL_API_KEY": "mistral.ai",
    "TOGETHER_API_KEY": "together.xyz",
    "GROQ_API_KEY": "groq.com",
    "DEEPSEEK_API_KEY": "deepseek.com",
    "FIREWORKS_API_KEY": "fireworks.ai",
    "GEMINI_API_KEY": "generativelanguage.googleapis.com",
    "ANTHROPIC_API_KEY": "anthropic.com",
    "XAI_API_KEY": "x.ai",
    "NVIDIA_API_KEY": "nvidia.com",
}
ADDED = "/chat/completions"


def address_fault(address: str) -> str:
    """Return what is wrong with a server's address, nothing where that cannot be told; it is not repeated."""
    scheme, separator, _ = address.partition("://")
    if not separator or scheme not in ("http", "https"):
        return "the address has to begin with http:// or https://, as in `http://localhost:8000/v1`."
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if "@" in parts.netloc:
        return (
            "there is a name or a password before the host (not shown here). Leave it out; "
            "`key` names the variable that holds a key."
        )
    if "?" in address or "#" in address:
        return (
            "there is a query or a fragment, which begins with `?` or `#` (not shown here). Leave it out; "
            "`key` names the variable that holds a key."
        )
    if not _port_is_one(parts.netloc):
        return "the port, which stands after the host and a colon, is a number from 1 to 65535."
    if parts.path.rstrip("/").endswith(ADDED):
        return f"{ADDED} is added to the address. Name what stands before it, which mostly ends in /v1."
    return ""


def on_this_machine(host: str) -> bool:
    """Whether what is sent to a host stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_meant_for(variable: str, host: str) -> bool:
    """Whether a variable holds the key of the known service that a host belongs to."""
    domain = SERVICES.get(variable)
    return domain is not None and (host == domain or host.endswith(f".{domain}"))


def _port_is_one(netloc: str) -> bool:
    _, colon, port = netloc.rpartition("]")[2].rpartition(":")
    return not colon or (port.isascii() and port.isdigit() and 0 < int(port[:9]) <= 65535)
