# Made from template.yaml: make terraform. A test holds the two together.

# ---- Everybody: secrets

variable "slot_secret_arn" {
  description = "Secret with the two application users: active_slot, A and B. Keep every other tool from writing it."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+$", var.slot_secret_arn))
    error_message = "It has to look like this: ^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+$"
  }
}

variable "admin_secret_arn" {
  description = "Secret of the user that may alter the two others, or of what may issue keys. Switch managed rotation off for it. none only with an OtherSource that needs no admin."
  type        = string

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$", var.admin_secret_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$"
  }
}

variable "rotates_admin" {
  description = "false where the admin is shared and another stack rotates it: its secret is then only read. Of all stacks with one AdminSecretArn, one at most says true."
  type        = bool
  default     = true
}

variable "secrets_kms_key_arn" {
  description = "KMS key that encrypts both secrets (the ARN of the key itself, not of an alias). The application's secret and the proxy's have the same key, or AWS's own (aws/secretsmanager)."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/[A-Za-z0-9-]+$", var.secrets_kms_key_arn))
    error_message = "It has to look like this: ^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:key/[A-Za-z0-9-]+$"
  }
}

variable "break_glass_role_arn" {
  description = "Role with which a person may still write the two secrets once a resource policy denies that to everybody but the rotation. With none, no such policy is attached."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:iam::\\d{12}:role/[A-Za-z0-9+=,.@_/-]+)$", var.break_glass_role_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:iam::\\d{12}:role/[A-Za-z0-9+=,.@_/-]+)$"
  }
}

# ---- Everybody: database and network

variable "source_kind" {
  description = "What the database is. The functions get the driver of PostgreSQL only with postgresql, that of Redis only with redis."
  type        = string
  default     = "mysql"

  validation {
    condition     = contains(["mysql", "postgresql", "redis"], var.source_kind)
    error_message = "One of: mysql, postgresql, redis."
  }
}

variable "further_source_kind" {
  description = "What the databases of further targets are, where that is not SourceKind. The functions get that driver too."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "mysql", "postgresql", "redis"], var.further_source_kind)
    error_message = "One of: none, mysql, postgresql, redis."
  }
}

variable "other_source" {
  description = "Instead of a database, what issues the keys that are rotated: the source of the default target as JSON. SourceKind and what belongs to a database are not looked at then."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|\\{.*\\})$", var.other_source))
    error_message = "It has to look like this: ^(none|\\{.*\\})$"
  }
}

variable "database_ca" {
  description = "Who vouches for the database. rds (the bundle in the layer), or a PEM certificate with its line ends as \\n."
  type        = string
  default     = "rds"

  validation {
    condition     = can(regex("^(rds|-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\\\ -]+)$", var.database_ca))
    error_message = "It has to look like this: ^(rds|-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\\\ -]+)$"
  }
}

variable "reader_hosts" {
  description = "Endpoints of the reader instances, comma-separated, or none. Sessions there count in the drain, and mode revoke ends them. Not the cluster's one reader endpoint, which leads to any of them. Of Redis every other node, as host or host:port."
  type        = list(string)
  default     = ["none"]
}

variable "pooled" {
  description = "true where a proxy or a pool keeps connections open by itself: one on which nothing happens for the quiet period does not count as use of its user."
  type        = bool
  default     = false
}

variable "subnet_ids" {
  description = "Private subnets that reach the database, and where there are any the proxy, the cluster's API endpoint, a mount target."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the functions. The database, the proxy, the file system and the cluster must admit them."
  type        = list(string)
}

# ---- OpenEMR: file system

variable "sites_file_system_arn" {
  description = "EFS file system with the application's sites folder. Required for OpenEMR."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:\\d{12}:file-system/fs-[0-9a-f]+)$", var.sites_file_system_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:\\d{12}:file-system/fs-[0-9a-f]+)$"
  }
}

