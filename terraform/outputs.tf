# Made from template.yaml: make terraform. A test holds the two together.

output "version" {
  description = "Of this stack's template; docs/RELEASING.md."
  value       = aws_cloudformation_stack.rotation.outputs["Version"]
}

output "state_machine_arn" {
  description = "Start executions of this; the input {} rotates the default target."
  value       = aws_cloudformation_stack.rotation.outputs["StateMachineArn"]
}

output "default_target_parameter_name" {
  description = "The default target as the functions read it."
  value       = aws_cloudformation_stack.rotation.outputs["DefaultTargetParameterName"]
}

output "kubernetes_role_arns" {
  description = "Roles that need an access entry of type STANDARD with the group credential-rotation."
  value       = try(aws_cloudformation_stack.rotation.outputs["KubernetesRoleArns"], null)
}

output "sites_writer_role_arns" {
  description = "The only roles that a file system policy need allow elasticfilesystem:ClientWrite."
  value       = try(aws_cloudformation_stack.rotation.outputs["SitesWriterRoleArns"], null)
}

output "rotate_secret_function_arn" {
  description = "The rotation function for the application's secret, if Secrets Manager is to rotate it by itself."
  value       = try(aws_cloudformation_stack.rotation.outputs["RotateSecretFunctionArn"], null)
}

output "fleet_state_machine_arn" {
  description = "Start executions of this to rotate whatever is due; rotation fleet start does."
  value       = try(aws_cloudformation_stack.rotation.outputs["FleetStateMachineArn"], null)
}

output "fleet_bucket_name" {
  description = "What each run of the fleet found, meant to do, and did. No credential is in it."
  value       = try(aws_cloudformation_stack.rotation.outputs["FleetBucketName"], null)
}

output "rotation_key_arn" {
  description = "Whoever starts executions or reads their history needs kms:Decrypt and kms:GenerateDataKey on this key."
  value       = aws_cloudformation_stack.rotation.outputs["RotationKeyArn"]
}

output "notice_topic_arn" {
  description = "Subscribe here whatever wakes people. Messages about ends and all alarms come through it."
  value       = aws_cloudformation_stack.rotation.outputs["NoticeTopicArn"]
}

output "not_delivered_queue_url" {
  description = "Starts and messages that could not be delivered; empty as long as all is well."
  value       = aws_cloudformation_stack.rotation.outputs["NotDeliveredQueueUrl"]
}

output "execution_log_group_name" {
  description = "The audit record. Each state of each execution, with its data; no credential is in it."
  value       = aws_cloudformation_stack.rotation.outputs["ExecutionLogGroupName"]
}

output "function_log_group_name" {
  description = "The log of all steps."
  value       = aws_cloudformation_stack.rotation.outputs["FunctionLogGroupName"]
}
