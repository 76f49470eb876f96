"""Telling people, through the stack's SNS topic."""

from rotation.adapters.aws import AWS_ERRORS, client, code
from rotation.errors import NotAnnounced

SUBJECT_CHARACTERS = 100


def publish(topic: str, subject: str, text: str) -> None:
    """SNS takes no longer subject, and none beyond ASCII; the text has it all."""
    plain = subject.encode("ascii", "replace").decode()[:SUBJECT_CHARACTERS]
    try:
        client("sns").publish(TopicArn=topic, Subject=plain, Message=text)
    except AWS_ERRORS as error:
        raise NotAnnounced(f"{topic} did not take the message ({code(error)})") from None
