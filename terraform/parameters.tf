# Made from template.yaml: make terraform. A test holds the two together.

locals {
  given = {
    SlotSecretArn           = var.slot_secret_arn
    AdminSecretArn          = var.admin_secret_arn
    RotatesAdmin            = tostring(var.rotates_admin)
    SecretsKmsKeyArn        = var.secrets_kms_key_arn
    BreakGlassRoleArn       = var.break_glass_role_arn
    SourceKind              = var.source_kind
    FurtherSourceKind       = var.further_source_kind
    OtherSource             = var.other_source
    DatabaseCa              = var.database_ca
    ReaderHosts             = join(",", var.reader_hosts)
    Pooled                  = tostring(var.pooled)
    SubnetIds               = join(",", var.subnet_ids)
    SecurityGroupIds        = join(",", var.security_group_ids)
    SitesFileSystemArn      = var.sites_file_system_arn
    SitesAccessPointArn     = var.sites_access_point_arn
    SqlconfPath             = var.sqlconf_path
    ClusterName             = var.cluster_name
    CreateAccessEntries     = tostring(var.create_access_entries)
    Namespace               = var.namespace
    K8sSecretName           = var.k8s_secret_name
    DeploymentName          = var.deployment_name
    ApplicationSecretArn    = var.application_secret_arn
    ApplicationCacheSeconds = var.application_cache_seconds
    ProxySecretArns         = var.proxy_secret_arns
    EndpointHost            = var.endpoint_host
    EndpointPort            = var.endpoint_port
    EndpointCa              = var.endpoint_ca
    InstancesApp            = var.instances_app
    WpConfigPath            = var.wp_config_path
    WpConfigOwner           = var.wp_config_owner
    WpConfigMode            = var.wp_config_mode
    InstancePage            = var.instance_page
    InstancePageMarker      = var.instance_page_marker
    SlowestBootSeconds      = tostring(var.slowest_boot_seconds)
    VaultLoginSecretArn     = var.vault_login_secret_arn
    VaultReaderSecretArn    = var.vault_reader_secret_arn
    LambdaFunctionArns      = var.lambda_function_arns
    LambdaSecretArns        = var.lambda_secret_arns
    JwksBucketName          = var.jwks_bucket_name
    JwksKey                 = var.jwks_key
    JwksHosts               = var.jwks_hosts
    JwksLoginSecretArn      = var.jwks_login_secret_arn
    JwksReaderSecretArn     = var.jwks_reader_secret_arn
    AccessKeysOfUsers       = var.access_keys_of_users
    SwarmConsumers          = var.swarm_consumers
    SwarmClientSecretArn    = var.swarm_client_secret_arn
    ApiHosts                = var.api_hosts
    PkiHosts                = var.pki_hosts
    AcmeHosts               = var.acme_hosts
    AcmeZoneId              = var.acme_zone_id
    OtherConsumers          = var.other_consumers
    HealthUrl               = var.health_url
    HealthMarker            = var.health_marker
    HealthCa                = var.health_ca
    RotationClass           = var.rotation_class
    ScheduleEnabled         = tostring(var.schedule_enabled)
    OverlapSeconds          = tostring(var.overlap_seconds)
    QuietSeconds            = tostring(var.quiet_seconds)
    DrainDeadlineSeconds    = tostring(var.drain_deadline_seconds)
    RolloutDeadlineSeconds  = tostring(var.rollout_deadline_seconds)
    Fleet                   = var.fleet
    FleetAtOnce             = tostring(var.fleet_at_once)
    FleetPerPlace           = tostring(var.fleet_per_place)
    FleetFailurePercent     = tostring(var.fleet_failure_percent)
    AlarmEmail              = var.alarm_email
    DatabaseLogGroupName    = var.database_log_group_name
    Environment             = var.environment
    DefaultTarget           = var.default_target
    LogLevel                = var.log_level
    LogRetentionDays        = tostring(var.log_retention_days)
    Architecture            = var.architecture
    PythonRuntime           = var.python_runtime
  }

  # What was left out is the template's.
  parameters = { for name, value in local.given : name => value if value != null }
}
