"""Asks a chat model for other wordings: any OpenAI-compatible endpoint, near or far (LY 2024, section 4.3)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import threading
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hark.core.errors import SettingError
from hark.core.files import cache_folder
from hark.text.rewrites.answers import Answer, Unusable, sentences
from hark.text.rewrites.chat import Chat
from hark.text.rewrites.kept import Kept
from hark.text.rewrites.rewriter import Progress, distinct, require_count

PROMPT = Path(__file__).with_name("prompt.toml")


@dataclass(frozen=True)
class Config:
    """Where to ask and what; without `url` and `model`, HARK_REWRITE_URL and HARK_REWRITE_MODEL tell.

    `url` is the base address ("https://api.openai.com/v1", "http://localhost:11434/v1"). The key is in the environment
    variable that `key_variable` names, never in the settings, which are printed and passed on. `prompt` is a file as
    `prompt.toml`; `more` goes into every request (`{temperature = 0.7}`). The prices are for a million tokens read and
    written, in whatever money. `cache` is a folder, else one in hark's own cache.
    """

    url: str = ""
    model: str = ""
    key_variable: str = "HARK_REWRITE_KEY"
    prompt: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    at_once: int = 4
    timeout_s: float = 60.0
    tries: int = 5
    wait_s: float = 1.0
    price_read: float | None = None
    price_written: float | None = None
    cache: str = ""

    def __post_init__(self) -> None:
        for name in ("at_once", "tries"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)}; at least 1")
        if not self.timeout_s > 0 or not self.wait_s >= 0:
            raise ValueError("timeout_s must be above 0, and wait_s not below it")
        if clash := sorted({"model", "messages", "stream", "n"} & set(self.more)):
            raise ValueError(f"more.{clash[0]}: this is what the rewriter says itself")

    def build(self) -> Endpoint:
        """The rewriter.

        Raises SettingError where no address or model is given, or the prompt cannot be used.
        """
        url = self.url or os.environ.get("HARK_REWRITE_URL", "")
        model = self.model or os.environ.get("HARK_REWRITE_MODEL", "")
        if not url:
            raise SettingError("rewriter 'endpoint': no address; set HARK_REWRITE_URL, as https://api.openai.com/v1")
        if not model:
            raise SettingError("rewriter 'endpoint': no model; set HARK_REWRITE_MODEL to one that the server has")
        key = os.environ.get(self.key_variable, "").strip()
        chat = Chat(url, key, timeout_s=self.timeout_s, tries=self.tries, wait_s=self.wait_s)
        folder = Path(self.cache).expanduser() if self.cache else cache_folder() / "rewrites"
        return Endpoint(chat, model, _prompt(self.prompt), Kept(folder), self)


@dataclass(frozen=True)
class Spent:
    """How many messages came, how many were kept before, tokens read and written, `cost` where both prices are given.

    `uncounted` answers came without a count, so that the sums are too low.
    """

    asked: int = 0
    kept: int = 0
    read: int = 0
    written: int = 0
    uncounted: int = 0
    cost: float | None = None

    def line(self) -> str:
        """In one line: "12 answered, 3 from the cache; 2,310 tokens read, 840 written; cost 0.0009"."""
        told = f"{self.asked} answered, {self.kept} from the cache; {self.read:,} tokens read, {self.written:,} written"
        if self.uncounted:
            told += f" ({self.uncounted} not counted by the server)"
        return told if self.cost is None else f"{told}; cost {self.cost:.4g}"


class Endpoint:
    """A rewriter that asks for exactly `n` wordings of each text, several texts at once, and keeps every answer.

    An answer that is no list, or has too few wordings, is asked for again; of too many the first `n` are taken.
    `spent` tells what all calls together have taken, tokens of unusable answers included.
    """

    def __init__(self, chat: Chat, model: str, prompt: Mapping[str, str], kept: Kept, settings: Config) -> None:
        self.chat = chat
        self.model = model
        self.prompt = prompt
        self.kept = kept
        self.settings = settings
        self.name = f"endpoint {model}"
        asks = {"model": model, "prompt": dict(prompt), "more": dict(settings.more)}
        self.stamp = hashlib.sha256(json.dumps(asks, sort_keys=True).encode()).hexdigest()
        self._spent = Spent()
        self._lock = threading.Lock()

    @property
    def spent(self) -> Spent:
        """What was asked for so far."""
        prices = (self.settings.price_read, self.settings.price_written)
        if prices[0] is None or prices[1] is None:
            return self._spent
        cost = (self._spent.read * prices[0] + self._spent.written * prices[1]) / 1e6
        return dataclasses.replace(self._spent, cost=cost)

    def rewrite(self, texts: Sequence[str], n: int, *, progress: Progress | None = None) -> list[tuple[str, ...]]:
        """For each text exactly `n` wordings.

        Raises FetchError where the endpoint does not give them; what came before is kept.
        """
        require_count(n)
        distinct_texts = list(dict.fromkeys(texts))
        made: dict[str, tuple[str, ...]] = {}
        with ThreadPoolExecutor(self.settings.at_once) as threads:
            waiting = {threads.submit(self._one, text, n): text for text in distinct_texts}
            try:
                for done in as_completed(waiting):
                    made[waiting[done]] = done.result()
                    if progress is not None:
                        progress(len(made), len(distinct_texts))
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)  # those under way still end, and are kept
                raise
        return [made[text] for text in texts]

    def _one(self, text: str, n: int) -> tuple[str, ...]:
        asked = {
            "model": self.model,
            "prompt": dict(self.prompt),
            "more": dict(self.settings.more),
            "n": n,
            "text": text,
        }
        found = self.kept.get(asked)
        if found is not None:
            self._count(kept=1)
            return found
        fill = {"{n}": str(n), "{text}": text}
        messages = [{"role": role, "content": _filled(self.prompt[role], fill)} for role in ("system", "user")]

        def read(answer: Answer) -> tuple[tuple[str, ...], Answer]:
            counted = answer.read is not None and answer.written is not None
            self._count(asked=1, read=answer.read or 0, written=answer.written or 0, uncounted=0 if counted else 1)
            said = distinct(sentences(answer.text), text=text)
            if len(said) < n:
                raise Unusable(f"the message has {len(said)} other wordings, {n} were asked for")
            return tuple(said[:n]), answer

        made, answer = self.chat.ask({"model": self.model, "messages": messages, **self.settings.more}, read)
        self.kept.put(asked, made, tokens={"read": answer.read, "written": answer.written})
        return made

    def _count(self, **more: int) -> None:
        with self._lock:
            sums = {name: getattr(self._spent, name) + value for name, value in more.items()}
            self._spent = dataclasses.replace(self._spent, **sums)


def _filled(template: str, fill: Mapping[str, str]) -> str:
    """The template with its places filled in; braces in the text itself are left alone."""
    parts = [template]
    for place in fill:
        parts = [piece for part in parts for piece in _cut(part, place)]
    return "".join(fill.get(part, part) for part in parts)


def _cut(part: str, place: str) -> list[str]:
    head, *tail = part.split(place)
    return [head, *(piece for rest in tail for piece in (place, rest))]


def _prompt(given: str) -> dict[str, str]:
    file = Path(given).expanduser() if given else PROMPT
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"prompt {file}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise SettingError(f"prompt {file}: not TOML ({error})") from None
    for role in ("system", "user"):
        if not isinstance(found.get(role), str):
            raise SettingError(f"prompt {file}: no '{role}'; it holds two texts, system and user")
    for place in ("{n}", "{text}"):
        if place not in found["user"]:
            raise SettingError(f"prompt {file}: no {place} in 'user', where it is filled in")
    return {role: found[role].strip() for role in ("system", "user")}