variable "sites_access_point_arn" {
  description = "Access point of that file system, rooted at the sites folder. It enforces its POSIX user, which must be the owner of sqlconf.php (1000:101 in the OpenEMR image), or the file can be neither read (mode 0400) nor replaced. Required for OpenEMR."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:\\d{12}:access-point/fsap-[0-9a-f]+)$", var.sites_access_point_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:\\d{12}:access-point/fsap-[0-9a-f]+)$"
  }
}

variable "sqlconf_path" {
  description = "The configuration file, from the access point's root."
  type        = string
  default     = "default/sqlconf.php"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-][A-Za-z0-9_./-]*\\.php$", var.sqlconf_path))
    error_message = "It has to look like this: ^[A-Za-z0-9_-][A-Za-z0-9_./-]*\\.php$"
  }
}

# ---- Kubernetes: OpenEMR, or pods of any application

variable "cluster_name" {
  description = "EKS cluster. Its authentication mode must be API or API_AND_CONFIG_MAP, else access entries mean nothing. Required for OpenEMR, and where OtherConsumers or a further target names a secret or a deployment."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$", var.cluster_name))
    error_message = "It has to look like this: ^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$"
  }
}

variable "create_access_entries" {
  description = "false where the cluster's owner makes the access entries (see the output KubernetesRoleArns)."
  type        = bool
  default     = true
}

variable "namespace" {
  description = "Namespace of the Secrets and Deployments; k8s/rbac.yaml is applied to the same one."
  type        = string
  default     = "openemr"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "It has to look like this: ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
  }
}

# ---- OpenEMR: its Secret and Deployment

variable "k8s_secret_name" {
  description = "OpenEMR's Kubernetes Secret, with the keys mysql-host, mysql-user, mysql-password and mysql-database."
  type        = string
  default     = "openemr-db-credentials"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", var.k8s_secret_name))
    error_message = "It has to look like this: ^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
  }
}

variable "deployment_name" {
  description = "OpenEMR's Deployment, which is restarted, pod by pod."
  type        = string
  default     = "openemr"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$", var.deployment_name))
    error_message = "It has to look like this: ^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
  }
}

# ---- An application that reads its secret, RDS Proxy

variable "application_secret_arn" {
  description = "The secret that the application reads its login from, by itself, in the keys username and password; every other key is kept. To change it moves the traffic. Required unless the application is OpenEMR. Switch managed rotation off for it."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$", var.application_secret_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$"
  }
}

variable "application_cache_seconds" {
  description = "How long the application may go on with what it has read of that secret: both users stay valid for at least as long. Required with ApplicationSecretArn; 172800 at most."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|0|[1-9][0-9]{0,5})$", var.application_cache_seconds))
    error_message = "It has to look like this: ^(none|0|[1-9][0-9]{0,5})$"
  }
}

variable "proxy_secret_arns" {
  description = "The secrets from which the proxy knows its users' passwords, one for each user that takes turns, comma-separated, without spaces; told apart by their username. Required where RDS Proxy is."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+(,arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)+)$", var.proxy_secret_arns))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+(,arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)+)$"
  }
}

variable "endpoint_host" {
  description = "Where the application logs in, if that is not the database itself: the proxy's endpoint. A login there is waited for and checked. Required with ProxySecretArns."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[A-Za-z0-9][A-Za-z0-9.-]{0,252})$", var.endpoint_host))
    error_message = "It has to look like this: ^(none|[A-Za-z0-9][A-Za-z0-9.-]{0,252})$"
  }
}

variable "endpoint_port" {
  description = "Its port. Required with EndpointHost."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[1-9][0-9]{0,4})$", var.endpoint_port))
    error_message = "It has to look like this: ^(none|[1-9][0-9]{0,4})$"
  }
}

variable "endpoint_ca" {
  description = "Who vouches for EndpointHost. amazon (Amazon Trust Services, which sign for RDS Proxy; in the layer), rds, or a PEM certificate with its line ends as \\n."
  type        = string
  default     = "amazon"

  validation {
    condition     = can(regex("^(amazon|rds|-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\\\ -]+)$", var.endpoint_ca))
    error_message = "It has to look like this: ^(amazon|rds|-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\\\ -]+)$"
  }
}

