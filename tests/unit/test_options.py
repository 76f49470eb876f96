"""What the demo can be told, and how it refuses what makes no sense."""

from dataclasses import replace
from pathlib import Path

import pytest
from rotation.told.runbook import ENDS, Urgency

from local.options import FAILURES, NOTHING, OPENEMR, PROXY, WAKING, HoldOptions, Options, SoakOptions

NOTHING_BUILT = {"XDG_CACHE_HOME": "/nowhere"}


def test_nothing_said_means_two_rotations_and_a_rollout_that_fails() -> None:
    page = Path(__file__).resolve().parents[2] / ".demo" / "demo.html"
    expected = Options(rotations=2, pods=3, rate=40, fail="CheckRollout", outage=False, page=page, cluster="stand-in")
    assert Options.parse(NOTHING_BUILT) == expected


def test_everything_can_be_said() -> None:
    told = {
        "ROTATIONS": "10",
        "PODS": "5",
        "RATE": "80",
        "FAIL": "FlipSlot",
        "OUTAGE": "1",
        "PAGE": "/there/it.html",
        "CLUSTER": "kubeconfig",
    }
    assert Options.parse(told) == Options(10, 5, 80, "FlipSlot", True, Path("/there/it.html"), "kubeconfig")


def test_a_real_cluster_is_taken_by_itself_where_one_is_built(tmp_path: Path) -> None:
    for program in ("etcd", "kube-apiserver", "kube-controller-manager"):
        assert Options.parse({**NOTHING_BUILT, "KUBEBUILDER_ASSETS": str(tmp_path)}).cluster == "stand-in", f"{program} is missing"
        (tmp_path / program).touch(mode=0o755)
    assert Options.parse({**NOTHING_BUILT, "KUBEBUILDER_ASSETS": str(tmp_path)}).cluster == "real"
    assert Options.parse({"KUBEBUILDER_ASSETS": str(tmp_path), "CLUSTER": "stand-in"}).cluster == "stand-in"


def test_a_real_cluster_that_is_not_built_is_refused_with_the_way_to_it() -> None:
    with pytest.raises(ValueError, match=r"kubernetes-1.20.2/bin has no etcd.*make cluster"):
        Options.parse({**NOTHING_BUILT, "CLUSTER": "real"})


@pytest.mark.parametrize(("app", "state"), [(app, state) for app in FAILURES for state in (*FAILURES[app], NOTHING)])
def test_every_state_of_an_application_can_be_made_to_fail(app: str, state: str) -> None:
    assert Options.parse({"APP": app, "FAIL": state}).fail == state


def test_an_application_behind_a_proxy_fails_at_its_login_and_can_have_three_users() -> None:
    assert Options.parse({"APP": "proxy"}) == Options(app=PROXY, fail="CheckLogin", ring=2)
    assert Options.parse({"APP": "proxy", "RING": "3"}).ring == 3
    assert Options.parse(NOTHING_BUILT).app == OPENEMR


def test_what_an_application_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^PODS=5: PODS is for APP=openemr only\. Leave it out with APP=proxy\.$"):
        Options.parse({"APP": "proxy", "PODS": "5"})
    with pytest.raises(ValueError, match=r"^RING=3: RING is for APP=proxy only\. Leave it out with APP=one-user\.$"):
        SoakOptions.parse({"APP": "one-user", "RING": "3"})


def test_a_soak_of_another_application_is_ten_rotations_under_forty_requests_a_second() -> None:
    options = SoakOptions.parse({"APP": "proxy", "RING": "3"})
    assert options == SoakOptions(rotations=10, logins=0, seconds=1500, rate=40, app=PROXY, ring=3)
    assert str(options) == "10 rotations within 1500 s, 40 requests a second"
    assert options.reached(10, 0)
    assert not options.reached(9, 0)
    assert SoakOptions.parse({"APP": "wordpress"}) == replace(options, app="wordpress", ring=2)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ROTATIONS", "two", "whole number from 0 to 1000"),
        ("PODS", "0", "whole number from 1 to 100"),
        ("RATE", "-1", "whole number from 1 to 1000"),
        ("FAIL", "Flip", "there is no such state. One of: ReadSlots"),
        ("PAGE", "/", "this is a folder"),
        ("CLUSTER", "minikube", "one of stand-in, real, kubeconfig"),
        ("APP", "drupal", "there is no such application. One of: openemr, proxy, wordpress."),
        ("RING", "3", "RING is for APP=proxy only"),
    ],
)
def test_nonsense_is_refused_by_name(name: str, value: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}={value}: .*{why}"):
        Options.parse({name: value})


def test_a_soak_of_which_nothing_is_said_is_the_whole_one() -> None:
    options = SoakOptions.parse({})
    assert options == SoakOptions(rotations=200, logins=200_000, seconds=1500, rate=200, breaks=False)
    assert not options.reached(200, 199_999)
    assert not options.reached(199, 200_000)
    assert options.reached(200, 200_000)


def test_a_soak_with_a_time_goes_on_until_it_is_over() -> None:
    assert not SoakOptions.parse({"SECONDS": "60"}).reached(10**6, 10**9)


def test_a_soak_can_be_told_everything() -> None:
    told = {"ROTATIONS": "3", "LOGINS": "500", "SECONDS": "60", "RATE": "20", "BREAK": "1"}
    assert SoakOptions.parse(told) == SoakOptions(3, 500, 60, 20, breaks=True)


def test_a_soak_refuses_nonsense_by_name() -> None:
    with pytest.raises(ValueError, match=r"^SECONDS=soon: a whole number"):
        SoakOptions.parse({"SECONDS": "soon"})


# ---- the stack that is held


def test_nothing_fails_on_the_stack_that_is_held_unless_it_is_said() -> None:
    assert HoldOptions.parse({}) == HoldOptions(NOTHING)


@pytest.mark.parametrize(("fail", "end"), [*FAILURES[OPENEMR].items(), *zip(WAKING, WAKING, strict=True)])
def test_whatever_can_fail_there_has_an_end(fail: str, end: str) -> None:
    assert HoldOptions.parse({"FAIL": fail}).end == end
    assert end in ENDS


def test_the_ends_to_practise_are_all_that_wake_somebody() -> None:
    assert set(WAKING) == {name for name, end in ENDS.items() if end.urgency is Urgency.PAGE}


def test_what_cannot_fail_is_refused_with_what_can() -> None:
    with pytest.raises(ValueError, match=r"^FAIL=RolledBack: .* One of: ReadSlots, .*, RestoreFailed, FlipUnknown, none\.$"):
        HoldOptions.parse({"FAIL": "RolledBack"})
