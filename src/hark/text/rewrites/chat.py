"""Asks an endpoint that speaks OpenAI's chat completions protocol, again where asking again may help."""

from __future__ import annotations

import email.utils
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.parse import urlsplit

from hark.core.errors import FetchError, SettingError
from hark.core.fetch import offline
from hark.text.rewrites.answers import Answer, Unusable, parse

T = TypeVar("T")

LOOPBACK = ("127.0.0.1", "localhost", "::1")
AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""Statuses after which asking again may help; any other, such as 401, only wastes time."""
LONGEST_WAIT_S = 60.0
LARGEST = 4 << 20  # bytes of an answer; more is no answer


@dataclass(frozen=True)
class Chat:
    """Where to ask, and how patiently: `tries` in all, `timeout_s` for each, `wait_s` after the first and then doubled.

    The key is in no message, no `repr` and no file.
    """

    url: str
    key: str = field(default="", repr=False)
    timeout_s: float = 60.0
    tries: int = 5
    wait_s: float = 1.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingError(f"endpoint '{self.url}': not a web address; such as https://api.openai.com/v1")
        if parts.username or parts.password:
            raise SettingError(f"endpoint at {parts.hostname}: the key is in the address; put it into HARK_REWRITE_KEY")
        if self.key and parts.scheme == "http" and not self.local:
            raise SettingError(f"endpoint '{self.url}': the key would go unencrypted; use https, or no key")
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise SettingError("the endpoint's key has spaces or odd characters; see the variable it is in")

    @property
    def local(self) -> bool:
        """Whether the endpoint is this machine."""
        return urlsplit(self.url).hostname in LOOPBACK

    def ask(self, body: Mapping[str, Any], read: Callable[[Answer], T]) -> T:
        """What `read` makes of the answer to `body`; asked again where it raises Unusable, or no answer comes.

        Raises FetchError: no network wanted, refused, or no usable answer after all tries.
        """
        if offline() and not self.local:
            raise FetchError(f"{self.url}: not asked, because HARK_OFFLINE or HF_HUB_OFFLINE is set")
        for tried in range(1, self.tries + 1):
            wait = self.wait_s * 2 ** (tried - 1)
            try:
                return read(parse(self._post(body)))
            except Unusable as error:
                reason = str(error)
            except urllib.error.HTTPError as error:
                reason = f"the server says {error.code} {error.reason}{self._told(error)}"
                if error.code not in AGAIN:
                    raise FetchError(self._clean(f"{self.url}: {reason}")) from None
                wait = max(wait, _asked_to_wait(error.headers.get("Retry-After")))
            except (urllib.error.URLError, HTTPException, OSError) as error:
                reason = _why(error, self.timeout_s)
                if isinstance(getattr(error, "reason", error), ssl.SSLCertVerificationError):
                    raise FetchError(self._clean(f"{self.url}: {reason}")) from None
            if tried < self.tries:
                time.sleep(min(wait, LONGEST_WAIT_S))
        times = "1 try" if self.tries == 1 else f"{self.tries} tries"
        raise FetchError(self._clean(f"{self.url}: no usable answer in {times}; the last time {reason}"))

    def _post(self, body: Mapping[str, Any]) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "hark"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        address = self.url.rstrip("/") + "/chat/completions"
        request = urllib.request.Request(address, json.dumps(body).encode(), headers, method="POST")  # noqa: S310
        with self._opener().open(request, timeout=self.timeout_s) as answer:
            length = answer.headers.get("Content-Length")
            came: bytes = answer.read(LARGEST + 1)
        if len(came) > LARGEST:
            raise Unusable(f"the answer is longer than {LARGEST >> 20} MiB")
        if length is not None and length.isdigit() and len(came) < int(length):
            raise Unusable(f"the connection ended after {len(came)} of {length} bytes")
        return came

    def _opener(self) -> urllib.request.OpenerDirector:
        opener = urllib.request.OpenerDirector()  # no redirects: the key would go along to another address
        for handler in (
            urllib.request.ProxyHandler({} if self.local else None),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        return opener

    def _told(self, error: urllib.error.HTTPError) -> str:
        """What the server's own message says, in one line."""
        try:
            said = json.loads(error.read(1 << 16))["error"]["message"]
        except (ValueError, KeyError, TypeError, HTTPException, OSError):
            return ""
        return f": {' '.join(str(said).split())[:200]}"

    def _clean(self, message: str) -> str:
        """The message without the key, in case the server repeats it."""
        return message.replace(self.key, "(the key)") if self.key else message


def _why(error: Exception, timeout_s: float) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, TimeoutError):
        return f"no answer came in {timeout_s:g} s"
    if isinstance(reason, OSError) and not isinstance(reason, ssl.SSLError) and reason.strerror:
        return f"the connection failed ({reason.strerror})"
    return f"the connection failed ({' '.join(str(reason).split()) or type(reason).__name__})"


def _asked_to_wait(header: str | None) -> float:
    """Seconds that a Retry-After header asks for: a number, or a date."""
    if header is None:
        return 0.0
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return 0.0
