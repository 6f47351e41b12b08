"""Reads the Kubernetes API as plain JSON: who we are first, then lists, page by page.

The typed API of the kubernetes library takes half a second to load, and seven times as long to read
a list; what we use is its configuration (kubeconfig, plugins, service accounts) and connections.
"""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.parse
from typing import Any, Final

import kubernetes.client
import kubernetes.config
import urllib3.exceptions

from pytest_deploycheck.clients import bodies, evidence, kinds, rates
from pytest_deploycheck.clients.faults import fault
from pytest_deploycheck.clients.objects import Json
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError

PAGE: Final = 500
"""Objects asked for at once."""
MOST_PAGES: Final = 200
"""Of one list: whoever goes on for longer never ends."""
THREADS: Final = 32
"""Connections kept."""
_IDENTITY: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
PLURALS: Final = {"Deployment": "deployments", "StatefulSet": "statefulsets"}
"""As a path of the API names the kinds of a workload."""


class ForbiddenError(InstrumentError):
    """The cluster knows us, and we may not read this."""


class KubernetesApi:
    """Asks the API server; opened without I/O, safe to use from many threads.

    Args:
        settings: The environment's `[cluster]`.
        user_agent: Who we say we are.
    """

    def __init__(self, settings: environment.Cluster, *, user_agent: str) -> None:
        self._settings = settings
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._client: kubernetes.client.ApiClient | None = None
        self._known = False

    def get(self, path: str) -> Json | None:
        """Return one object; None: there is no such object.

        Raises:
            InstrumentError: No usable answer, or one of another shape.
        """
        self._introduce()
        status, found = self._ask("GET", path)
        return None if status == 404 else kinds.one(path.split("/")[-2], found, where=f"GET {path}")

    def list(self, path: str, *, labels: str = "") -> list[Json]:
        """Return every object of the list at *path*, over all its pages; a page may be empty.

        Args:
            path: Of the list.
            labels: A selector; empty: all objects.

        Raises:
            ForbiddenError: We may not read this list.
            InstrumentError: No usable answer, not the whole list, or another shape.
        """
        self._introduce()
        found: list[Json] = []
        token = ""
        for _ in range(MOST_PAGES):
            query = {"limit": str(PAGE)} | ({"continue": token} if token else {})
            query |= {"labelSelector": labels} if labels else {}
            status, page = self._ask("GET", f"{path}?{urllib.parse.urlencode(query)}")
            if status != 200:
                raise InstrumentError(f"GET {path}: found {status}, expected a list")
            items, token = kinds.page(path.rpartition("/")[2], page, where=f"GET {path}")
            found += items
            if not token:
                return found
        raise InstrumentError(f"GET {path}: found more than {MOST_PAGES} pages of {PAGE}")

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            client, self._client, self._known = self._client, None, False
        if client is not None:
            client.rest_client.pool_manager.clear()

    def _introduce(self) -> None:
        """Ask who the API server takes us for, once; an anonymous reader sees an empty cluster."""
        with self._lock:
            if self._known:
                return
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        status, review = self._ask("POST", _IDENTITY, body)
        # Before Kubernetes 1.28 nobody answers this question; then a 403 has to tell.
        if status != 404:
            user = kinds.account(review, where=f"POST {_IDENTITY}")
            if user in ("", "system:anonymous"):
                raise InstrumentError(
                    f"the cluster takes us for {user!r}, expected an account: our token was not "
                    "used"
                )
        with self._lock:
            self._known = True

    def _ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """Ask once; return the status, 2xx or 404, and the JSON."""
        client = self._connected()
        url = client.configuration.host.rstrip("/") + path
        host = _host(url)
        rates.cap_of(host, self._settings.rate_per_s).wait()
        started_s = time.monotonic()
        request = f"{method} {url}"
        timeout_s = self._settings.timeout_s
        try:
            response = client.rest_client.pool_manager.request(
                method,
                url,
                body=None if body is None else json.dumps(body),
                headers=self._headers(client),
                timeout=urllib3.Timeout(connect=timeout_s, read=timeout_s),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            data = bodies.whole(response, started_s=started_s, timeout_s=timeout_s)
        except urllib3.exceptions.HTTPError as error:
            evidence.silent(host)
            evidence.note("cluster", request, f"no answer: {type(error).__name__}: {error}")
            _, reason = fault(error, InstrumentError)
            raise InstrumentError(f"{request}: no answer, {reason}") from error
        text = data.decode("utf-8", "replace")
        evidence.answered(host)
        evidence.note(
            "cluster", request, f"{response.status}\n{text}", time.monotonic() - started_s
        )
        return response.status, self._checked(request, response.status, text)

    def _checked(self, request: str, status: int, text: str) -> Json:
        """Read the answer's JSON; anything but an answer to our question is the instrument's."""
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InstrumentError(
                f"{request}: found {status} {evidence.shown(text)}, expected JSON"
            ) from error
        if not isinstance(found, dict):
            raise InstrumentError(f"{request}: found {evidence.shown(found)}, expected an object")
        if not (200 <= status < 300 or status == 404):
            blame = ForbiddenError if status == 403 else InstrumentError
            raise blame(
                f"{request}: found {status} {found.get('reason', '')} "
                f"({found.get('message', 'no message')})"
            )
        return found

    def _headers(self, client: Any) -> dict[str, str]:  # noqa: ANN401 - untyped library
        """Return our headers; a token that a plugin renews is asked for each time."""
        headers = {
            "User-Agent": self._user_agent,
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        with self._lock:
            for setting in client.configuration.auth_settings().values():
                if setting["in"] == "header" and setting["value"]:
                    headers[setting["key"]] = setting["value"]
                    evidence.register_secret(setting["value"].rpartition(" ")[2])
        return headers

    def _connected(self) -> kubernetes.client.ApiClient:
        """Return the client, made when first asked for."""
        with self._lock:
            if self._client is None:
                self._client = kubernetes.client.ApiClient(self._configuration())
            return self._client

    def _configuration(self) -> kubernetes.client.Configuration:
        """Say where the API server is: from the settings, the kubeconfig, or the pod we are in."""
        settings = self._settings
        configuration = kubernetes.client.Configuration()
        try:
            if settings.server is not None:
                configuration.host = settings.server
            elif settings.kubeconfig is None and in_pod():
                kubernetes.config.load_incluster_config(configuration)  # type: ignore[no-untyped-call] # as shipped
            else:
                kubernetes.config.load_kube_config(  # type: ignore[no-untyped-call] # as shipped
                    settings.kubeconfig, settings.context, configuration, persist_config=False
                )
        except (kubernetes.config.ConfigException, OSError) as error:
            raise InstrumentError(f"[cluster] cannot be reached as configured: {error}") from error
        configuration.proxy = None
        configuration.retries = False
        configuration.connection_pool_maxsize = THREADS
        if settings.ca_file is not None:
            configuration.ssl_ca_cert = settings.ca_file
        if settings.token_env is not None:
            token = evidence.secret_from(settings.token_env)
            configuration.api_key = {"BearerToken": f"Bearer {token}"}
        return configuration


def in_pod() -> bool:
    """Say whether we run in a pod with a service account."""
    return "KUBERNETES_SERVICE_HOST" in os.environ


def _host(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
