"""What becomes of a message: each channel's own words, and nobody else's."""

from __future__ import annotations

import threading

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pytest_deploycheck.clients.channels import Ledger, Letter, deliver
from pytest_deploycheck.config.environment import Channel
from pytest_deploycheck.domain.events import Event

PATIENCE_S = 10.0
LETTER = Letter(kind="scheduled", id="scheduled-1.4.2", subject="Soon", body="1.4.2", by="ann")


def answering(
    server: HTTPServer, status: int, *, comes: threading.Event, after: threading.Event
) -> str:
    """Let *server* say that a request *comes*, and answer it *after*; return apprise's URL."""

    def answer(_: Request) -> Response:
        comes.set()
        after.wait(PATIENCE_S)
        return Response(status=status)

    server.expect_request("/hook").respond_with_handler(answer)
    return f"json://{server.host}:{server.port}/hook"


def test_a_channel_is_not_blamed_for_what_another_one_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both fail while the other is asked; apprise says why in one log for all of them."""
    asked, ignored, told = threading.Event(), threading.Event(), threading.Event()

    def write(_: Event, name: str) -> None:
        if "second" in name:
            told.set()

    with HTTPServer(host="127.0.0.1") as first, HTTPServer(host="127.0.0.1") as second:
        monkeypatch.setenv("FIRST", answering(first, 503, comes=asked, after=told))
        monkeypatch.setenv("SECOND", answering(second, 404, comes=ignored, after=asked))
        channels = {"first": Channel(url_env="FIRST"), "second": Channel(url_env="SECOND")}
        ledger = Ledger(read=list, claim=lambda *_: True, write=write)
        found = deliver(LETTER, channels, ledger, timeout_s=2 * PATIENCE_S)
    details = {one.channel: one.detail for one in found}
    assert ("503" in details["first"], "404" in details["first"]) == (True, False), details
    assert ("503" in details["second"], "404" in details["second"]) == (False, True), details
