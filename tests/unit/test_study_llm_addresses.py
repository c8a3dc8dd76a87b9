"""Where a study's writer is, and which secrets are sent there: what is refused, and not repeated."""

import re

import pytest
from written_study import shipped, warned, with_writer

from golgi.command import main
from golgi.study import StudyError
from golgi.study.addresses import SERVICES
from golgi.study.schema import study_schema

pytestmark = pytest.mark.usefixtures("in_root")


@pytest.fixture
def spec():
    return shipped()


SECRETS = [
    "sk-planted-0123456789abcdef",
    "sk_planted",
    "hf_plantedplantedplanted",
    "AKIAPLANTEDPLANTED23",
    "planted key",
    "Bearer planted",
    "http://planted",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_in_the_spec_is_refused_and_not_repeated(spec, tmp_path, capsys, secret):
    with pytest.raises(StudyError) as raised:
        with_writer(spec, tmp_path, {"server": "https://example.org/v1", "model": "m", "key": secret})
    said = str(raised.value)
    assert "writer.key" in said
    assert "Name the variable, never the key itself" in said
    assert main(["check", str(tmp_path / "written.yaml")]) == 1
    assert not re.search("planted", said + capsys.readouterr().err, re.IGNORECASE)


SECRET_PART = "(not shown here). Leave it out"
ADDRESSES = [
    ("https://me:planted@example.org/v1", SECRET_PART),
    ("https://planted@example.org/v1", SECRET_PART),
    ("https://example.org/v1?key=planted", SECRET_PART),
    ("https://example.org/v1#planted", SECRET_PART),
    ("https://example.org/v1?", SECRET_PART),
    ("ftp://example.org/planted", "begin with http:// or https://"),
    ("example.org/planted", "begin with http:// or https://"),
    ("localhost:8000/v1", "begin with http:// or https://"),
    ("http+unix://planted", "begin with http:// or https://"),
    ("https://example.org:port/planted", "a number from 1 to 65535"),
    ("https://example.org:65536/v1", "a number from 1 to 65535"),
    ("https://example.org:0/v1", "a number from 1 to 65535"),
    ("http://[::1]:99999/v1", "a number from 1 to 65535"),
    ("https://example.org:/v1", "a number from 1 to 65535"),
    ("https://example.org/v1/chat/completions", "Name what stands before it, which mostly ends in /v1"),
    ("http://[::1]:8000/chat/completions/", "Name what stands before it, which mostly ends in /v1"),
    ("https:///planted", "not of the form that is wanted"),
    ("https://example.org /planted", "not of the form that is wanted"),
    ("https://[planted/v1", "not of the form that is wanted"),
]


@pytest.mark.parametrize(("address", "words"), ADDRESSES)
def test_an_address_is_plain(spec, tmp_path, address, words):
    with pytest.raises(StudyError) as raised:
        with_writer(spec, tmp_path, {"server": address, "model": "m"})
    said = str(raised.value)
    assert words in said
    assert "planted" not in said
    assert len(raised.value.problems) == 1


@pytest.mark.parametrize(
    "address", ["http://[::1]:8000", "https://example.org:65535/v1/", "http://a/chat/v1"]
)
def test_an_address_may_have_a_port_and_a_path(spec, tmp_path, address):
    assert with_writer(spec, tmp_path, {"server": address, "model": "m"}).llm["writer"]["server"] == address


@pytest.mark.parametrize(
    ("server", "is_open"),
    [
        ("http://example.org/v1", True),
        ("http://10.0.0.5:8000/v1", True),
        ("http://localhost.example.org", True),
        ("https://example.org/v1", False),
        ("http://localhost:8000/v1", False),
        ("http://127.0.0.2:8000", False),
        ("http://[::1]:8000/v1", False),
    ],
)
def test_a_key_over_an_open_network_is_a_warning(spec, tmp_path, server, is_open):
    writer = {"server": server, "model": "m", "key": "GOLGI_WRITER_KEY"}
    said = warned(with_writer(spec, tmp_path, writer))
    assert [line for line in said if "over http" in line] == said
    assert len(said) == is_open
    assert warned(with_writer(spec, tmp_path, writer | {"key": None})) == []


@pytest.mark.parametrize(
    ("name", "server", "words"),
    [
        ("HF_TOKEN", "https://example.org/v1", "would be sent to example.org"),
        ("HF_TOKEN", "https://api.openai.com/v1", "would be sent to api.openai.com"),
        ("AWS_SECRET_ACCESS_KEY", "https://awssecretaccesskey.com/v1", "would be sent to"),
        ("EXAMPLE_API_KEY", "https://api.example.org/v1", "would be sent to"),
        ("OPENAI_API_KEY", "https://api.openai.zip/v1", "OPENAI_API_KEY is for openai.com alone"),
        ("OPENAI_API_KEY", "https://notopenai.com/v1", "OPENAI_API_KEY is for openai.com alone"),
        ("OPENAI_API_KEY", "https://openai.com.example.org/v1", "OPENAI_API_KEY is for openai.com alone"),
        ("OPENAI_API_KEY", "https://openai.example.org/v1", "OPENAI_API_KEY is for openai.com alone"),
        ("OPENAI_API_KEY", "https://example.org/openai.com/v1", "OPENAI_API_KEY is for openai.com alone"),
        ("GEMINI_API_KEY", "https://storage.googleapis.com/v1", "would be sent to"),
        ("OPENAI_API_KEY", "http://api.openai.com/v1", "would go to api.openai.com over http"),
    ],
)
def test_a_spec_cannot_have_any_secret_sent_anywhere(spec, tmp_path, name, server, words):
    with pytest.raises(StudyError) as raised:
        with_writer(spec, tmp_path, {"server": server, "model": "m", "key": name})
    assert words in str(raised.value)
    assert f"what {name} holds" in str(raised.value)


MEANT = [(name, f"https://{host}/v1") for name, host in SERVICES.items()]
MEANT += [
    ("OPENAI_API_KEY", "https://api.openai.com/v1"),
    ("OPENAI_API_KEY", "https://API.OpenAI.com/v1"),
    ("OPENAI_API_KEY", "http://localhost:8000/v1"),
    ("GOLGI_WRITER_KEY", "https://example.org/v1"),
    ("HF_TOKEN", "http://localhost:8000/v1"),
]


@pytest.mark.parametrize(("name", "server"), MEANT)
def test_a_key_is_sent_where_it_is_meant_for(spec, tmp_path, name, server):
    study = with_writer(spec, tmp_path, {"server": server, "model": "m", "key": name})
    assert (study.llm["writer"]["key"], study.warnings) == (name, ())


def test_the_known_services_are_told_of():
    told = study_schema()["$defs"]["llm"]["properties"]["writer"]["oneOf"][0]["properties"]["key"]
    assert all(f"{name} ({host})" in told["description"] for name, host in SERVICES.items())