# ---- WordPress on instances: with the secret and the health page

variable "instances_app" {
  description = "Value of the tag app that the instances of WordPress have, as the key app of ApplicationSecretArn says it. Each of them rewrites its wp-config.php. Required for WordPress on instances."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^[A-Za-z0-9 _.:/=+@-]{1,255}$", var.instances_app))
    error_message = "It has to look like this: ^[A-Za-z0-9 _.:/=+@-]{1,255}$"
  }
}

variable "wp_config_path" {
  description = "Where the file is on each instance."
  type        = string
  default     = "/var/www/html/wp-config.php"

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$", var.wp_config_path))
    error_message = "It has to look like this: ^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$"
  }
}

variable "wp_config_owner" {
  description = "Who owns the file on each instance, such as 33:33, for mode fix-permissions."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([0-9]+:[0-9]+)?$", var.wp_config_owner))
    error_message = "It has to look like this: ^([0-9]+:[0-9]+)?$"
  }
}

variable "wp_config_mode" {
  description = "The file's mode, such as 0640, for mode fix-permissions."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(0[0-7]{3})?$", var.wp_config_mode))
    error_message = "It has to look like this: ^(0[0-7]{3})?$"
  }
}

variable "instance_page" {
  description = "What each instance asks of itself once its file is written. Empty, nothing is asked."
  type        = string
  default     = "http://127.0.0.1/"

  validation {
    condition     = can(regex("^(https?://[A-Za-z0-9.:_-]+(/[A-Za-z0-9/?&=_.,~%+:;@!-]*)?)?$", var.instance_page))
    error_message = "It has to look like this: ^(https?://[A-Za-z0-9.:_-]+(/[A-Za-z0-9/?&=_.,~%+:;@!-]*)?)?$"
  }
}

variable "instance_page_marker" {
  description = "Text that only the working page contains. Empty, a status of 200 is enough."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9 _.,:;/=+@()<>-]{0,200}$", var.instance_page_marker))
    error_message = "It has to look like this: ^[A-Za-z0-9 _.,:;/=+@()<>-]{0,200}$"
  }
}

variable "slowest_boot_seconds" {
  description = "How long an instance may take from its launch until its boot unit has written the file. What was current when it began stays valid for at least as long."
  type        = number
  default     = 600

  validation {
    condition     = var.slowest_boot_seconds >= 0 && var.slowest_boot_seconds <= 172800
    error_message = "A number from 0 to 172800."
  }
}

# ---- Docker Swarm: with the secret

variable "swarm_consumers" {
  description = "Consumers of the kinds swarm-secret and swarm-service, as the target document has them: {\"kind\": …}, with commas between. They change before ApplicationSecretArn does. Required for a Docker Swarm."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|\\{.+\\})$", var.swarm_consumers))
    error_message = "It has to look like this: ^(none|\\{.+\\})$"
  }
}

variable "swarm_client_secret_arn" {
  description = "Secret with the client's certificate and key for the Swarm's managers, in the keys certificate and key; they name it as client_secret. Required with SwarmConsumers."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$", var.swarm_client_secret_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$"
  }
}

# ---- An application of another kind (docs/adding-a-kind.md)

variable "other_consumers" {
  description = "Consumers of kinds that have no parameters here, as the target document has them: {\"kind\": …}, or several with commas between. They change last. What the roles need for them comes with the kind's fragment."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|\\{.+\\})$", var.other_consumers))
    error_message = "It has to look like this: ^(none|\\{.+\\})$"
  }
}

variable "vault_login_secret_arn" {
  description = "The secret with what Vault is logged in to with (secret_id or jwt), that a vault-kv in OtherConsumers names as login.secret. It has AWS's own key, or SecretsKmsKeyArn."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$", var.vault_login_secret_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$"
  }
}

variable "vault_reader_secret_arn" {
  description = "The same for a login that may only read, named as reader.secret. With it, VaultLoginSecretArn is for PutSecret alone."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$", var.vault_reader_secret_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$"
  }
}

