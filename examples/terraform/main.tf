# The stack beside an openemr-on-eks installation that Terraform made: its outputs become the stack's parameters.
# docs/ADOPTING.md says in which order, and what to do before.
#
# The template is what `sam package` made of a release:
#   sam build && sam package --s3-bucket BUCKET --output-template-file packaged.yaml
# It goes through the bucket, because CloudFormation takes no more than 51,200 bytes directly.

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

resource "aws_s3_object" "template" {
  bucket     = var.artifact_bucket
  key        = "credential-rotation/${filesha256(var.packaged_template)}.yaml"
  source     = var.packaged_template
  kms_key_id = var.artifact_kms_key_arn
}

resource "aws_cloudformation_stack" "credential_rotation" {
  name              = var.stack_name
  template_url      = "https://${var.artifact_bucket}.s3.${var.region}.amazonaws.com/${aws_s3_object.template.key}"
  capabilities      = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
  notification_arns = [var.notification_topic_arn]

  parameters = {
    SlotSecretArn       = data.terraform_remote_state.openemr.outputs.rds_slot_secret_arn
    AdminSecretArn      = data.terraform_remote_state.openemr.outputs.rds_admin_secret_arn
    SecretsKmsKeyArn    = data.aws_kms_key.secrets.arn
    BreakGlassRoleArn   = var.break_glass_role_arn
    SubnetIds           = join(",", var.subnet_ids)
    SecurityGroupIds    = join(",", var.security_group_ids)
    SitesFileSystemArn  = aws_efs_access_point.sites.file_system_arn
    SitesAccessPointArn = aws_efs_access_point.sites.arn
    ClusterName         = var.cluster_name
    HealthUrl           = var.health_url
  }
}

output "state_machine_arn" {
  description = "Start executions of this."
  value       = aws_cloudformation_stack.credential_rotation.outputs["StateMachineArn"]
}
