"""What stands here for AWS and for the application's surroundings: the demo's page lists it as "Different from AWS".

A test walks from what each show starts over all that it imports: a module that is new is named here, or is plumbing.
"""

from __future__ import annotations

from dataclasses import dataclass

from local.options import OPENEMR, PLATFORM, PROXY, SWARM, WORDPRESS


@dataclass(frozen=True)
class StandIn:
    """One of them."""

    of: str
    by: str
    modules: tuple[str, ...]
    """Of local/."""


AWS = (
    StandIn("Step Functions", "moto's engine, mended; no quotas", ("aws_server", "engine", "histories")),
    StandIn("Lambda", "processes on this machine, without a VPC; memory is not limited", ("lambdas", "sandbox")),
    StandIn(
        "Secrets Manager",
        "moto, behind AWS's rules for labels",
        ("secrets_manager", "secret_labels", "secret_rotation"),
    ),
    StandIn("CloudFormation", "the built template, carried into moto", ("decided", "deploy", "moto_quicker", "translation")),
    StandIn("CloudWatch Logs", "the machine's log, written as Step Functions delivers it", ("execution_log",)),
    StandIn("Access keys of IAM", "moto; who signs with one is held to it", ("access_keys",)),
    StandIn("IAM", "roles are not enforced here; they are simulated", ("simulator", "iam.evaluator", "iam.conditions")),
    StandIn("Route 53", "moto, as strict about changes of records as AWS", ("acme.records",)),
    StandIn("KMS, SSM, SNS, EventBridge", "moto; nothing is encrypted, no rule fires", ()),
    StandIn("Certificates of AWS", "an authority of this run", ("certificates",)),
)
OF_OPENEMR = (
    StandIn("Aurora MySQL", "one MySQL server, without readers or fail-over", ("mysql", "mysqld")),
    StandIn("EKS", "a stand-in for its API, or Kubernetes' own control plane", ("cluster.handle", "cluster.kinds")),
    StandIn("EKS tokens and access entries", "checked by rules of our own", ("access", "cluster.tokens")),
    StandIn("Pods", "PHP processes", ("cluster.php", "cluster.manifests")),
    StandIn("EFS", "a folder", ("stack",)),
    StandIn("OpenEMR", "one page that reads its sqlconf.php and asks the database", ("cluster.application",)),
)
OF_PROXY = (
    StandIn("RDS Proxy", "PgBouncer", ("proxy.pgbouncer", "proxy.cache", "proxy.server")),
    StandIn("RDS", "one PostgreSQL server", ("postgresql", "postgres", "mysql", "mysqld")),
    StandIn(
        "The application",
        "a process of ours that reads its secret",
        ("shop.application", "shop.connections", "shop.databases", "shop.process", "shop.proxied", "shop.stack", "shop.tables"),
    ),
)
OF_WORDPRESS = (
    StandIn("RDS", "one MySQL server, without readers or fail-over", ("mysql", "mysqld")),
    StandIn(
        "EC2 and Auto Scaling",
        "an instance is a folder, a WordPress served by PHP's own server, and an agent; one is launched when the demo says so",
        ("instances.fleet", "instances.programs", "wordpress.blog", "wordpress.site"),
    ),
    StandIn(
        "Systems Manager's Run Command",
        "a service and agents of ours, which run the shipped document by a shell",
        ("instances.agent", "instances.commands", "instances.documents", "instances.run_command"),
    ),
    StandIn("The instance metadata service", "a server of ours, IMDSv2 only", ("instances.metadata",)),
    StandIn("The Application Load Balancer", "a balancer of ours with health checks", ("balancer", "instances.front")),
)
OF_SWARM = (
    StandIn("RDS", "one PostgreSQL server", ("postgresql", "postgres", "mysql", "mysqld")),
    StandIn(
        "The machines of the Swarm",
        "three engines in namespaces of their own, in one network that has nothing but a loopback",
        ("swarm.handle", "swarm.node", "swarm.programs", "swarm.image"),
    ),
    StandIn("Swarm's routing mesh", "a balancer of ours: the mesh needs IPVS in the kernel", ("balancer",)),
    StandIn("The services", "an application of ours, in containers", ("swarm.application", "swarm.stack", "shop.tables")),
)
OF_PLATFORM = (
    StandIn("RDS", "one PostgreSQL server", ("postgresql", "postgres", "mysql", "mysqld")),
    StandIn("ElastiCache", "two nodes of Redis, a primary and a replica", ("redis_server",)),
    StandIn("The Vault", "one OpenBao, unsealed, whose storage is memory", ("vault.server", "vault.policies", "vault.written")),
    StandIn(
        "SendGrid and OpenAI",
        "servers of ours, which answer as their shipped descriptions say",
        ("provider.server", "provider.service", "provider.documents"),
    ),
    StandIn(
        "Kubernetes and the pods of the services",
        "one process for each service",
        ("services.service", "services.calls", "shop.tables"),
    ),
    StandIn("Who verifies tokens", "three readers of the JWKS in the service that signs them, each with a cache", ("shop.signer",)),
)
OF = {
    OPENEMR: (*AWS, *OF_OPENEMR),
    PROXY: (*AWS, *OF_PROXY),
    WORDPRESS: (*AWS, *OF_WORDPRESS),
    SWARM: (*AWS, *OF_SWARM),
    PLATFORM: (*AWS, *OF_PLATFORM),
}
PLUMBING = (
    *("aws", "faults", "iam.recording", "image", "leftovers", "login", "ports", "priority", "record", "running", "serving", "wsgi"),
    "yaml_text",
    *("cluster.http", "load"),
    *("shop.application", "shop.connections", "shop.databases", "shop.process", "shop.stack", "shop.tokens"),
    *("vault.reading", "wordpress.stack"),
    *("services.stack", "services.names", "keys.user", "provider.application", "shop.one_user", "targets"),
    *("instances.commands", "instances.documents", "instances.run_command"),
)
"""What starts them, hurts them, and writes down what they were asked; what a show uses of another's; and Run Command, where there
are no instances."""


def told(app: str) -> dict[str, str]:
    """What stands for what."""
    return {one.of: one.by for one in OF[app]}
