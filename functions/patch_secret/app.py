"""PatchSecret: make the Kubernetes Secret use an entry of the intent."""

from rotation.runtime.entry import handler
from rotation.steps.publish import publish

lambda_handler = handler(publish, "patch_secret")
