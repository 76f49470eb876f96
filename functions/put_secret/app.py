"""PutSecret: make a secret that the application or its proxy reads hold an entry of the intent."""

from rotation.runtime.entry import handler
from rotation.steps.publish import publish

lambda_handler = handler(publish, "put_secret")
