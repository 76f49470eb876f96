"""What a fleet's run writes down, in S3 as the local AWS has it."""

from collections.abc import Callable

import pytest
from rotation.aws.bucket import keys, read, write
from rotation.core.errors import TargetStoreUnavailable

from local.aws import LocalAws

BUCKET = "of-a-fleet"


@pytest.fixture(scope="module", autouse=True)
def _bucket(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket=BUCKET)


@pytest.fixture(autouse=True)
def _environment(aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> None:
    adapters_use(aws)


def test_what_was_written_is_read_and_listed_and_what_was_not_is_nothing() -> None:
    write(BUCKET, "runs/a/plan.json", {"waves": []})
    write(BUCKET, "runs/a/plan.json", {"waves": [["app"]]})
    assert read(BUCKET, "runs/a/plan.json") == {"waves": [["app"]]}
    assert read(BUCKET, "runs/a/report.json") is None
    assert (keys(BUCKET, "runs/a/"), keys(BUCKET, "runs/b/")) == (["runs/a/plan.json"], [])


@pytest.mark.parametrize(
    "ask", [lambda: read("no-such", "key"), lambda: write("no-such", "key", {}), lambda: keys("no-such", "runs/")], ids="rwl"
)
def test_a_bucket_that_is_not_there_is_said_and_not_taken_for_an_empty_one(ask: Callable[[], object]) -> None:
    with pytest.raises(TargetStoreUnavailable, match="no-such could not be reached"):
        ask()
