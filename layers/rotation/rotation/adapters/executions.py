"""Is the execution that holds an intent still running? Only Step Functions knows, and only a clear answer counts."""

from rotation.adapters.aws import AWS_ERRORS, client, code
from rotation.errors import OwnerUnknown

UNSEEN_SECONDS = 300
"""DescribeExecution is eventually consistent: an execution that is not found yet counts as alive this long."""
_ALIVE = ("RUNNING", "PENDING_REDRIVE")
_NO_SUCH = ("ExecutionDoesNotExist", "InvalidArn")


def execution_is_alive(arn: str, age_seconds: float) -> bool:
    """Throttled or unreachable is not dead: that raises, and the state machine asks again."""
    try:
        answer = client("stepfunctions").describe_execution(executionArn=arn, includedData="METADATA_ONLY")
    except AWS_ERRORS as error:
        if code(error) in _NO_SUCH:
            return age_seconds < UNSEEN_SECONDS
        raise OwnerUnknown(f"whether {arn} still runs could not be asked ({code(error)})") from None
    return answer["status"] in _ALIVE
