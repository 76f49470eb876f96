# The stack of template.yaml, for who deploys with Terraform and not with SAM. README.md says what to do before.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.60"
    }
  }
}

variable "stack_name" {
  description = "Name of the stack, and of the state machine. The command rotation finds both by it."
  type        = string
  default     = "credential-rotation"
}

variable "packaged_template" {
  description = "The file that sam package wrote from a release."
  type        = string
}

variable "artifact_bucket" {
  description = "The bucket that sam package put the code into. The template goes there too: CloudFormation takes no more than 51,200 bytes directly."
  type        = string
}

variable "artifact_kms_key_arn" {
  description = "KMS key that encrypts the template in that bucket. null leaves it to the bucket."
  type        = string
  default     = null
}

variable "notification_topic_arn" {
  description = "SNS topic that hears of what CloudFormation does to the stack."
  type        = string
}

variable "deployer_role_arn" {
  description = "Role with which CloudFormation makes the stack. null: whoever runs Terraform."
  type        = string
  default     = null
}

variable "tags" {
  description = "Of the stack, and of all that it makes."
  type        = map(string)
  default     = {}
}

data "aws_s3_bucket" "artifacts" {
  bucket = var.artifact_bucket
}

resource "aws_s3_object" "template" {
  bucket     = var.artifact_bucket
  key        = "${var.stack_name}/${filesha256(var.packaged_template)}.yaml"
  source     = var.packaged_template
  kms_key_id = var.artifact_kms_key_arn
}

resource "aws_cloudformation_stack" "rotation" {
  name              = var.stack_name
  template_url      = "https://${data.aws_s3_bucket.artifacts.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  parameters        = local.parameters
  capabilities      = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
  notification_arns = [var.notification_topic_arn]
  iam_role_arn      = var.deployer_role_arn
  tags              = var.tags
}