variable "access_keys_of_users" {
  description = "IAM users whose access keys an iam-access-key in OtherSource, or in a further target, may rotate: a name, or a path and * (apps/*). Each has to carry the tag credential-rotation with this stack's name."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[A-Za-z0-9+=,.@_/-]+\\*?|\\*)$", var.access_keys_of_users))
    error_message = "It has to look like this: ^(none|[A-Za-z0-9+=,.@_/-]+\\*?|\\*)$"
  }
}

variable "api_hosts" {
  description = "Hosts of the providers' APIs that an http-api-key in OtherSource, or in a further target, may ask for keys, comma-separated, without spaces; with the port where that is not 443. No request goes anywhere else."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[A-Za-z0-9.-]+(:\\d{1,5})?(,[A-Za-z0-9.-]+(:\\d{1,5})?)*)$", var.api_hosts))
    error_message = "It has to look like this: ^(none|[A-Za-z0-9.-]+(:\\d{1,5})?(,[A-Za-z0-9.-]+(:\\d{1,5})?)*)$"
  }
}

variable "jwks_bucket_name" {
  description = "S3 bucket with the JWKS that verifiers read, where a signing-key in OtherSource, or in a further target, keeps its public keys."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[a-z0-9.-]{3,63})$", var.jwks_bucket_name))
    error_message = "It has to look like this: ^(none|[a-z0-9.-]{3,63})$"
  }
}

variable "jwks_key" {
  description = "Key of the JWKS in that bucket; of several, with a * in it."
  type        = string
  default     = ".well-known/jwks.json"

  validation {
    condition     = can(regex("^[A-Za-z0-9/_.*-]+$", var.jwks_key))
    error_message = "It has to look like this: ^[A-Za-z0-9/_.*-]+$"
  }
}

variable "jwks_hosts" {
  description = "Hosts of the Vaults or OpenBaos where a signing-key in OtherSource, or in a further target, keeps its keys in a path, comma-separated, without spaces; with the port where that is not 8200. No other is asked."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[A-Za-z0-9.-]+(:\\d{1,5})?(,[A-Za-z0-9.-]+(:\\d{1,5})?)*)$", var.jwks_hosts))
    error_message = "It has to look like this: ^(none|[A-Za-z0-9.-]+(:\\d{1,5})?(,[A-Za-z0-9.-]+(:\\d{1,5})?)*)$"
  }
}

variable "jwks_login_secret_arn" {
  description = "The secret with what is logged in to them with (secret_id or jwt), that a signing-key names as vault.login.secret. It has AWS's own key, or SecretsKmsKeyArn."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$", var.jwks_login_secret_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$"
  }
}

variable "jwks_reader_secret_arn" {
  description = "The same for a login that may only read, named as vault.reader.secret. With it, JwksLoginSecretArn is for SyncUsers and DiscardOldPassword alone."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$", var.jwks_reader_secret_arn))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@-]+)$"
  }
}

variable "pki_hosts" {
  description = "Hosts of the Vaults or OpenBaos that a certificate in OtherSource, or in a further target, may ask for certificates, comma-separated, without spaces; with the port where that is not 8200. No other is asked for one."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[A-Za-z0-9.-]+(:\\d{1,5})?(,[A-Za-z0-9.-]+(:\\d{1,5})?)*)$", var.pki_hosts))
    error_message = "It has to look like this: ^(none|[A-Za-z0-9.-]+(:\\d{1,5})?(,[A-Za-z0-9.-]+(:\\d{1,5})?)*)$"
  }
}

variable "acme_hosts" {
  description = "Hosts of the ACME servers that an acme-certificate in OtherSource, or in a further target, may ask for certificates, comma-separated, without spaces; with the port where that is not 443. No other is asked for one."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[A-Za-z0-9.-]+(:\\d{1,5})?(,[A-Za-z0-9.-]+(:\\d{1,5})?)*)$", var.acme_hosts))
    error_message = "It has to look like this: ^(none|[A-Za-z0-9.-]+(:\\d{1,5})?(,[A-Za-z0-9.-]+(:\\d{1,5})?)*)$"
  }
}

