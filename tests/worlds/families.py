"""The kinds of application that a stack can be made for: with which parameters, and how the target reads then."""

import json
from collections.abc import Mapping
from typing import Any

from local.iam.template import Resolved

HERE = "eu-west-1:123456789012"
SECRETS = f"arn:aws:secretsmanager:{HERE}:secret:"
FILES = f"arn:aws:elasticfilesystem:{HERE}:"
EVERYBODY = {
    "SlotSecretArn": f"{SECRETS}app-slots-a1b2c3",
    "AdminSecretArn": f"{SECRETS}app-admin-a1b2c3",
    "SecretsKmsKeyArn": f"arn:aws:kms:{HERE}:key/00000000-0000-0000-0000-000000000000",
    "SubnetIds": "subnet-00000000",
    "SecurityGroupIds": "sg-00000000",
}
OPENEMR = {
    **EVERYBODY,
    "SitesFileSystemArn": f"{FILES}file-system/fs-00000000",
    "SitesAccessPointArn": f"{FILES}access-point/fsap-00000000",
    "ClusterName": "openemr-eks",
    "HealthUrl": "https://openemr.internal/interface/login/login.php?site=default",
}
APPLICATION_SECRET = f"{SECRETS}app-login-a1b2c3"
PROXY_SECRETS = [f"{SECRETS}proxy-{user}-a1b2c3" for user in ("a", "b")]
RDS_PROXY = {
    **EVERYBODY,
    "ApplicationSecretArn": APPLICATION_SECRET,
    "ApplicationCacheSeconds": "300",
    "ProxySecretArns": ",".join(PROXY_SECRETS),
    "EndpointHost": "app.proxy-0123456789ab.eu-west-1.rds.amazonaws.com",
    "EndpointPort": "3306",
}
DIRECT = {
    **EVERYBODY,
    "ApplicationSecretArn": APPLICATION_SECRET,
    "ApplicationCacheSeconds": "0",
    "HealthUrl": "https://app.internal/health",
    "HealthMarker": "database: up",
}
WORDPRESS = {**DIRECT, "InstancesApp": "blog", "HealthUrl": "https://blog.internal/", "HealthMarker": "Just another"}
SWARM_CLIENT = f"{SECRETS}swarm-client-a1b2c3"
SWARM_ACCESS: dict[str, Any] = {
    "managers": ["manager.internal:2376"],
    "ca": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "client_secret": SWARM_CLIENT,
}
SWARM_SECRET = {
    "kind": "swarm-secret",
    **SWARM_ACCESS,
    "keys": {"postgres_user": "{username}", "postgres_password": "{password}"},
}
SWARM_SERVICE = {
    "kind": "swarm-service",
    **SWARM_ACCESS,
    "service": "shop_web",
    "files": {"POSTGRES_USER_FILE": "postgres_user", "POSTGRES_PASSWORD_FILE": "postgres_password"},
}
SWARM = {
    **DIRECT,
    "SwarmConsumers": f"{json.dumps(SWARM_SECRET)}, {json.dumps(SWARM_SERVICE)}",
    "SwarmClientSecretArn": SWARM_CLIENT,
}
IN_CLUSTER = {"cluster": "shop-eks", "namespace": "shop"}
WORKLOADS_CONSUMERS: list[dict[str, Any]] = [
    {"kind": "secret", **IN_CLUSTER, "name": "orders", "keys": {"USER": "{username}", "PASSWORD": "{password}"}},
    {"kind": "secret", **IN_CLUSTER, "name": "reports", "keys": {"URL": "postgresql://{username}:{password|url}@{host}/{dbname}"}},
    {"kind": "deployment", **IN_CLUSTER, "name": "orders"},
    {"kind": "deployment", **IN_CLUSTER, "name": "reports"},
]
WORKLOADS = {
    **DIRECT,
    "ClusterName": "shop-eks",
    "Namespace": "shop",
    "OtherConsumers": ", ".join(json.dumps(one) for one in WORKLOADS_CONSUMERS),
}
FAMILIES = {
    "OpenEMR": OPENEMR,
    "RDS Proxy": RDS_PROXY,
    "a secret without a proxy": DIRECT,
    "WordPress": WORDPRESS,
    "Docker Swarm": SWARM,
    "pods of services": WORKLOADS,
}


def target_text(template: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
    """The default target's document, as the functions of a stack with these parameters read it."""
    ((_, parameter),) = Resolved(dict(template), parameters, {}).of_type("AWS::SSM::Parameter")
    return str(parameter["Value"])
