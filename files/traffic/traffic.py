# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors
"""Makes requests to a service, each on a new connection, and prints what became of each as a line of JSON.

    traffic.py rate URL PER_SECOND    one after the other, at this rate, whether or not those before are answered
    traffic.py burst URL REQUESTS     all at once, once
    traffic.py hold URL CONNECTIONS   all at once, and each connection stays open until the end

A line is {"number", "at", "seconds", "status", "error"}: the how manieth request (from 0), when it began (seconds of
the epoch), how long it took, the status (0 where no answer came whole), and what went wrong, or null. With --body it
has "body" too, the beginning of the answer. Lines come in the order in which the requests end.

It ends after --seconds, or on SIGTERM, once the requests under way have ended.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from urllib.parse import SplitResult, urlsplit

BODY_CHARACTERS = 200


@dataclass
class Sample:
    number: int
    at: float
    seconds: float
    status: int
    error: str | None
    body: str | None


def error_name(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "timeout"
        case socket.gaierror():
            return "unresolved"
        case ConnectionRefusedError():
            return "refused"
        case ConnectionError() | http.client.IncompleteRead():
            return "reset"
        case OSError():
            # No route to host, network is unreachable.
            return "unreachable"
        case http.client.HTTPException():
            return "protocol"
        case _:
            return type(error).__name__


class Target:
    """Where the requests go. The name is resolved once, so that what is measured is the service and not the DNS."""

    def __init__(self, url: SplitResult, timeout: float) -> None:
        self.host = url.hostname or ""
        self.port = url.port or 80
        self.path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self.netloc = url.netloc
        self.timeout = timeout
        self._address: str | None = None
        self._lock = threading.Lock()

    def address(self) -> str:
        with self._lock:
            if self._address is None:
                found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
                self._address = str(found[0][4][0])
            return self._address

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.address(), self.port, timeout=self.timeout)


class Client:
    def __init__(self, target: Target, show_body: bool) -> None:
        self.target = target
        self.show_body = show_body
        self.stop = threading.Event()
        self.until = math.inf
        self._print = threading.Lock()

    def over(self) -> bool:
        return self.stop.is_set() or time.monotonic() >= self.until

    def wait(self, seconds: float) -> bool:
        """Wait, and say whether it was for so long, and not cut short by the end."""
        left = self.until - time.monotonic()
        self.stop.wait(max(0.0, min(seconds, left, threading.TIMEOUT_MAX)))
        return not self.over()

    def say(self, sample: Sample) -> None:
        line = asdict(sample)
        if not self.show_body:
            del line["body"]
        with self._print:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()

    def request(self, number: int, keep: bool = False) -> None:
        at, start = time.time(), time.monotonic()
        status, error, body = 0, None, None
        connection: http.client.HTTPConnection | None = None
        try:
            connection = self.target.connection()
            connection.connect()
            if connection.sock is not None:
                left = self.target.timeout - (time.monotonic() - start)
                connection.sock.settimeout(max(0.001, left))
            headers = {"Host": self.target.netloc, "Connection": "keep-alive" if keep else "close"}
            connection.request("GET", self.target.path, headers=headers)
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")[:BODY_CHARACTERS]
            status = answer.status
        except Exception as reason:
            error = error_name(reason)
        self.say(Sample(number, round(at, 6), round(time.monotonic() - start, 6), status, error, body))
        if keep:
            self.wait(math.inf)
        if connection is not None:
            connection.close()

    def rate(self, per_second: float) -> None:
        start, number = time.monotonic(), 0
        while self.wait(start + number / per_second - time.monotonic()):
            # No daemon: the program ends when the last of them has its answer or its time-out.
            threading.Thread(target=self.request, args=(number,)).start()
            number += 1

    def at_once(self, requests: int, keep: bool) -> None:
        ready = threading.Barrier(requests)

        def one(number: int) -> None:
            ready.wait()
            self.request(number, keep)

        for number in range(requests):
            threading.Thread(target=one, args=(number,)).start()


def positive(of: Callable[[str], float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = of(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} must be more than 0")
        return value

    return parse


def http_url(text: str) -> SplitResult:
    url = urlsplit(text)
    if url.scheme != "http" or not url.hostname:
        raise argparse.ArgumentTypeError(f"{text} must begin with http:// and a name")
    return url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("url", type=http_url)
    common.add_argument("--timeout", type=positive(float), default=5.0, help="seconds that a request may take")
    common.add_argument("--seconds", type=positive(float), default=math.inf, help="when to end")
    common.add_argument("--body", action="store_true", help="print what was answered")
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("rate", parents=[common]).add_argument("per_second", type=positive(float))
    kinds.add_parser("burst", parents=[common]).add_argument("requests", type=positive(int))
    kinds.add_parser("hold", parents=[common]).add_argument("requests", type=positive(int))
    arguments = parser.parse_args()

    client = Client(Target(arguments.url, arguments.timeout), arguments.body)
    client.until = time.monotonic() + arguments.seconds
    signal.signal(signal.SIGTERM, lambda *_: client.stop.set())
    if arguments.kind == "rate":
        client.rate(arguments.per_second)
    else:
        client.at_once(int(arguments.requests), keep=arguments.kind == "hold")


if __name__ == "__main__":
    main()