variable "acme_zone_id" {
  description = "Id of the hosted zone of Route 53 where an acme-certificate answers the challenges: TXT records of names that begin with _acme-challenge are put there and taken out again, and no others."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[A-Z0-9]{1,32})$", var.acme_zone_id))
    error_message = "It has to look like this: ^(none|[A-Z0-9]{1,32})$"
  }
}

variable "lambda_function_arns" {
  description = "The functions that consumers of the kind lambda in OtherConsumers, or in further targets, may be: each with its alias or version, comma-separated, without spaces. No other function is run."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:lambda:[a-z0-9-]+:\\d{12}:function:[A-Za-z0-9_:,-]+)$", var.lambda_function_arns))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:lambda:[a-z0-9-]+:\\d{12}:function:[A-Za-z0-9_:,-]+)$"
  }
}

variable "lambda_secret_arns" {
  description = "The secrets that those functions read, comma-separated, without spaces; they have AWS's own key, or SecretsKmsKeyArn. Required with LambdaFunctionArns."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@:,-]+)$", var.lambda_secret_arns))
    error_message = "It has to look like this: ^(none|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[A-Za-z0-9/_+=.@:,-]+)$"
  }
}

# ---- Health page: required for OpenEMR, welcome for any other

variable "health_url" {
  description = "A page that needs the database, reachable from SubnetIds: https://HOST/interface/login/login.php?site=default for OpenEMR. Required for OpenEMR, and without EndpointHost."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|https?://[^\\s\"\\\\]+)$", var.health_url))
    error_message = "It has to look like this: ^(none|https?://[^\\s\"\\\\]+)$"
  }
}

variable "health_marker" {
  description = "Text that only the working page holds. The status proves nothing, OpenEMR answers 200 without a database."
  type        = string
  default     = "OpenEMR Login"

  validation {
    condition     = can(regex("^[^\"\\\\]+$", var.health_marker))
    error_message = "It has to look like this: ^[^\"\\\\]+$"
  }
}

variable "health_ca" {
  description = "Who vouches for HealthUrl. system, or a PEM certificate with its line ends written as \\n."
  type        = string
  default     = "system"

  validation {
    condition     = can(regex("^(system|-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\\\ -]+)$", var.health_ca))
    error_message = "It has to look like this: ^(system|-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\\\ -]+)$"
  }
}

# ---- Pace

variable "rotation_class" {
  description = "How often the default target is to be rotated, in UTC. Its overlap follows from it."
  type        = string
  default     = "monthly"

  validation {
    condition     = contains(["monthly", "quarterly", "half-yearly", "30-days", "90-days", "365-days"], var.rotation_class)
    error_message = "One of: monthly, quarterly, half-yearly, 30-days, 90-days, 365-days."
  }
}

variable "schedule_enabled" {
  description = "true rotates by itself, in the class's rhythm. A daily verify, which writes nothing, runs in any case."
  type        = bool
  default     = false
}

variable "overlap_seconds" {
  description = "How long both users stay valid after the flip, for readers of the secret that this stack does not know. -1 is as long as RotationClass says."
  type        = number
  default     = -1

  validation {
    condition     = var.overlap_seconds >= -1 && var.overlap_seconds <= 172800
    error_message = "A number from -1 to 172800."
  }
}

variable "quiet_seconds" {
  description = "How long the old user must have been gone before its password changes. Below 60 is for trials only: it must outlast a function that was stopped but still runs (30 s and its start), and EFS clients cache for up to 60 s."
  type        = number
  default     = 120

  validation {
    condition     = var.quiet_seconds >= 1 && var.quiet_seconds <= 86400
    error_message = "A number from 1 to 86400."
  }
}

variable "drain_deadline_seconds" {
  description = "After this long with sessions of the old user the run ends as OldSlotNotRotated; the next one goes on."
  type        = number
  default     = 3600

  validation {
    condition     = var.drain_deadline_seconds >= 1 && var.drain_deadline_seconds <= 172800
    error_message = "A number from 1 to 172800."
  }
}

