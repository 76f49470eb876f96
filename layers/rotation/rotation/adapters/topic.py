"""Where people are told: an SNS topic."""

from rotation.adapters.aws import AWS_ERRORS, client, code
from rotation.errors import NotTold
from rotation.notice import Notice


def publish(topic: str, notice: Notice) -> None:
    """Sent, or NotTold: then Lambda calls the function again."""
    try:
        client("sns").publish(TopicArn=topic, Subject=notice.subject, Message=notice.text)
    except AWS_ERRORS as error:
        raise NotTold(f"{topic} did not take the message ({code(error)})") from None
