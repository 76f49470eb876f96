"""ClaimRotation: write the intent ahead and take AWSPENDING."""

from rotation.runtime.entry import handler
from rotation.steps.claim_rotation import claim_rotation

lambda_handler = handler(claim_rotation, "claim_rotation")