variable "rollout_deadline_seconds" {
  description = "After this long an unfinished rollout is rolled back. OpenEMR's probes need more than 5 minutes a pod."
  type        = number
  default     = 3600

  validation {
    condition     = var.rollout_deadline_seconds >= 1 && var.rollout_deadline_seconds <= 7200
    error_message = "A number from 1 to 7200."
  }
}

# ---- A fleet: many targets in one stack

variable "fleet" {
  description = "Whether this stack rotates many targets as one fleet (docs/fleet.md). daily starts it by itself; with by-hand a person does. Its roles reach every secret with the tag credential-rotation of this stack's name."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "by-hand", "daily"], var.fleet)
    error_message = "One of: none, by-hand, daily."
  }
}

variable "fleet_at_once" {
  description = "So many targets of the fleet are rotated at once, at most. Secrets Manager takes 50 writes a second in a region."
  type        = number
  default     = 20

  validation {
    condition     = var.fleet_at_once >= 1 && var.fleet_at_once <= 1000
    error_message = "A number from 1 to 1000."
  }
}

variable "fleet_per_place" {
  description = "And so many at once on one database server or in one cluster."
  type        = number
  default     = 3

  validation {
    condition     = var.fleet_per_place >= 1 && var.fleet_per_place <= 1000
    error_message = "A number from 1 to 1000."
  }
}

variable "fleet_failure_percent" {
  description = "So many of the targets of a run may fail; after the wave in which more have, no further one begins."
  type        = number
  default     = 10

  validation {
    condition     = var.fleet_failure_percent >= 0 && var.fleet_failure_percent <= 100
    error_message = "A number from 0 to 100."
  }
}

# ---- Being told

variable "alarm_email" {
  description = "Who is written to, besides what else subscribes to the output NoticeTopicArn. AWS asks for a confirmation."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^(none|[^@\\s]+@[^@\\s]+)$", var.alarm_email))
    error_message = "It has to look like this: ^(none|[^@\\s]+@[^@\\s]+)$"
  }
}

variable "database_log_group_name" {
  description = "Where the database exports its audit or error log, such as /aws/rds/cluster/NAME/audit: failed logins in it are counted."
  type        = string
  default     = "none"

  validation {
    condition     = can(regex("^[A-Za-z0-9_/.#-]+$", var.database_log_group_name))
    error_message = "It has to look like this: ^[A-Za-z0-9_/.#-]+$"
  }
}

# ---- This stack

variable "environment" {
  description = "Which of several installations this is, in the metrics."
  type        = string
  default     = "dev"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,31}$", var.environment))
    error_message = "It has to look like this: ^[a-z0-9][a-z0-9-]{0,31}$"
  }
}

variable "default_target" {
  description = "Name of the target that this stack describes, and that an execution with the input {} rotates."
  type        = string
  default     = "openemr"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,62}$", var.default_target))
    error_message = "It has to look like this: ^[a-z0-9][a-z0-9-]{0,62}$"
  }
}

variable "log_level" {
  description = "Of the functions. No level logs a password."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "One of: DEBUG, INFO, WARNING, ERROR."
  }
}

variable "log_retention_days" {
  description = "For how long who rotated what, and when, can be shown. A year and a bit, so that two yearly audits meet."
  type        = number
  default     = 400

  validation {
    condition     = contains([400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "One of: 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "architecture" {
  description = "Of the functions and layers; build with the same value. Left out, it is what the packaged template was built for."
  type        = string
  default     = null

  validation {
    condition     = var.architecture == null ? true : contains(["arm64", "x86_64"], var.architecture)
    error_message = "One of: arm64, x86_64."
  }
}

variable "python_runtime" {
  description = "Of the functions and layers. An interpreter of this version must be on the PATH of sam build. Left out, it is what the packaged template was built for."
  type        = string
  default     = null

  validation {
    condition     = var.python_runtime == null ? true : contains(["python3.11", "python3.12", "python3.13"], var.python_runtime)
    error_message = "One of: python3.11, python3.12, python3.13."
  }
}
