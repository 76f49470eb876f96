"""ReleaseRotation: remove the label AWSPENDING, which is the lock."""

from rotation.runtime.entry import handler
from rotation.steps.release_rotation import release_rotation

lambda_handler = handler(release_rotation, "release_rotation")
