"""What is asked over HTTP: the platform's API and front end, services that it needs, and mail."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pytest_deploycheck.config.environment.tables import Seconds, Table, Url


class Endpoint(Table):
    """One thing to ask over HTTP, by the name the suites use."""

    path: str
    """`{name}` is replaced where a check asks for one thing of many."""
    method: Literal["GET", "POST", "PUT", "DELETE", "HEAD"] = "GET"
    auth: Literal["none", "user", "admin", "wrong_password", "expired"] = "none"
    """Whose credentials go with it; the last two must be refused."""
    headers: dict[str, str] = {}
    body: dict[str, Any] | None = None
    """Sent as JSON."""
    expect_status: tuple[int, ...] = Field(default=(200,), min_length=1)
    expect_type: str = "application/json"
    """The media type the answer must have."""
    expect: dict[str, Any] = {}
    """Dotted key path in the JSON answer → the value it must have; `"{name}"` is of `values`."""
    healthy: tuple[str, ...] = ()
    """Words for `status` that mean healthy; with *components*, it is a health report."""
    components: tuple[str, ...] = ()
    """Every component that must be reported, and be healthy."""
    contains: tuple[str, ...] = ()
    """Texts that must occur in an HTML answer."""
    keys: dict[str, str] = {}
    """Meaning → dotted key path: `inference_time_ms = "result.inference_time_ms"`."""
    max_age_s: Seconds | None = Field(default=None, alias="max_age")
    """How old the answer's own timestamp may be."""

    @model_validator(mode="after")
    def _judged(self) -> Self:
        if self.components and not self.healthy:
            raise ValueError("expected `healthy` beside `components`, or nobody looks at them")
        return self


class Http(Table):
    """Something that is reached over HTTP."""

    url: Url
    timeout_s: Seconds = Field(default=5.0, alias="timeout")
    ca_file: str | None = None
    """PEM; None: the system's certificates."""
    rate_per_s: float = Field(default=4.0, gt=0)
    """The cap for its host, over all threads (the platform blocks above 50 requests in 10 s)."""
    username_env: str | None = None
    """Environment variable with the user: for basic authentication, or for the login."""
    password_env: str | None = None
    """The same with the password."""
    token_env: str | None = None
    """Environment variable with a bearer token."""


class Load(Table):
    """Requests at planned times, for a percentile of how long they take."""

    endpoints: tuple[str, ...] = Field(min_length=1)
    samples: int = Field(ge=20)
    """Requests to each endpoint; a 95th percentile needs 20."""
    rate_per_s: float = Field(gt=0)
    """Below the cap of the host: else our own waiting would be measured."""
    connections: int = Field(default=4, ge=1)
    """Each is warmed up by a request that does not count."""


class Turn(Table):
    """One message of a scripted conversation, and what must come of it."""

    say: str
    expect: dict[str, Any] = {}
    """Dotted key path in the answer → the value it must have."""


class Conversation(Table):
    """A conversation with a bot, under a contact of its own."""

    endpoint: str
    """Takes `contact_id` and `message`; its keys: `response`, `turn`, `progress`."""
    end: str
    """Forgets the contact: `{contact_id}` in its path."""
    turns: tuple[Turn, ...] = Field(min_length=2)


class Lead(Table):
    """A lead whose score is known."""

    body: dict[str, Any]
    """As the endpoint of scores takes it."""
    lowest: float = Field(ge=0)
    """The least that the score may be."""
    highest: float
    """The most."""


class Reading(Table):
    """A number that moves while the platform is used."""

    endpoint: str
    """Its key `counter` is a number that never falls, and grows with every request."""
    pause_s: Seconds = Field(alias="pause")
    """Between two readings."""


class Api(Http):
    """The platform's HTTP API, or that of a service which it needs: a subject."""

    admin_key_env: str | None = None
    """Environment variable with the key of `auth = "admin"`."""
    key_header: str = "X-Admin-Key"
    """The header that the admin key is sent in."""
    expired_token_env: str | None = None
    """Environment variable with a token (JWT) that this API once gave out, and that has expired."""
    login: str | None = None
    """Name of the endpoint that turns user and password into a token (key `token`)."""
    endpoints: dict[str, Endpoint]
    values: dict[str, str] = {}
    """What is put for `{name}` in any path, unless the check says what."""
    loads: dict[str, Load] = {}
    conversations: dict[str, Conversation] = {}
    leads: dict[str, Lead] = {}
    intents: dict[str, str] = {}
    """Id of a lead whose conversation the platform keeps → the temperature to be decoded."""
    readings: dict[str, Reading] = {}
    scenarios: tuple[str, ...] = ()
    """Of the demonstrations."""


class Mail(Table):
    """A mailbox for tests, and the server that mail to it is handed to."""

    server: str
    """`host:port`."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: str | None = None
    """PEM; None: the system's certificates."""
    username_env: str | None = None
    password_env: str | None = None
    sender: str
    recipient: str
    timeout_s: Seconds = Field(default=10.0, alias="timeout")
    within_s: Seconds = Field(default=60.0, alias="within")
    """How long a mail may take to arrive."""
    sink: Api
    """Where it is seen, by Mailpit's API: endpoints `search` (key `messages`) and `remove`, both
    with `{id}` in the path. An instrument."""


class Frontend(Http):
    """The platform's user interface: a subject."""

    endpoints: dict[str, Endpoint]
