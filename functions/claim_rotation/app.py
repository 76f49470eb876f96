"""ClaimRotation: write down what is going to be done, and take the label AWSPENDING."""

from rotation.runtime.entry import handler
from rotation.steps.claim_rotation import claim_rotation

lambda_handler = handler(claim_rotation, "claim_rotation")
