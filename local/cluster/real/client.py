"""The API server, called by the cluster's administrator: plain JSON over the kubernetes package's own connection."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import urllib3
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import kube_config

Object = dict[str, Any]
MERGE = "application/merge-patch+json"
JSON = "application/json"
CONNECTIONS = 50  # a rollout of many pods patches their status at the same time
SECONDS = (3.0, 10.0)  # to connect, to answer
NOT_FOUND, CONFLICT, GONE = 404, 409, 410


class ApiError(Exception):
    """What the API server refused; status 0: it could not be asked."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(f"{what}: {status or 'not reached'}")
        self.status = status


class Client:
    def __init__(self, api: ApiClient) -> None:
        self._api = api

    @classmethod
    def of(cls, url: str, ca: Path, token: str) -> Client:
        configuration = Configuration(host=url)
        configuration.ssl_ca_cert = str(ca)
        configuration.api_key = {"authorization": f"Bearer {token}"}
        configuration.proxy = None
        return cls._with(configuration)

    @classmethod
    def of_current_context(cls) -> Client:
        """As kubectl would call: KUBECONFIG or ~/.kube/config, with whatever that user logs in by."""
        configuration = Configuration()
        kube_config.load_kube_config(client_configuration=configuration)
        return cls._with(configuration)

    @classmethod
    def _with(cls, configuration: Configuration) -> Client:
        configuration.connection_pool_maxsize = CONNECTIONS
        configuration.retries = False
        return cls(ApiClient(configuration))

    def get(self, path: str) -> Object:
        return self.call("GET", path)

    def call(self, method: str, path: str, body: Any = None, kind: str = JSON) -> Object:
        status, answer = self.send(method, path, body, {"Content-Type": kind})
        if status >= 400:
            raise ApiError(status, f"{method} {path}: {answer.get('message', '')}")
        return answer

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> tuple[int, Object]:
        """The status and the answer, whatever they are."""
        try:
            response = self._request(method, path, body, headers or {}, SECONDS)
        except ApiException as error:
            return _refused(error)
        return response.status, _content(response.data)

    def stream(self, path: str, silence: float) -> Iterator[Object]:
        """A watch, an event a line; it ends when the server ends it, or when it says nothing for that long."""
        try:
            response = self._request("GET", path, None, {}, (SECONDS[0], silence))
        except ApiException as error:
            raise ApiError(int(error.status or 0), path) from None
        rest = b""
        try:
            for chunk in response.stream(None):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from (json.loads(line) for line in lines if line)
        except urllib3.exceptions.HTTPError:
            raise ApiError(0, path) from None
        finally:
            response.close()

    def _request(self, method: str, path: str, body: Any, headers: Mapping[str, str], seconds: tuple[float, float]) -> Any:
        try:
            return self._api.call_api(
                path, method, header_params={"Accept": JSON, **headers}, body=body, auth_settings=["BearerToken"],
                _preload_content=False, _return_http_data_only=True, _request_timeout=seconds,
            )  # fmt: skip
        except urllib3.exceptions.HTTPError:
            raise ApiError(0, f"{method} {path}") from None


def _refused(error: ApiException) -> tuple[int, Object]:
    status = int(error.status or 0)
    if not status:
        raise ApiError(0, str(error.reason)) from None
    return status, _content(error.body)


def _content(body: Any) -> Object:
    """/readyz and some refusals are plain text."""
    try:
        content = json.loads(body)
    except (TypeError, ValueError):
        content = None
    return content if isinstance(content, dict) else {"message": str(body)}
