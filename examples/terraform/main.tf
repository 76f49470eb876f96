# The stack beside an openemr-on-eks installation that Terraform made: its outputs become the stack's parameters.
# docs/ADOPTING.md says in which order, and what to do before.
#
# The module's README says where the packaged template comes from.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.60"
    }
  }
}

# Within the configuration of openemr-on-eks itself, module.… or a resource's attribute stands in its place.
data "terraform_remote_state" "openemr" {
  backend = "s3"
  config  = var.openemr_state
}

data "aws_secretsmanager_secret" "slots" {
  arn = data.terraform_remote_state.openemr.outputs.rds_slot_secret_arn
}

# The stack wants the ARN of the key itself; a secret may name its key by an alias.
data "aws_kms_key" "secrets" {
  key_id = data.aws_secretsmanager_secret.slots.kms_key_id
}

# Owner and mode of sqlconf.php are the application's: whoever replaces the file must come in as that user.
resource "aws_efs_access_point" "sites" {
  file_system_id = var.sites_file_system_id

  posix_user {
    uid = var.sqlconf_owner.uid
    gid = var.sqlconf_owner.gid
  }

  root_directory {
    path = var.sites_path
  }
}

module "credential_rotation" {
  source = "../../terraform"

  stack_name             = var.stack_name
  packaged_template      = var.packaged_template
  artifact_bucket        = var.artifact_bucket
  artifact_kms_key_arn   = var.artifact_kms_key_arn
  notification_topic_arn = var.notification_topic_arn

  slot_secret_arn        = data.terraform_remote_state.openemr.outputs.rds_slot_secret_arn
  admin_secret_arn       = data.terraform_remote_state.openemr.outputs.rds_admin_secret_arn
  secrets_kms_key_arn    = data.aws_kms_key.secrets.arn
  break_glass_role_arn   = var.break_glass_role_arn
  subnet_ids             = var.subnet_ids
  security_group_ids     = var.security_group_ids
  sites_file_system_arn  = aws_efs_access_point.sites.file_system_arn
  sites_access_point_arn = aws_efs_access_point.sites.arn
  cluster_name           = var.cluster_name
  health_url             = var.health_url
}

output "state_machine_arn" {
  description = "Start executions of this."
  value       = module.credential_rotation.state_machine_arn
}
