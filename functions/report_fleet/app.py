"""ReportFleet: one summary of a run of the fleet, written down and told."""

from rotation.runtime.entry import leader
from rotation.steps.report_fleet import report_fleet

lambda_handler = leader(report_fleet, "report_fleet")
