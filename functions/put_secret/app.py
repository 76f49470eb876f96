"""PutSecret: write an entry of the intent into a secret that the application or its proxy reads."""

from rotation.runtime.entry import handler
from rotation.steps.publish import publish

lambda_handler = handler(publish, "put_secret")
