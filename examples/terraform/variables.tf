variable "stack_name" {
  description = "Also the name of the state machine."
  type        = string
  default     = "credential-rotation"
}

variable "openemr_state" {
  description = "Backend configuration of the state that has the outputs rds_slot_secret_arn and rds_admin_secret_arn."
  type        = map(string)
}

variable "artifact_bucket" {
  description = "Bucket that sam package put the code into; the template goes there too."
  type        = string
}

variable "artifact_kms_key_arn" {
  description = "Key that encrypts the template there."
  type        = string
}

variable "packaged_template" {
  description = "What sam package wrote."
  type        = string
  default     = "packaged.yaml"
}

variable "notification_topic_arn" {
  description = "Topic that hears of what CloudFormation does to the stack."
  type        = string
}

variable "break_glass_role_arn" {
  description = "Role with which a person may still write the secrets; with none, no resource policy is attached."
  type        = string
  default     = "none"
}

variable "subnet_ids" {
  description = "Private subnets that reach the database, the cluster's API endpoint and a mount target each."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Of the functions."
  type        = list(string)
}

variable "sites_file_system_id" {
  description = "EFS file system behind the volume claim openemr-sites-pvc."
  type        = string
}

variable "sites_path" {
  description = "The sites folder on it: the root directory of the volume's own access point."
  type        = string
}

variable "sqlconf_owner" {
  description = "Who owns sqlconf.php."
  type        = object({ uid = number, gid = number })
  default     = { uid = 1000, gid = 101 }
}

variable "cluster_name" {
  description = "EKS cluster."
  type        = string
}

variable "health_url" {
  description = "The login page, reachable from the subnets."
  type        = string
}
