"""What IAM says that a role may do, without doing it."""

from collections.abc import Iterable

from rotation.aws.client import AWS_ERRORS, client


def denied(role: str, actions: Iterable[str], resource: str) -> list[str] | None:
    """Those of the actions that the role's policies do not allow; None where we may not ask.

    Policies of the organisation count where IAM knows them, a policy of the resource does not.
    """
    try:
        answer = client("iam").simulate_principal_policy(PolicySourceArn=role, ActionNames=list(actions), ResourceArns=[resource])
    except AWS_ERRORS:
        return None
    return [one["EvalActionName"] for one in answer["EvaluationResults"] if one["EvalDecision"] != "allowed"]
