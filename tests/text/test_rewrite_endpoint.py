"""The rewriter `endpoint` against a real server on this machine that speaks the chat completions protocol."""

from __future__ import annotations

import http.server
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hark.core.errors import FetchError, SettingError
from hark.text.rewrites.answers import Unusable, parse, sentences
from hark.text.rewrites.chat import Chat
from hark.text.rewrites.endpoint import Config, Spent

KEY = "sk-very-secret-0123456789"
WORDINGS = [f"wording {number}" for number in range(1, 8)]


class Server(http.server.ThreadingHTTPServer):
    """Answers each request by the next of `script`, the last again and again; keeps what was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = [good()]
        self.asked = []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def next(self):
        with self.lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def handle_error(self, *_): ...


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        self.server.next()(self)

    def log_message(self, *_): ...


def send(handler, body, status=200, headers=()):
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def said(content, usage=(100, 20)):
    answer = {"choices": [{"message": {"role": "assistant", "content": content}}]}
    if usage:
        answer["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return lambda handler: send(handler, json.dumps(answer).encode())


def good(n=3, **more):
    return said(json.dumps(WORDINGS[:n]), **more)


def status(code, message="", headers=()):
    body = json.dumps({"error": {"message": message}}).encode() if message else b"<html>oops</html>"
    return lambda handler: send(handler, body, code, headers)


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')


def hung_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)


def late(handler):
    time.sleep(2)


@pytest.fixture
def server(monkeypatch):
    for name in ("HARK_REWRITE_URL", "HARK_REWRITE_MODEL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HARK_REWRITE_KEY", KEY)
    with Server() as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield served
        served.shutdown()


@pytest.fixture
def make(server, tmp_path):
    """Makes a rewriter that asks the server, with quick retries and a cache of its own."""

    def made(**settings):
        quick = {"wait_s": 0.001, "timeout_s": 10.0, "tries": 3, "cache": str(tmp_path / "kept")}
        return Config(**({"url": server.url, "model": "m"} | quick | settings)).build()

    return made


def test_a_good_answer_is_asked_for_once(server, make, tmp_path):
    rewriter = make(price_read=1.0, price_written=10.0, more={"temperature": 0.5})
    told = []
    made = rewriter.rewrite(["rain {n}", "dog", "rain {n}"], 3, progress=lambda *done: told.append(done))
    assert made == [tuple(WORDINGS[:3])] * 3
    assert told == [(1, 2), (2, 2)]
    path, headers, body = next(asked for asked in server.asked if "rain {n}" in asked[2]["messages"][1]["content"])
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["temperature"]) == ("m", 0.5)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "Write 3 other" in body["messages"][1]["content"]
    assert body["messages"][1]["content"].endswith("Description: rain {n}")
    assert rewriter.spent == Spent(asked=2, kept=0, read=200, written=40, cost=pytest.approx(0.0006))
    assert rewriter.spent.line() == "2 answered, 0 from the cache; 200 tokens read, 40 written; cost 0.0006"

    again = make(price_read=1.0, price_written=10.0, more={"temperature": 0.5})
    assert again.rewrite(["dog"], 3) == [tuple(WORDINGS[:3])]
    assert again.spent == Spent(asked=0, kept=1, cost=0.0)
    assert len(server.asked) == 2


def test_the_cache_goes_by_model_prompt_number_text_and_what_else_is_asked(server, make, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('system = "be brief"\nuser = "{n} times: {text}"\n')
    make().rewrite(["dog"], 3)
    for settings, n, text in (
        ({"model": "other"}, 3, "dog"),
        ({"prompt": str(own)}, 3, "dog"),
        ({"more": {"seed": 1}}, 3, "dog"),
        ({}, 2, "dog"),
        ({}, 3, "Dog"),
    ):
        before = len(server.asked)
        make(**settings).rewrite([text], n)
        assert len(server.asked) == before + 1, (settings, n, text)
        make(**settings).rewrite([text], n)
        assert len(server.asked) == before + 1
    contents = [asked[2]["messages"][1]["content"] for asked in server.asked]
    assert "3 times: dog" in contents
    stamps = {make(**s).stamp for s in ({}, {"model": "other"}, {"prompt": str(own)}, {"more": {"seed": 1}})}
    assert len(stamps) == 4


def test_a_damaged_cache_file_is_asked_for_again(server, make, tmp_path):
    make().rewrite(["dog"], 3)
    (file,) = (tmp_path / "kept").rglob("*.json")
    whole = file.read_text()
    for damaged in (whole[:40], "", "[]", whole.replace("wording 3", "wording 2"), whole.replace('"dog"', '"cat"')):
        file.write_text(damaged)
        before = len(server.asked)
        assert make().rewrite(["dog"], 3) == [tuple(WORDINGS[:3])]
        assert len(server.asked) == before + 1
        assert json.loads(file.read_text()) == json.loads(whole)


@pytest.mark.parametrize(
    ("first", "counted"),
    [
        (status(429, "slow down", [("Retry-After", "0.01")]), 1),
        (status(500), 1),
        (status(503, "overloaded"), 1),
        (cut, 1),
        (hung_up, 1),
        (late, 1),
        (lambda handler: send(handler, b"<html>a proxy's page</html>"), 1),
        (lambda handler: send(handler, b'{"choices": []}'), 1),
        (said(""), 1),
        (said("I cannot help with that."), 2),
        (good(2), 2),
        (said('["dog", "Dog.", "a dog", "a dog"]'), 2),
    ],
)
def test_what_may_pass_is_asked_again(server, make, first, counted):
    server.script = [first, good()]
    rewriter = make(timeout_s=0.4 if first is late else 10.0)
    assert rewriter.rewrite(["dog"], 3) == [tuple(WORDINGS[:3])]
    assert len(server.asked) == 2
    assert rewriter.spent.asked == counted  # a message that was no use has cost tokens all the same


@pytest.mark.parametrize(
    ("answer", "told", "requests"),
    [
        (status(429, "slow down"), "no usable answer in 3 tries; the last time the server says 429 .*slow down", 3),
        (status(500), "the last time the server says 500 Internal Server Error$", 3),
        (cut, "the connection ended after 13 of 1000 bytes", 3),
        (hung_up, "the connection failed", 3),
        (late, r"the last time no answer came in 0\.2 s", 3),
        (lambda handler: send(handler, b"\x00\xffnot json"), "the answer is not JSON", 3),
        (lambda handler: send(handler, b"[1, 2]"), r"the answer has no choices\[0\]\.message\.content", 3),
        (good(2), "the message has 2 other wordings, 3 were asked for", 3),
        (said("Sorry, no."), 'the message lists no sentences \\("Sorry, no."\\)', 3),
        (status(401, f"Incorrect API key provided: {KEY}."), r"401 .*: Incorrect API key provided: \(the key\)", 1),
        (status(404, "no model 'm'"), "the server says 404 Not Found: no model 'm'", 1),
        (status(307, headers=[("Location", "http://127.0.0.1:9/steal")]), "the server says 307", 1),
    ],
)
def test_errors_are_one_line_without_the_key(server, make, answer, told, requests):
    server.script = [answer]
    with pytest.raises(FetchError, match=told) as error:
        make(timeout_s=0.2 if answer is late else 10.0).rewrite(["dog"], 3)
    assert "\n" not in str(error.value)
    assert server.url in str(error.value)
    assert KEY not in str(error.value)
    assert len(server.asked) == requests


def test_what_came_before_an_error_is_kept(server, make):
    server.script = [good(), good(), status(400, "enough")]
    with pytest.raises(FetchError, match="400 Bad Request: enough"):
        make(at_once=1).rewrite(["a", "b", "c", "d"], 3)
    server.script = [good()]
    rewriter = make(at_once=1)
    rewriter.rewrite(["a", "b", "c", "d"], 3)
    assert (rewriter.spent.kept, rewriter.spent.asked) == (2, 2)


def test_uncounted_answers_are_told(server, make):
    server.script = [good(usage=None)]
    rewriter = make()
    rewriter.rewrite(["dog"], 3)
    told = "1 answered, 0 from the cache; 0 tokens read, 0 written (1 not counted by the server)"
    assert rewriter.spent.line() == told


def test_a_kill_leaves_whole_files(server, tmp_path):
    """Killed while it works, again and again; what is left is whole, and the last run needs only the rest."""
    code = (
        "import sys; from hark.text.rewrites.endpoint import Config\n"
        "r = Config(url=sys.argv[1], model='m', cache=sys.argv[2]).build()\n"
        "r.rewrite([f'text {i}' for i in range(60)], 3); print(r.spent.kept)"
    )
    command = [sys.executable, "-c", code, server.url, str(tmp_path / "kept")]

    def slow(handler):
        time.sleep(0.005)
        good()(handler)

    server.script = [slow]
    for wanted in (10, 30):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while len(server.asked) < wanted and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    files = list((tmp_path / "kept").rglob("*.json"))
    assert len(files) >= 5
    assert all(json.loads(file.read_text())["paraphrases"] == WORDINGS[:3] for file in files)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(files)


def test_nobody_listens(server, make):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(
        FetchError, match=r"no usable answer in 2 tries; the last time the connection failed \(.*refused"
    ):
        make(url=f"http://127.0.0.1:{port}/v1", tries=2).rewrite(["dog"], 3)


def test_the_environment_tells_where_and_what(server, monkeypatch, tmp_path):
    monkeypatch.setenv("HARK_CACHE", str(tmp_path))
    with pytest.raises(SettingError, match="no address; set HARK_REWRITE_URL"):
        Config().build()
    monkeypatch.setenv("HARK_REWRITE_URL", server.url + "/")
    with pytest.raises(SettingError, match="no model; set HARK_REWRITE_MODEL"):
        Config().build()
    monkeypatch.setenv("HARK_REWRITE_MODEL", "from-env")
    rewriter = Config().build()
    assert rewriter.rewrite(["dog"], 3) == [tuple(WORDINGS[:3])]
    assert rewriter.name == "endpoint from-env"
    assert server.asked[0][0] == "/v1/chat/completions"
    assert list((tmp_path / "rewrites").rglob("*.json"))
    monkeypatch.delenv("HARK_REWRITE_KEY")
    Config().build().rewrite(["cat"], 3)
    assert "Authorization" not in server.asked[-1][1]


def test_the_key_is_nowhere(server, make, tmp_path, capfd):
    rewriter = make()
    rewriter.rewrite(["dog"], 3)
    assert all(KEY not in file.read_text() for file in tmp_path.rglob("*.json"))
    assert KEY not in repr(rewriter.chat) + repr(rewriter.settings) + rewriter.stamp + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("url", "key", "told"),
    [
        ("api.example.com/v1", "", "not a web address"),
        ("ftp://example.com", "", "not a web address"),
        ("http://example.com/v1", "k", "the key would go unencrypted"),
        ("https://me:secret@example.com/v1", "", "the key is in the address"),
        ("https://example.com/v1", "a b", "odd characters"),
    ],
)
def test_addresses_that_cannot_be_used(url, key, told):
    with pytest.raises(SettingError, match=told) as error:
        Chat(url, key)
    assert "secret" not in str(error.value)


def test_no_network_is_respected(monkeypatch):
    monkeypatch.setenv("HARK_OFFLINE", "1")
    with pytest.raises(FetchError, match="not asked, because HARK_OFFLINE"):
        Chat("https://example.com/v1").ask({}, lambda answer: answer)


def test_settings_are_checked(tmp_path):
    for settings, told in (
        ({"tries": 0}, "tries: 0"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"more": {"n": 2}}, r"more\.n"),
    ):
        with pytest.raises(ValueError, match=told):
            Config(**settings)
    for content, told in (
        ("x = ", "not TOML"),
        ('user = "{n} {text}"', "no 'system'"),
        ('system=""\nuser=""', "no {n}"),
    ):
        (tmp_path / "p.toml").write_text(content)
        with pytest.raises(SettingError, match=told):
            Config(url="http://localhost", model="m", prompt=str(tmp_path / "p.toml")).build()
    with pytest.raises(SettingError, match="cannot be read"):
        Config(url="http://localhost", model="m", prompt=str(Path(tmp_path) / "none.toml")).build()


@pytest.mark.parametrize(
    "content",
    [
        '["a b", "c d"]',
        'Here you are:\n```json\n["a b", "c d"]\n```\nEnjoy!',
        '{"paraphrases": ["a b", "c d"]}',
        "Sure:\n1. a b\n2. c d",
        '1) "a b"\n2) "c d"',
        "- a b\n- c d\n",
    ],
)
def test_lists_are_read_in_the_forms_that_models_write(content):
    assert sentences(content) == ["a b", "c d"]


def test_a_nested_or_mixed_list_is_no_list():
    for content in ('[["a"]]', "[1, 2]", "{}", '{"a": ["b"], "c": ["d"]}'):
        with pytest.raises(Unusable):
            sentences(content)


def test_odd_counts_are_no_counts():
    body = {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": -1, "completion_tokens": "7"}}
    assert parse(json.dumps(body).encode()) == ("x", None, None)
