"""PatchSecret: write an entry of the intent into the Kubernetes Secret."""

from rotation.runtime.entry import handler
from rotation.steps.publish import publish

lambda_handler = handler(publish, "patch_secret")
