"""What the code never does, whatever it reads: unpickle, evaluate, run a shell, trust the code of others."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    [*(ROOT / "workflow" / "golgi").rglob("*.py"), *(ROOT / "workflow" / "scripts").glob("*.py")]
)
ATLAS = ROOT / "workflow" / "golgi" / "atlas" / "page"
# In scripts of pages: markup or code made of text, requests, addresses of elsewhere.
FORBIDDEN = (
    r"(?:inner|outer)HTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc|\beval\b|\bFunction\("
    r"|\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\b\s*\(|\bWorker\("
    r"|setAttribute\(\s*[\"']on|javascript:|https?://(?!www\.w3\.org/)"
)
RULES = [ROOT / "Snakefile", *sorted((ROOT / "workflow" / "rules").glob("*.smk"))]
NEVER_IMPORTED = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
NEVER_CALLED = {
    *(
        "eval",
        "exec",
        "compile",
        "__import__",
        "os.system",
        "os.popen",
        "torch.load",
        "np.load",
        "numpy.load",
    ),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "Template", "jinja2.Template"),
}
NEVER_CALLED_OF_ANYTHING = {"apply_chat_template", "from_string", "read_pickle", "save_pickle", "to_pickle"}
# Templates of strangers are rendered in two places, each in a sandbox: prompts, and a writer's own of chats.
RENDERING = {"workflow/golgi/models/chat.py", "workflow/golgi/study/prompts.py"}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(text: str) -> list[str]:
    """What a module does that none does, with lines."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            )
            found += [
                f"{node.lineno}: import {name}" for name in names if name.split(".")[0] in NEVER_IMPORTED
            ]
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            anywhere = name.rpartition(".")[2] in NEVER_CALLED_OF_ANYTHING
            found += [f"{node.lineno}: {name}"] if anywhere or name in NEVER_CALLED else []
            found += [f"{node.lineno}: {bad}" for key in node.keywords if (bad := wrong_option(key))]
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            trusting = [key for key, value in pairs if is_trust(key) and not is_false(value)]
            found += [f"{key.lineno}: trust_remote_code" for key in trusting]
    return found


def wrong_option(keyword: ast.keyword) -> str:
    unsafe = {"shell": False, "trust_remote_code": False, "autoescape": True}
    if keyword.arg not in unsafe:
        return ""
    safe = isinstance(keyword.value, ast.Constant) and keyword.value.value is unsafe[keyword.arg]
    return "" if safe else keyword.arg


def is_trust(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and key.value == "trust_remote_code"


def is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_runs_what_it_reads(module):
    rendering = module.relative_to(ROOT).as_posix() in RENDERING
    found = [fault.partition(": ")[2] for fault in faults(module.read_text(encoding="utf-8"))]
    assert found == [".from_string"] * rendering


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "eval(x)",
        "torch.load(x)",
        "subprocess.run(x, shell=True)",
        "AutoModel.from_pretrained(x, trust_remote_code=trusted)",
        'OPTIONS = {"trust_remote_code": True}',
        "Environment(autoescape=False)",
        "tokenizer.apply_chat_template(x)",
        "Environment(autoescape=True).from_string(x)",
    ],
)
def test_the_search_finds_what_it_looks_for(line):
    assert len(faults(line)) == 1


@pytest.mark.parametrize("module", sorted(RENDERING))
def test_what_strangers_wrote_is_rendered_in_a_sandbox_that_has_no_files(module):
    text = (ROOT / module).read_text()
    assert set(re.findall(r"\b\w*Environment\(", text)) == {"ImmutableSandboxedEnvironment("}
    assert "oader" not in text


def test_every_template_escapes():
    made = [path for path in MODULES if re.search(r"\bEnvironment\(", path.read_text())]
    assert {path.name for path in made} >= {"report.py", "page.py"}
    assert all("autoescape=True" in path.read_text() for path in made)
    pages = {page: page.read_text(encoding="utf-8") for page in (ROOT / "workflow" / "golgi").rglob("*.html")}
    assert len(pages) >= 3
    for page, text in pages.items():
        assert not re.search(r"\|\s*safe\b|autoescape false|\son\w+=", text), page
    whole = {
        page: text for page, text in pages.items() if "<!doctype" in text and page != ATLAS / "index.html"
    }
    assert len(whole) >= 2
    assert all("default-src 'none'" in text for text in whole.values())
    assert [page for page, text in pages.items() if "<script" in text] == [ATLAS / "index.html"]


def test_what_the_atlas_runs_makes_no_markup_and_no_code_of_text_and_asks_nobody():
    scripts = sorted(ATLAS.glob("*.js"))
    assert len(scripts) >= 10
    for script in scripts:
        assert not re.search(FORBIDDEN, script.read_text(encoding="utf-8")), script.name


@pytest.mark.parametrize(
    "line",
    [
        "node.innerHTML = text;",
        "node.insertAdjacentHTML('beforeend', text)",
        "document.write(text)",
        "eval(text)",
        "new Function(text)",
        "fetch(address)",
        "navigator.sendBeacon(address)",
        "import('there.js')",
        "new WebSocket(address)",
        "node.setAttribute('onclick', text)",
        "const there = 'https://example.org'",
    ],
)
def test_the_search_finds_what_the_atlas_never_does(line):
    assert re.search(FORBIDDEN, line)


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.name)
def test_no_rule_has_a_shell(rules):
    ways = r"^\s*(?:shell|run|wrapper|notebook|cwl|container|containerized)\s*:.*$"
    found = [line.strip() for line in re.findall(ways, rules.read_text(), re.M)]
    # The image of all jobs is the user's own word on the command line.
    assert found == (['container: config["container"]'] if rules.name == "Snakefile" else [])


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.name)
def test_messages_hold_names_alone(rules):
    shown = re.findall(r"message:\s*(.*)", rules.read_text())
    words = {name for line in shown for name in re.findall(r"\{+([^{}]*)\}+", line)}
    assert words <= {f"wildcards.{name}" for name in WILDCARDS} | {"figure"}


WILDCARDS = (
    "study",
    "model",
    "checkpoint",
    "layer",
    "part",
    "hub",
    "revision",
    "file",
    "shard",
    "first",
    "last",
)
