"""PrepareService: bring a service of a Swarm to a version of its login, phase by phase."""

from rotation.runtime.entry import handler
from rotation.steps.prepare_service import prepare_service

lambda_handler = handler(prepare_service, "prepare_service")
