"""The way into an EKS cluster: the token as aws-iam-authenticator reads it, and a connection that follows the cluster."""

import base64
import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import pytest
from rotation.aws import client as adapter
from rotation.consumers.cluster import eks

ROOT = Path(__file__).resolve().parents[2]
AT = dt.datetime(2026, 11, 21, 12, 34, 56, tzinfo=dt.UTC)
URL = (
    "https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAEXAMPLE%2F20261121%2Feu-central-1%2Fsts%2Faws4_request"
    "&X-Amz-Date=20261121T123456Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"
    "&X-Amz-Security-Token=session%2Btoken%2F%3D%3D"
    "&X-Amz-Signature=SIGNATURE"
)
SIGNATURE = "014913119bbe429f27c5e61c77dd5b1584b1b9837d6194168d48bc1e31463964"


@pytest.fixture(autouse=True)
def _a_function_s_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As Lambda sets it, with the credentials of a role."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up-secret-key")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session+token/==")
    adapter.client.cache_clear()
    eks._signer.cache_clear()
    yield
    adapter.client.cache_clear()
    eks._signer.cache_clear()


def url_of(token: str) -> str:
    """What follows the prefix is base64 for URLs without its padding."""
    text = token.removeprefix("k8s-aws-v1.")
    assert text != token
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def test_the_token_is_byte_for_byte_what_eks_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed by botocore's own code, as in Lambda; the signature was made from AWS's description of Signature Version 4."""
    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4-query", botocore.auth.SigV4QueryAuth)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: AT)
    assert url_of(eks.token("openemr-eks")) == URL.replace("SIGNATURE", SIGNATURE)


def test_the_cluster_s_name_is_in_the_signature_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4-query", botocore.auth.SigV4QueryAuth)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: AT)
    one, other = (urlsplit(url_of(eks.token(name))) for name in ("openemr-eks", "another"))
    differing = dict(set(parse_qsl(one.query)) ^ set(parse_qsl(other.query)))
    assert set(differing) == {"X-Amz-Signature"}
    assert one.netloc == other.netloc == "sts.eu-central-1.amazonaws.com"


def test_a_token_is_as_old_as_the_call_that_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a function that stays warm for hours never shows one that expired."""
    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4-query", botocore.auth.SigV4QueryAuth)
    for at in (AT, AT + dt.timedelta(hours=3)):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda at=at: at)
        assert dict(parse_qsl(urlsplit(url_of(eks.token("here"))).query))["X-Amz-Date"] == at.strftime("%Y%m%dT%H%M%SZ")


def test_the_kubernetes_package_is_imported_without_its_models_and_others_still_get_all_of_it() -> None:
    code = """
import sys
import rotation.consumers.deployment.adapter, rotation.consumers.secret.adapter
loaded = [name for name in sys.modules if name.partition(".")[0] == "kubernetes"]
assert loaded == [], loaded
from rotation.consumers.cluster.client import ApiClient
import kubernetes.client
assert kubernetes.client.V1Pod and kubernetes.client.ApiClient is not ApiClient
"""
    environment = {"PYTHONPATH": str(ROOT / "layers" / "rotation"), "PATH": ""}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
