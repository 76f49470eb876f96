"""What a target names and the stack's roles do not reach is said before anything is done, with the parameter that would mend it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from rotation.kinds.target import parse_target
from rotation_cli.reach import Reach

from tests.worlds.families import APPLICATION_SECRET, EVERYBODY, OPENEMR, PROXY_SECRETS, RDS_PROXY, SECRETS

KUBERNETES = {"Namespace": "openemr", "K8sSecretName": "db", "DeploymentName": "openemr"}
NOTHING = dict.fromkeys(
    ("SitesFileSystemArn", "SitesAccessPointArn", "ClusterName", "ApplicationSecretArn", "ProxySecretArns"), "none"
) | {"SourceKind": "mysql"}
"""As CloudFormation tells of parameters that were not given."""
PROXY = {"kind": "proxy-secret", "secrets": PROXY_SECRETS}
APPLICATION = {"kind": "app-secret", "secret": APPLICATION_SECRET, "application_cache_seconds": 60}
FILE = {"kind": "sqlconf", "path": "default/sqlconf.php"}
PODS = {"kind": "deployment", "cluster": "openemr-eks", "namespace": "openemr", "name": "openemr"}
OTHER = f"{SECRETS}other-a1b2c3"
RUN = "arn:aws:lambda:eu-west-1:123456789012:function:put:live"
HANDED = EVERYBODY | {"LambdaFunctionArns": f"{RUN},{RUN}2", "LambdaSecretArns": OTHER}
FUNCTION = {"kind": "lambda", "function": RUN, "secret": OTHER, "application_cache_seconds": 0}


def beyond(parameters: Mapping[str, str], *consumers: dict[str, Any]) -> list[str]:
    document = {
        "slot_secret": EVERYBODY["SlotSecretArn"],
        "admin_secret": EVERYBODY["AdminSecretArn"],
        "source": {"kind": "mysql"},
        "consumers": list(consumers),
        "endpoint": {"host": "proxy.example", "port": 3306},
    }
    return list(Reach({**KUBERNETES, **NOTHING, **parameters}).beyond(parse_target("app", json.dumps(document))))


def test_what_the_stack_is_made_for_is_within_its_reach() -> None:
    assert beyond(RDS_PROXY, PROXY, APPLICATION) == []
    assert beyond(OPENEMR, FILE, PODS) == []


def test_of_an_application_s_own_pods_the_cluster_and_the_namespace_are_known_and_the_names_are_the_role_s() -> None:
    stack = RDS_PROXY | {"ClusterName": "openemr-eks", "Namespace": "openemr"}
    assert beyond(stack, APPLICATION, PODS | {"name": "orders"}, PODS | {"name": "reports"}) == []
    (said,) = beyond(stack, APPLICATION, PODS | {"namespace": "shop"})
    assert said.endswith("(parameter Namespace)")
    (said,) = beyond(OPENEMR, FILE, PODS | {"name": "orders"})
    assert said.endswith("(parameter DeploymentName)")


def test_openemr_s_role_grants_a_deployment_and_no_other_workload() -> None:
    assert beyond(OPENEMR, FILE, PODS | {"workload": "Deployment"}) == []
    (said,) = beyond(OPENEMR, FILE, PODS | {"workload": "StatefulSet"})
    assert "workload StatefulSet" in said
    assert beyond(RDS_PROXY | {"ClusterName": "openemr-eks"}, APPLICATION, PODS | {"workload": "StatefulSet"}) == []


@pytest.mark.parametrize("other", [RUN.replace("123456789012", "210987654321"), RUN.replace(":live", ":7"), f"{RUN}3"])
def test_a_function_of_another_account_or_alias_is_named_with_the_parameter(other: str) -> None:
    assert beyond(HANDED, FUNCTION) == []
    (said,) = beyond(HANDED, FUNCTION | {"function": other})
    assert other in said
    assert said.endswith("(parameter LambdaFunctionArns)")


def test_what_a_fleet_s_tags_do_not_reach_is_not_said_to_be_reached_by_them() -> None:
    (said,) = beyond(HANDED | {"Fleet": "50", "LambdaSecretArns": "none"}, FUNCTION)
    assert said.endswith("(parameter LambdaSecretArns)")


def test_a_database_whose_driver_the_functions_lack_is_named_with_the_parameter() -> None:
    (said,) = beyond(RDS_PROXY | {"SourceKind": "postgresql"}, PROXY, APPLICATION)
    assert said == ("source mysql: the functions have the driver of postgresql (parameters SourceKind and FurtherSourceKind)")


def test_a_further_kind_of_database_is_within_reach() -> None:
    assert beyond(RDS_PROXY | {"SourceKind": "postgresql", "FurtherSourceKind": "mysql"}, PROXY, APPLICATION) == []


def test_a_key_that_signs_takes_the_driver_of_no_database() -> None:
    document = {
        "slot_secret": EVERYBODY["SlotSecretArn"],
        "source": {"kind": "signing-key", "jwks": "s3://public/jwks.json", "jwks_cache_seconds": 1, "token_life_seconds": 1},
        "consumers": [APPLICATION],
        "health": {"url": "https://app.example/", "marker": "works"},
    }
    parameters = {**KUBERNETES, **NOTHING, **RDS_PROXY, "JwksBucketName": "public", "JwksKey": "jwks.json"}
    assert list(Reach(parameters).beyond(parse_target("app", json.dumps(document)))) == []


@pytest.mark.parametrize(
    ("parameters", "consumer", "named", "parameter"),
    [
        (RDS_PROXY, APPLICATION | {"secret": OTHER}, OTHER, "ApplicationSecretArn"),
        (RDS_PROXY, PROXY | {"secrets": [PROXY_SECRETS[0], OTHER]}, OTHER, "ProxySecretArns"),
        (RDS_PROXY, FILE, "default/sqlconf.php", "SitesFileSystemArn"),
        (RDS_PROXY, PODS, "openemr-eks", "ClusterName"),
        (OPENEMR, APPLICATION, APPLICATION_SECRET, "ApplicationSecretArn"),
        (OPENEMR, PROXY | {"secrets": [OTHER, "arn:b"]}, OTHER, "ProxySecretArns"),
    ],
)
def test_what_it_is_not_made_for_is_named_with_the_parameter(
    parameters: Mapping[str, str], consumer: dict[str, Any], named: str, parameter: str
) -> None:
    traffic = FILE if parameters is OPENEMR else APPLICATION
    rest = [] if consumer["kind"] in ("sqlconf", "app-secret") else [traffic]
    said = beyond(parameters, consumer, *rest)
    assert any(named in one and parameter in one for one in said), said


def test_only_what_is_beyond_is_named() -> None:
    (said,) = beyond(RDS_PROXY, PROXY | {"secrets": [*PROXY_SECRETS, OTHER]}, APPLICATION)
    assert said.startswith(f"proxy-secret {OTHER}: ")


TAGGED = {OTHER: "application", f"{SECRETS}p-a1b2c3": "proxy", f"{SECRETS}r-a1b2c3": "record"}


@pytest.mark.parametrize(
    ("fleet", "tagged", "said"),
    [("daily", TAGGED, 0), ("daily", {}, 3), ("daily", dict.fromkeys(TAGGED, "admin"), 3), ("none", {}, 3)],
)
def test_of_a_stack_with_a_fleet_tags_reach_further_and_each_only_what_it_says(
    fleet: str, tagged: dict[str, str], said: int
) -> None:
    document = {
        "slot_secret": f"{SECRETS}r-a1b2c3",
        "admin_secret": EVERYBODY["AdminSecretArn"],
        "source": {"kind": "mysql"},
        "consumers": [PROXY | {"secrets": [PROXY_SECRETS[0], f"{SECRETS}p-a1b2c3"]}, APPLICATION | {"secret": OTHER}],
        "endpoint": {"host": "proxy.example", "port": 3306},
    }
    reach = Reach({**KUBERNETES, **NOTHING, **RDS_PROXY, "Fleet": fleet}, tagged)
    found = list(reach.beyond(parse_target("app", json.dumps(document))))
    assert len(found) == said
    assert all(("credential-rotation-part" in one) is (fleet == "daily") for one in found)
