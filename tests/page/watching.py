"""Watches what pages complain of and what they ask for."""

from playwright.sync_api import BrowserContext, ConsoleMessage

LOCAL = ("file:", "data:", "blob:")
# What a page is refused by its own policy is an error like any other.
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error("refused by the policy:", event.violatedDirective, event.blockedURI));"""


def watch(context: BrowserContext, complaints: list[str]) -> None:
    """Write down all errors, dialogs and requests to others of a context's pages."""

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    def dialog(dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    context.set_default_timeout(20_000)
    context.add_init_script(TELL_VIOLATIONS)
    context.route(lambda address: not address.startswith(LOCAL), lambda route: route.abort())
    context.on("console", console)
    context.on("weberror", lambda error: complaints.append(f"uncaught: {error.error}"))
    context.on("dialog", dialog)
    context.on(
        "request",
        lambda request: (
            None if request.url.startswith(LOCAL) else complaints.append(f"asked for {request.url}")
        ),
    )
