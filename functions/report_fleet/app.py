"""ReportFleet: sum up a run of the fleet, write that down, and tell people."""

from rotation.runtime.entry import leader
from rotation.steps.report_fleet import report_fleet

lambda_handler = leader(report_fleet, "report_fleet")
