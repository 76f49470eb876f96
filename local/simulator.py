"""SimulatePrincipalPolicy, which moto has not, by the evaluator of `make iam` over the role that moto keeps."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from local.wsgi import Environ, WsgiApp, body_of, signer_of

ACTION = "SimulatePrincipalPolicy"


class PolicySimulator:
    """WSGI middleware. The request has no context: what a policy asks of one does not hold."""

    def __init__(self, app: WsgiApp, account: str) -> None:
        self._app, self._account = app, account

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        if signer_of(environ).service == "iam":
            form = parse_qs(body_of(environ).decode())
            if form.get("Action") == [ACTION]:
                return self._simulate(form)(environ, start_response)
        return self._app(environ, start_response)

    def _simulate(self, form: dict[str, list[str]]) -> Response:
        from local.iam.evaluator import Decision, Request, decide  # moto comes with it, which is not to be imported sooner

        statements = list(_statements(self._account, form["PolicySourceArn"][0]))
        results = ""
        for action in _members(form, "ActionNames"):
            for resource in _members(form, "ResourceArns"):
                allowed = decide(statements, Request(action, resource)) is Decision.ALLOWED
                decision = "allowed" if allowed else "implicitDeny"
                results += (
                    f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{escape(resource)}"
                    f"</EvalResourceName><EvalDecision>{decision}</EvalDecision></member>"
                )
        body = (
            f'<{ACTION}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{ACTION}Result><IsTruncated>false</IsTruncated>'
            f"<EvaluationResults>{results}</EvaluationResults></{ACTION}Result></{ACTION}Response>"
        )
        return Response(body, 200, content_type="text/xml")


def _statements(account: str, role_arn: str) -> Iterator[dict[str, Any]]:
    """Of its inline policies, and of those attached."""
    from moto.iam.models import iam_backends

    role: Any = iam_backends[account]["aws"].get_role_by_arn(role_arn)
    attached = (version.document for policy in role.managed_policies.values() for version in policy.versions if version.is_default)
    for document in (*role.policies.values(), *attached):
        yield from json.loads(document)["Statement"]


def _members(form: dict[str, list[str]], name: str) -> list[str]:
    prefix = f"{name}.member."
    return [form[key][0] for key in sorted(form) if key.startswith(prefix)]
