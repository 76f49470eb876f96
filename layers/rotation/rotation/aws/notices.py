"""Telling people, through the stack's SNS topic."""

from rotation.aws.client import AWS_ERRORS, client, code
from rotation.core.errors import NotAnnounced
from rotation.told.notice import fitting_subject


def publish(topic: str, subject: str, text: str) -> None:
    """The subject as far as it fits; the text has it all."""
    try:
        client("sns").publish(TopicArn=topic, Subject=fitting_subject(subject), Message=text)
    except AWS_ERRORS as error:
        raise NotAnnounced(f"{topic} did not take the message ({code(error)})") from None
