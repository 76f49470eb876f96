"""AnnounceIncident: tell people that credentials are being revoked, and why."""

from rotation.runtime.entry import handler
from rotation.steps.announce_incident import announce_incident

lambda_handler = handler(announce_incident, "announce_incident")
