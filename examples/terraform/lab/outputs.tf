output "role_arn" {
  value = aws_iam_role.robot.arn
}

output "access_key_id" {
  value = aws_iam_access_key.robot.id
}

output "secret_access_key" {
  value     = aws_iam_access_key.robot.secret
  sensitive = true
}
