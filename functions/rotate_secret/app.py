"""RotateSecret: Secrets Manager rotates the application's secret by itself; the state machine does the work."""

from rotation.runtime.entry import rotator
from rotation.steps.rotate_secret import rotate_secret

lambda_handler = rotator(rotate_secret, "rotate_secret")
