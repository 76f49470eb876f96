"""SimulatePrincipalPolicy, which moto has not, by moto's own evaluator over the role that moto keeps."""

from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from local.wsgi import Environ, WsgiApp, body_of, signer_of

ACTION = "SimulatePrincipalPolicy"


class PolicySimulator:
    """WSGI middleware. Conditions of a policy are taken for fulfilled."""

    def __init__(self, app: WsgiApp, account: str) -> None:
        self._app, self._account = app, account

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        if signer_of(environ).service == "iam":
            form = parse_qs(body_of(environ).decode())
            if form.get("Action") == [ACTION]:
                return self._simulate(form)(environ, start_response)
        return self._app(environ, start_response)

    def _simulate(self, form: dict[str, list[str]]) -> Response:
        from moto.iam.access_control import IAMPolicy, PermissionResult
        from moto.iam.models import iam_backends

        role: Any = iam_backends[self._account]["aws"].get_role_by_arn(form["PolicySourceArn"][0])
        policies = [IAMPolicy(policy) for policy in (*role.policies.values(), *role.managed_policies.values())]
        results = ""
        for action in _members(form, "ActionNames"):
            for resource in _members(form, "ResourceArns"):
                said = {policy.is_action_permitted(action, resource) for policy in policies}
                allowed = PermissionResult.PERMITTED in said and PermissionResult.DENIED not in said
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


def _members(form: dict[str, list[str]], name: str) -> list[str]:
    prefix = f"{name}.member."
    return [form[key][0] for key in sorted(form) if key.startswith(prefix)]
